/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_REDACT_H
#define TUNE_REDACT_H

#include <stdbool.h>
#include <stddef.h>

/* Words that were hidden, each with a number: the same word always gets the same. */
struct tune_hidden {
	unsigned n_words;
	char (*word)[64];
	bool no_memory;
};

/*
 * A copy of a text in which nothing tells whose it is, to be freed: MAC addresses and UUIDs, in
 * enx… names too; with contents also IPv4 addresses and the host's name (NULL: none).
 */
char *tune_redact(struct tune_hidden *h, const char *text, const char *host, bool contents);

/* A PCI configuration space: the serial number, which is made of the MAC address. */
void tune_redact_config(unsigned char *config, size_t len);

#endif

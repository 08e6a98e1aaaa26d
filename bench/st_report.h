/* SPDX-License-Identifier: Apache-2.0 */
/* What a port tells about itself, by name, for both forms of the report. */
#ifndef ST_REPORT_H
#define ST_REPORT_H

#include "st.h"

#define ST_MAX_CAPS 64u

struct st_cap {
	const char *name;
	uint64_t value;
	bool flag; /* yes or no */
};

struct st_caps {
	unsigned n;
	struct st_cap cap[ST_MAX_CAPS];
};

void st_caps_read(struct st_caps *c, const struct st_port *p);

/* "02:da:01:**:**:**" */
void st_mac_masked(const uint8_t mac[6], char text[18]);
/* The same for every MAC address in a text. */
void st_redact(char *text);
const char *st_verdict_name(enum st_verdict verdict);
bool st_emulated(const struct st *st);
/* "Linux 6.1.0 x86_64": of the kernel, without the machine's name. */
void st_system(char *text, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* OpenMetrics text: samples are gathered in any order and written family by family. */
#ifndef PERF_OM_H
#define PERF_OM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum om_type { OM_COUNTER, OM_GAUGE, OM_INFO };

struct om_sample {
	char *family; /* without _total or _info */
	char *labels; /* name="value",… with values escaped; "" none */
	const char *help;
	enum om_type type;
	uint64_t value;
	unsigned at; /* order of adding */
};

struct om {
	struct om_sample *samples;
	unsigned n;
	bool failed; /* out of memory: what there is is not all */
};

/* What samples that are alike have in common. help: static. */
struct om_kind {
	enum om_type type;
	const char *prefix; /* of the family: "daqiri_port_" */
	const char *help;
};

/* name is put behind the prefix, with whatever no metric's name can have replaced by '_'. */
void om_add(struct om *om, const struct om_kind *kind, const char *name, const char *labels,
	    uint64_t value);
/* name="value" behind what labels, a buffer of size, holds; values that do not fit are cut. */
void om_label(char *labels, size_t size, const char *name, const char *value);

/* All of it, to the "# EOF"; false: f, or memory, has failed. */
bool om_write(struct om *om, FILE *f);
void om_free(struct om *om);

#endif

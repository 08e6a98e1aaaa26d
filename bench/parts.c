/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "msg.h"
#include "parts.h"

/* Buffers may be larger than any frame is. */
#define LONGEST_FRAME 65600u

int perf_parts_make(struct perf_parts *p, unsigned n, uint32_t longest)
{
	p->payloads = calloc(n, sizeof(*p->payloads));
	p->whole = malloc(longest < LONGEST_FRAME ? longest : LONGEST_FRAME);
	return p->payloads && p->whole ? 0 : perf_fail("out of memory");
}

void perf_parts_free(struct perf_parts *p)
{
	free(p->payloads);
	free(p->whole);
}

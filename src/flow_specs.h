/* SPDX-License-Identifier: Apache-2.0 */
/* A match in verbs' words, the specs of ibv_create_flow(), as far as it can be said in them. Pure
 * functions. */
#ifndef DQ_FLOW_SPECS_H
#define DQ_FLOW_SPECS_H

#include <stddef.h>
#include <stdint.h>

#include <infiniband/verbs.h>

#include "flow_match.h"

enum {
	DQ_SPECS =
		10, /* IB_FLOW_SPEC_SUPPORT_LAYERS, that a flow may have: in a tunnel all of them */
	DQ_SPEC_BYTES = 88, /* of the longest */
};

struct dq_flow_specs {
	struct ibv_flow_attr attr; /* its type, size and number of specs are kept */
	uint8_t specs[DQ_SPECS * DQ_SPEC_BYTES];
};

/*
 * NULL: they match the same packets as the match does. Otherwise what no spec says, in words of the
 * configuration.
 */
const char *dq_flow_specs_make(struct dq_flow_specs *out, const struct dq_match_buf *match);

/* Adds what is to be done. */
void dq_flow_specs_add(struct dq_flow_specs *specs, const void *spec, size_t size);

#endif

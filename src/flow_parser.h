/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NIC's programmable parser: headers that it is told of, so that rules can match words of them
 * (enum dq_word). A header is a node of the parser's graph, the firmware's object FLEX_PARSE_GRAPH,
 * made through DevX. It is there while a flow needs it.
 */
#ifndef DQ_FLOW_PARSER_H
#define DQ_FLOW_PARSER_H

#include <stdint.h>

#include "config_model.h"
#include "device.h"

struct mlx5dv_devx_obj;

/* Where a word stands: behind which header, where that says what follows it. */
struct dq_parser_place {
	uint8_t node;	/* of the graph; 0: there is no such word */
	uint8_t offset; /* bytes */
	uint16_t value; /* of that header's field: EtherType or UDP port */
};

struct dq_parser {
	struct dq_parser_place places[DQ_WORDS];
	uint32_t ids[DQ_WORDS]; /* the firmware's names, of those that it reads now */
	struct dq_parser_node {
		struct mlx5dv_devx_obj *obj;
		unsigned users;
	} nodes[DQ_WORDS]; /* each at its first word */
};

/* The words of port number index of the configuration. */
void dq_parser_init(struct dq_parser *parser, const struct dq_conf *conf, unsigned index);

/*
 * Has these words read, a bit each, for one flow. where: of it, for messages. -EOPNOTSUPP: a device
 * that cannot be told.
 */
int dq_parser_get(struct dq_parser *parser, struct dq_device *dev, unsigned words,
		  const char *where);

/* The flow's rules must be gone. */
void dq_parser_put(struct dq_parser *parser, struct dq_device *dev, unsigned words);

#endif

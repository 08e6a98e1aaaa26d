/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <infiniband/mlx5dv.h>

#include "byteorder.h"
#include "error.h"
#include "flow_parser.h"

/* PRM: the commands' heads, parse_graph_flex, and its tables, in bytes. */
enum {
	CMD_CREATE_GENERAL_OBJ = 0xa00, /* MLX5_CMD_OP_CREATE_GENERAL_OBJECT */
	CMD_QUERY_GENERAL_OBJ = 0xa02,	/* MLX5_CMD_OP_QUERY_GENERAL_OBJECT */
	OBJ_PARSE_GRAPH = 0x22,		/* MLX5_GENERAL_OBJ_TYPE_FLEX_PARSE_GRAPH */
	HEAD = 16,			/* general_obj_in_cmd_hdr, general_obj_out_cmd_hdr */
	HEAD_TYPE = 6,			/* obj_type */
	HEAD_ID = 8,			/* obj_id */
	FLEX = 416,			/* parse_graph_flex */
	FLEX_LENGTH = HEAD + 12,	/* header_length_base_value; header_length_mode 0: fixed */
	FLEX_SAMPLES = HEAD + 32,	/* sample_table: parse_graph_flow_match_sample */
	FLEX_ARC = HEAD + 160,		/* the first of input_arc: parse_graph_arc */
	SAMPLE = 16,
	SAMPLE_ENABLE = 0, /* flow_match_sample_en; flow_match_sample_offset_mode 0: fixed */
	SAMPLE_OFFSET = 5, /* flow_match_sample_field_base_offset */
	SAMPLE_ID = 12,	   /* flow_match_sample_field_id */
	ARC_NODE = 1,	   /* arc_parse_graph_node */
	ARC_VALUE = 2,	   /* compare_condition_value */

	NODE_MAC = 2, /* MLX5_GRAPH_ARC_NODE_MAC */
	NODE_UDP = 5, /* MLX5_GRAPH_ARC_NODE_UDP */

	STATUS_LIMITS = 0x8,	   /* MLX5_CMD_STAT_LIM_ERR */
	STATUS_NO_RESOURCES = 0xf, /* MLX5_CMD_STAT_NO_RES_ERR */

	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ECPRI = 0xaefe,
	IPV4_HEADER = 20,
};

void dq_parser_init(struct dq_parser *parser, const struct dq_conf *conf, unsigned index)
{
	*parser = (struct dq_parser){.places = {
					     [DQ_WORD_IPV4] = {NODE_MAC, 0, ETHERTYPE_IPV4},
					     [DQ_WORD_ECPRI] = {NODE_MAC, 0, ETHERTYPE_ECPRI},
					     [DQ_WORD_ECPRI_ID] = {NODE_MAC, 4, ETHERTYPE_ECPRI},
				     }};
	for (unsigned i = 0; i < conf->n_flexes; i++) {
		const struct dq_conf_flex *flex = &conf->flexes[i];

		if (flex->port == index)
			parser->places[flex->word] =
				(struct dq_parser_place){NODE_UDP, flex->offset, flex->udp_dst};
	}
}

/* ---- the object ------------------------------------------------------------------------------ */

static bool is_same_header(const struct dq_parser_place *a, const struct dq_parser_place *b)
{
	return a->node == b->node && a->value == b->value;
}

/* The words of the header that this word is of, a bit each. */
static unsigned words_beside(const struct dq_parser *parser, unsigned word)
{
	unsigned words = 0;

	for (unsigned i = 0; i < DQ_WORDS; i++)
		if (is_same_header(&parser->places[i], &parser->places[word]))
			words |= 1U << i;
	return words;
}

/* The header and all its words that flows may ask for: an object is never changed. */
static void fill_graph(uint8_t *in, const struct dq_parser *parser, unsigned words)
{
	const struct dq_parser_place *place = &parser->places[__builtin_ctz(words)];
	uint8_t *sample = in + FLEX_SAMPLES;
	unsigned length =
		place->value == ETHERTYPE_IPV4 && place->node == NODE_MAC ? IPV4_HEADER : 0;

	dq_put_be16(in, CMD_CREATE_GENERAL_OBJ);
	dq_put_be16(in + HEAD_TYPE, OBJ_PARSE_GRAPH);
	for (unsigned i = 0; i < DQ_WORDS; i++) {
		if (!(words >> i & 1))
			continue;
		sample[SAMPLE_ENABLE] = 0x80;
		sample[SAMPLE_OFFSET] = parser->places[i].offset;
		sample += SAMPLE;
		if (length < parser->places[i].offset + 4U)
			length = parser->places[i].offset + 4U;
	}
	dq_put_be16(in + FLEX_LENGTH, (uint16_t)length);
	in[FLEX_ARC + ARC_NODE] = place->node;
	dq_put_be16(in + FLEX_ARC + ARC_VALUE, place->value);
}

static const char *key_of(unsigned word)
{
	static const char *const keys[] = {"ipv4_len", "ecpri_type", "ecpri_id"};

	return word < DQ_WORD_FLEX ? keys[word] : "flex";
}

static int explain(const struct dq_device *dev, const uint8_t *answer, const char *where,
		   unsigned word)
{
	int err = errno ? errno : EIO;

	if (answer[0] == STATUS_LIMITS || answer[0] == STATUS_NO_RESOURCES)
		return dq_error(ENOSPC,
				"%s %s: the parser of %s has room for %d words, and others have "
				"them: end those programs, or match fewer words",
				where, key_of(word), dev->info.rdma, DQ_WORDS);
	return dq_error(err,
			"%s %s: the parser of %s cannot be told of it: %s (firmware status 0x%02x)",
			where, key_of(word), dev->info.rdma, strerror(err), answer[0]);
}

/* What the firmware calls the words: it gives them out in the order of its table. */
static int read_ids(struct dq_parser *parser, const struct dq_parser_node *node, unsigned words,
		    const uint8_t *created)
{
	uint8_t in[HEAD] = {0}, out[HEAD + FLEX] = {0};
	const uint8_t *sample = out + FLEX_SAMPLES;
	__be32 id;

	dq_put_be16(in, CMD_QUERY_GENERAL_OBJ);
	dq_put_be16(in + HEAD_TYPE, OBJ_PARSE_GRAPH);
	memcpy(in + HEAD_ID, created + HEAD_ID, sizeof(id));
	if (mlx5dv_devx_obj_query(node->obj, in, sizeof(in), out, sizeof(out)))
		return -EIO;
	for (unsigned i = 0; i < DQ_WORDS; i++) {
		if (!(words >> i & 1))
			continue;
		memcpy(&id, sample + SAMPLE_ID, sizeof(id));
		parser->ids[i] = dq_from_be32(id);
		sample += SAMPLE;
	}
	return 0;
}

static int create(struct dq_parser *parser, struct dq_device *dev, unsigned word, const char *where)
{
	struct dq_parser_node *node = &parser->nodes[word];
	uint8_t in[HEAD + FLEX] = {0}, out[HEAD] = {0};
	unsigned words = words_beside(parser, word);

	fill_graph(in, parser, words);
	errno = 0;
	node->obj = mlx5dv_devx_obj_create(dev->ctx, in, sizeof(in), out, sizeof(out));
	if (!node->obj)
		return explain(dev, out, where, word);
	if (!read_ids(parser, node, words, out))
		return 0;
	dq_device_destroyed(dev, "a parser node", mlx5dv_devx_obj_destroy(node->obj));
	node->obj = NULL;
	return dq_error(EIO, "%s %s: the parser of %s does not tell its words", where, key_of(word),
			dev->info.rdma);
}

/* ---- flows that need it ---------------------------------------------------------------------- */

/* The first words of the headers that these words are of, a bit each. */
static unsigned headers_of(const struct dq_parser *parser, unsigned words)
{
	unsigned headers = 0;

	for (unsigned i = 0; i < DQ_WORDS; i++)
		if (words >> i & 1)
			headers |= 1U << __builtin_ctz(words_beside(parser, i));
	return headers;
}

static int check_parser(const struct dq_device *dev, unsigned words, const char *where)
{
	const char *key = key_of((unsigned)__builtin_ctz(words));

	if (dev->caps.parse_graph)
		return 0;
	if (!dev->caps.firmware)
		return dq_error(
			EOPNOTSUPP,
			"%s %s: the programmable parser of %s needs DevX, which its context "
			"was not granted: leave the match out, or run with the right to it",
			where, key, dev->info.rdma);
	return dq_error(EOPNOTSUPP,
			"%s %s: %s has no programmable parser. Where its firmware can, it is "
			"switched on by: mlxconfig -d %s set FLEX_PARSER_PROFILE_ENABLE=4 "
			"PROG_PARSE_GRAPH=1, and a reset of the device",
			where, key, dev->info.rdma, dev->info.pci);
}

int dq_parser_get(struct dq_parser *parser, struct dq_device *dev, unsigned words,
		  const char *where)
{
	unsigned headers = headers_of(parser, words), taken = 0;
	int ret = words ? check_parser(dev, words, where) : 0;

	for (unsigned i = 0; !ret && i < DQ_WORDS; i++) {
		if (!(headers >> i & 1))
			continue;
		if (!parser->nodes[i].users)
			ret = create(parser, dev, i, where);
		if (!ret) {
			parser->nodes[i].users++;
			taken |= 1U << i;
		}
	}
	if (ret)
		dq_parser_put(parser, dev, taken);
	return ret;
}

void dq_parser_put(struct dq_parser *parser, struct dq_device *dev, unsigned words)
{
	unsigned headers = headers_of(parser, words);

	for (unsigned i = 0; i < DQ_WORDS; i++) {
		struct dq_parser_node *node = &parser->nodes[i];

		if (!(headers >> i & 1) || --node->users)
			continue;
		dq_device_destroyed(dev, "a parser node", mlx5dv_devx_obj_destroy(node->obj));
		node->obj = NULL;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From fte_match_param, as the kernel hands it on, to the words that the device compares. */
#include <errno.h>
#include <string.h>

#include "flow.h"
#include "packet_deep.h"
#include "wire.h"

/* fte_match_set_lyr_2_4: all but what says whether lengths and checksums are good */
#define LAYERS                                                                                     \
	0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x0000f0ff,        \
		0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,            \
		0xffffffff, 0xffffffff, 0xffffffff

/* What emu_pkt_parse() fills in: bits of the outer headers and misc_parameters. */
static const uint32_t usual[EMU_PKT_WORDS] = {
	LAYERS, [18] = 0xffff0000, [19] = 0xa0000000, [21] = 0xffffff00, [23] = 0x000fffff,
};

/* And what emu_pkt_parse_deep() does. */
static const uint32_t matchable[EMU_DEEP_WORDS] = {
	LAYERS,
	[EMU_W_GRE] = 0xb0000000,
	[EMU_W_SECOND_VLAN] = 0xffffffff,
	[EMU_W_SECOND_KIND] = 0xf000ffff,
	[EMU_W_GRE_KEY] = 0xffffffff,
	[21] = 0xffffff00, /* vxlan_vni */
	[EMU_W_GENEVE] = 0xffffff01,
	[23] = 0x000fffff, /* outer_ipv6_flow_label */
	[EMU_W_INNER_LABEL] = 0x000fffff,
	[EMU_W_GENEVE_OPT] = 0x003fffff,
	[EMU_W_INNER_SPI] = 0xffffffff,
	[EMU_W_SPI] = 0xffffffff,
	[EMU_W_INNER] = LAYERS,
	[EMU_W_MPLS] = 0xffffffff,
	[EMU_W_INNER_MPLS] = 0xffffffff,
	[EMU_W_MPLS_GRE] = 0xffffffff,
	[EMU_W_MPLS_UDP] = 0xffffffff,
	[EMU_W_REG_C7] = 0xffffffff,
	[EMU_W_REG_C7 + 1] = 0xffffffff,
	[EMU_W_REG_C7 + 2] = 0xffffffff,
	[EMU_W_REG_C7 + 3] = 0xffffffff,
	[EMU_W_REG_C7 + 4] = 0xffffffff,
	[EMU_W_REG_C7 + 5] = 0xffffffff,
	[EMU_W_REG_C7 + 6] = 0xffffffff,
	[EMU_W_REG_C0] = 0xffffffff,
	[EMU_W_INNER_SEQ] = 0xffffffff,
	[EMU_W_SEQ] = 0xffffffff,
	[EMU_W_INNER_ACK] = 0xffffffff,
	[EMU_W_ACK] = 0xffffffff,
	[EMU_W_GPE_VNI] = 0x00ffffff,
	[EMU_W_GPE_PROTO] = 0xffff0000,
	[EMU_W_ICMP_DATA] = 0xffffffff,
	[EMU_W_ICMP6_DATA] = 0xffffffff,
	[EMU_W_ICMP_TYPE] = 0xffffffff,
	[EMU_W_GTP_TEID] = 0xffffffff,
	[EMU_W_GTP_TYPE] = 0xffff0000,
	[EMU_W_GTP_DW2] = 0xffffffff,
	[EMU_W_GTP_EXT] = 0xffffffff,
	[EMU_W_GTP_DW0] = 0xffffffff,
	[EMU_W_TUNNEL] = 0xffffffff,
	[EMU_W_TUNNEL + 1] = 0xffffffff,
	[EMU_W_TUNNEL + 2] = 0xffffffff,
	[EMU_W_TUNNEL + 3] = 0xffffffff,
};

#define SQN 0x00ffffffu /* misc_parameters.source_sqn: frames have one in NIC_TX only */

static uint32_t allowed(const struct emu_flow_ask *ask, unsigned word)
{
	return matchable[word] | (word == EMU_W_GRE && ask->egress ? SQN : 0);
}

static int put_word(struct emu_rule_def *def, unsigned word, uint32_t mask, uint32_t value)
{
	if (def->n_words == EMU_RULE_WORDS)
		return -EINVAL;
	def->index[def->n_words] = (uint8_t)word;
	def->mask[def->n_words] = mask;
	def->value[def->n_words++] = value;
	if (word >= EMU_PKT_WORDS || be32toh(mask) & ~usual[word])
		def->flags |= EMU_RULE_DEEP;
	return 0;
}

static uint32_t word_of(const uint8_t *bytes, unsigned i)
{
	uint32_t word;

	memcpy(&word, bytes + (size_t)i * 4, sizeof(word));
	return word;
}

/*
 * misc_parameters_4: pairs of a sample's value and its id, which stands in the value and may in the
 * mask. A value that is not matched needs no id.
 */
static int read_samples(const struct emu_flow_ask *ask, uint32_t masks[EMU_DEEP_SAMPLES],
			uint32_t values[EMU_DEEP_SAMPLES])
{
	unsigned i, word, slot;

	for (i = 0; i < EMU_DEEP_SAMPLES; i++) {
		word = EMU_W_MISC4 + 2 * i;
		if (!word_of(ask->mask, word))
			continue;
		slot = emu_wire_sample_find(ask->port, be32toh(word_of(ask->value, word + 1)));
		if (!word_of(ask->value, word + 1) || slot == EMU_DEEP_SAMPLES || masks[slot])
			return -EINVAL;
		masks[slot] = word_of(ask->mask, word);
		values[slot] = word_of(ask->value, word);
	}
	return 0;
}

static int put_samples(const struct emu_flow_ask *ask, struct emu_rule_def *def)
{
	uint32_t masks[EMU_DEEP_SAMPLES] = {0}, values[EMU_DEEP_SAMPLES];
	int rc = read_samples(ask, masks, values);
	unsigned i;

	for (i = 0; i < EMU_DEEP_SAMPLES && !rc; i++)
		if (masks[i])
			rc = put_word(def, EMU_W_SAMPLE + i, masks[i], values[i]);
	return rc;
}

static bool is_sample(unsigned word)
{
	return word >= EMU_W_MISC4 && word < EMU_W_MISC4 + 2 * EMU_DEEP_SAMPLES;
}

/*
 * What the firmware does not know it refuses when mlx5_core makes the group: BAD_PARAM, which
 * cmd_status_to_err() makes EINVAL of. A value bit outside the mask: check_valid_spec().
 */
int emu_flow_pack(const struct emu_flow_ask *ask, struct emu_rule_def *def)
{
	uint32_t mask, value;
	unsigned i;
	int rc;

	def->n_words = 0;
	for (i = 0; i < EMU_MATCH_SIZE / 4; i++) {
		mask = word_of(ask->mask, i);
		value = word_of(ask->value, i);
		if (value & ~mask)
			return -EINVAL;
		if (!mask || is_sample(i))
			continue;
		if (i >= EMU_W_SAMPLE || be32toh(mask) & ~allowed(ask, i))
			return -EINVAL;
		rc = put_word(def, i, mask, value);
		if (rc)
			return rc;
	}
	return put_samples(ask, def);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer entry: arbitrary frames through the emulated device's parsers, checksums, rules and
 * what rules change. It reads inside the frame only; what it fills in it finds right; a frame meets
 * a rule exactly where a rule's mask and value say so; and what has changed lies where it may.
 *
 * Input: the number of rules, for each its level, its number of words and those (index, 4 bytes of
 * mask, 4 of value), samples of the programmable parser and changes, then the frame.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "emu/emu_hw.h"
#include "emu/flex.h"
#include "emu/packet_deep.h"
#include "emu/rewrite.h"
#include "emu/steer.h"

enum { MAX_RULES = 8, MAX_WORDS = 4, HEADROOM = 256, MAX_HEADER = 128, MAX_ACTIONS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static uint32_t take_word(struct input *in)
{
	uint32_t word = 0;

	for (int i = 0; i < 4; i++)
		word = word << 8 | take(in);
	return word;
}

static void check(bool good)
{
	if (!good)
		abort();
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void take_rule(struct input *in, struct emu_rule_def *def, unsigned number)
{
	unsigned words = take(in) % (MAX_WORDS + 1), index = 0;

	*def = (struct emu_rule_def){
		.level = take(in) % EMU_LEVELS, .tag = number + 1, .tir = number + 1};
	for (unsigned i = 0; i < words; i++) {
		uint32_t mask, value;

		index += take(in) % 8u + (i > 0);
		mask = take_word(in);
		value = take_word(in);
		if (index >= EMU_PKT_WORDS || !mask)
			break;
		def->index[def->n_words] = (uint8_t)index;
		def->mask[def->n_words] = mask;
		def->value[def->n_words++] = value & mask;
	}
}

static bool matches(const struct emu_rule_def *def, const uint32_t *match)
{
	for (unsigned i = 0; i < def->n_words; i++)
		if ((match[def->index[i]] & def->mask[i]) != def->value[i])
			return false;
	return true;
}

/* The lowest level of a rule that is there and matches; EMU_LEVELS: none. */
static unsigned expected_level(const struct emu_rule_def *defs, const bool *there, unsigned n,
			       const uint32_t *match)
{
	unsigned level = EMU_LEVELS;

	for (unsigned i = 0; i < n; i++)
		if (there[i] && defs[i].level < level && matches(&defs[i], match))
			level = defs[i].level;
	return level;
}

static void check_lookup(const struct emu_steer *steer, const struct emu_rule_def *defs,
			 unsigned level, const uint32_t *match)
{
	const struct emu_fte *fte = emu_steer_lookup(steer, match, 0, EMU_LEVELS - 1);

	check(!fte == (level == EMU_LEVELS));
	if (!fte)
		return;
	check(fte->n_dests > 0);
	for (unsigned i = 0; i < fte->n_dests; i++) {
		const struct emu_rule_def *def = &defs[fte->dests[i].slot];

		check(def->level == level && matches(def, match));
	}
}

static void steer(struct input *in, const uint8_t *frame, uint32_t len)
{
	struct emu_steer *table = emu_steer_new(MAX_RULES);
	struct emu_rule_def defs[MAX_RULES];
	bool there[MAX_RULES] = {false};
	unsigned n = take(in) % (MAX_RULES + 1);
	struct emu_pkt pkt;

	check(table != NULL);
	emu_pkt_parse(&pkt, frame, len);
	for (unsigned i = 0; i < n; i++) {
		take_rule(in, &defs[i], i);
		there[i] = !emu_steer_place(table, &defs[i]) && !emu_steer_add(table, &defs[i], i);
		check_lookup(table, defs, expected_level(defs, there, i + 1, pkt.match), pkt.match);
	}
	for (unsigned i = 0; i < n; i++) {
		emu_steer_del(table, i);
		there[i] = false;
		check_lookup(table, defs, expected_level(defs, there, n, pkt.match), pkt.match);
	}
	emu_steer_free(table);
}

/* ---- the deep parser ------------------------------------------------------------------------- */

/* What the usual parser tells the other one tells too; a sample is a word of the frame, or 0. */
static void deep(struct input *in, const uint8_t *frame, uint32_t len)
{
	static const uint8_t nodes[] = {EMU_NODE_NULL, EMU_NODE_MAC,  EMU_NODE_IP,
					EMU_NODE_UDP,  EMU_NODE_IPV4, EMU_NODE_IPV6};
	struct emu_sample samples[EMU_DEEP_SAMPLES] = {{0}};
	uint32_t words[EMU_DEEP_WORDS];
	struct emu_tunnel t;
	struct emu_pkt pkt;

	for (unsigned i = 0; i < EMU_DEEP_SAMPLES; i++) {
		samples[i].id = take(in);
		samples[i].header = take(in);
		samples[i].offset = take(in) & 31;
		samples[i].arcs[0].node = nodes[take(in) % sizeof(nodes)];
		samples[i].arcs[0].value = (uint16_t)(take_word(in) >> 16);
	}
	emu_pkt_parse(&pkt, frame, len);
	emu_pkt_parse_deep(words, &pkt, frame, len);
	for (unsigned i = 0; i < EMU_PKT_WORDS; i++)
		check((words[i] & pkt.match[i]) == pkt.match[i]);
	emu_flex_words(words, samples, &pkt, frame, len);
	for (unsigned i = 0; i < EMU_DEEP_SAMPLES; i++)
		check(samples[i].id || !words[EMU_W_SAMPLE + i]);
	t = emu_tunnel_find(&pkt, frame, len);
	check(t.kind == EMU_TUNNEL_NONE || (t.header <= t.off && t.off <= len));
}

/* ---- what rules change ----------------------------------------------------------------------- */

static void modify(struct input *in, struct emu_edit *edit)
{
	uint8_t actions[MAX_ACTIONS * 8];
	unsigned n = take(in) % (MAX_ACTIONS + 1), valid = 0;

	for (unsigned i = 0; i < n; i++) {
		uint8_t *action = actions + (size_t)valid * 8;

		for (unsigned k = 0; k < 8; k++)
			action[k] = take(in);
		valid += emu_modify_valid(action);
	}
	emu_edit_modify(edit, actions, valid);
}

static void change(struct input *in, struct emu_edit *edit, unsigned how)
{
	uint8_t header[MAX_HEADER];
	uint32_t size = take(in) % (MAX_HEADER + 1u);

	for (uint32_t i = 0; i < size; i++)
		header[i] = how & 8 ? take(in) : (uint8_t)(i * 37);
	switch (how & 7) {
	case 0:
		emu_edit_decap(edit);
		break;
	case 1: /* an L2 header, with a VLAN tag or without: uverbs_flow_action.c */
		emu_edit_l3_decap(edit, header, size % 2 ? 18 : 14);
		break;
	case 2:
	case 3:
		emu_edit_encap(edit, header, size, how & 1);
		break;
	default:
		modify(in, edit);
		break;
	}
}

/* Up to three changes, one after the other, in memory that ends where the frame does. */
static void rewrite(struct input *in, const uint8_t *frame, uint32_t len)
{
	uint8_t *memory = malloc(HEADROOM + len);
	struct emu_edit edit = {memory + HEADROOM, len, HEADROOM, {0}};
	struct emu_pkt pkt;

	check(memory != NULL);
	memcpy(edit.data, frame, len);
	for (unsigned i = 0; i < 3; i++) {
		change(in, &edit, take(in));
		check(edit.data >= memory && edit.data + edit.len <= memory + HEADROOM + len);
		check(edit.room == (uint32_t)(edit.data - memory));
		emu_pkt_parse(&pkt, edit.data, edit.len);
	}
	free(memory);
}

/* ---- checksums ------------------------------------------------------------------------------- */

/* A UDP length that its packet contradicts has no right checksum. */
static bool has_l4_csum(const struct emu_pkt *pkt, const uint8_t *frame)
{
	const uint8_t *l4 = frame + pkt->l4_off;
	uint32_t udp_len;

	if (!pkt->l3_good || pkt->l4 == EMU_L4_NONE)
		return false;
	if (pkt->l4 != EMU_L4_UDP)
		return true;
	udp_len = (uint32_t)l4[4] << 8 | l4[5];
	return udp_len >= 8 && udp_len <= pkt->l4_len;
}

static void checksums(uint8_t *frame, uint32_t len)
{
	struct emu_pkt_status status;
	struct emu_pkt pkt;

	emu_pkt_parse(&pkt, frame, len);
	status = emu_pkt_verify(&pkt, frame);
	check(status.ok & EMU_CQE_L2_OK);
	emu_pkt_insert_csum(frame, len, true, true);
	emu_pkt_parse(&pkt, frame, len);
	status = emu_pkt_verify(&pkt, frame);
	check(!pkt.l3_good || (status.ok & EMU_CQE_L3_OK));
	check(!has_l4_csum(&pkt, frame) || (status.ok & EMU_CQE_L4_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct input rules = in;
	unsigned skip = 1 + MAX_RULES * (2 + MAX_WORDS * 9u);
	uint32_t len;
	uint8_t *frame;

	/* Rules stand in front, at most so many bytes of them; the frame is the rest. */
	if (skip > size / 2)
		skip = (unsigned)(size / 2);
	rules.left = skip;
	len = (uint32_t)(size - skip < 16384 ? size - skip : 16384);
	frame = malloc(len + !len);
	check(frame != NULL);
	memcpy(frame, data + skip, len);
	steer(&rules, frame, len);
	deep(&rules, frame, len);
	if (len >= 14) {
		rewrite(&rules, frame, len);
		checksums(frame, len);
	}
	free(frame);
	return 0;
}

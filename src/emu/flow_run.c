/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules at work: a frame goes through the tables of a port, is counted, changed, and handed to the
 * destinations of the rules that it meets. Engine's thread.
 */
#include <endian.h>
#include <net/if.h>
#include <string.h>

#include "flex.h"
#include "packet_deep.h"
#include "rewrite.h"
#include "wire.h"

#define MAX_MODIFY (WIRE_ACTION_DATA / 8)
#define HEADROOM   256u /* in front of a frame that is changed: for the largest encapsulation */

/* What the engine changes frames in: one on its way out, and one on its way in. */
static uint8_t scratch[2][HEADROOM + EMU_MAX_FRAME];

/* Words that rules match by, where the usual ones do not do. */
static uint32_t deep_words[EMU_DEEP_WORDS];

/* A frame on its way through the tables. */
struct walk {
	unsigned port;
	const struct emu_steer *steer;
	struct emu_frame *frame; /* as the rules so far have left it */
	struct emu_frame changed;
	uint32_t regs[EMU_REGS];
	uint32_t sqn;	 /* of its sender, where it is known */
	uint32_t remote; /* other processes whose rules it has met */
	bool local;	 /* for this process's destinations only, nothing is counted */
	bool missed;	 /* a rule sends it on to the kernel */
};

/* Registers lie in the order of the PRM: c_7 first, and a behind c_0. */
static const uint32_t *words_of(const struct walk *w, bool egress)
{
	const struct emu_frame *f = w->frame;
	unsigned i;

	if (!egress && !emu_steer_deep(w->steer))
		return f->pkt.match;
	emu_pkt_parse_deep(deep_words, &f->pkt, f->data, f->len);
	emu_flex_words(deep_words, emu_wire.head->ports[w->port].samples, &f->pkt, f->data, f->len);
	deep_words[EMU_W_GRE] |= htobe32(w->sqn & 0xffffff);
	deep_words[EMU_W_REG_A] = htobe32(w->regs[EMU_REG_A]);
	for (i = 0; i < 8; i++)
		deep_words[EMU_W_REG_C0 - i] = htobe32(w->regs[EMU_REG_C0 + i]);
	return deep_words;
}

/*
 * Does the TIR take the frame? A frame from the cable, yes. One that its own port looped back, only
 * where the TIR was made with TIR_ALLOW_SELF_LOOPBACK for its class, or belongs to another context
 * (another transport domain: the block looks at the sender's own only).
 */
static bool accepts(const struct emu_dest *dest, const struct emu_frame *f)
{
	return !f->looped || (dest->flags & f->looped) || dest->ctx != (uint64_t)(uintptr_t)f->ctx;
}

/* A changed frame is changed again by whoever gets it: others are sent what has arrived. */
static void to_dests(struct walk *w, const struct emu_fte *fte)
{
	unsigned i;

	for (i = 0; i < fte->n_dests; i++) {
		const struct emu_dest *dest = &fte->dests[i];

		if (dest->flags & EMU_RULE_MISS)
			w->missed = true;
		if (dest->again || !dest->tir)
			continue;
		if (dest->owner != emu_wire.slot)
			w->remote |= 1u << dest->owner;
		else if (accepts(dest, w->frame))
			emu_tir_receive((struct emu_tir *)(uintptr_t)dest->tir, w->frame,
					emu_broken(FLOW_TAG) ? 0 : fte->tag);
	}
}

/* ---- what rules do -------------------------------------------------------------------------- */

static bool reformat(struct emu_edit *edit, const struct wire_action *a)
{
	uint32_t len = a->len < WIRE_ACTION_DATA ? a->len : WIRE_ACTION_DATA;

	switch (a->kind) {
	case EMU_ACTION_L3_TUNNEL_TO_L2:
		return emu_edit_l3_decap(edit, a->data, len);
	case EMU_ACTION_L2_TO_L2_TUNNEL:
	case EMU_ACTION_L2_TO_L3_TUNNEL:
		return emu_edit_encap(edit, a->data, len, a->kind == EMU_ACTION_L2_TO_L3_TUNNEL);
	default:
		return false;
	}
}

/* PRM: tunnels are taken off, fields changed, tunnels put on, in this order. */
static bool edit_frame(struct emu_edit *edit, const struct emu_fte *fte)
{
	const struct wire_action *modify = emu_wire_action(fte->modify);
	const struct wire_action *tunnel = emu_wire_action(fte->reformat);
	bool late = tunnel && tunnel->kind != EMU_ACTION_L3_TUNNEL_TO_L2;

	if ((fte->flags & EMU_RULE_DECAP) && !emu_edit_decap(edit))
		return false;
	if (tunnel && !late && !reformat(edit, tunnel))
		return false;
	if (modify)
		emu_edit_modify(edit, modify->data, modify->len / 8u % (MAX_MODIFY + 1));
	return !late || reformat(edit, tunnel);
}

/* Makes w->frame a changed copy; false: it cannot be changed so, and is dropped. */
static bool change(struct walk *w, const struct emu_fte *fte, bool egress)
{
	struct emu_edit edit = {scratch[egress] + HEADROOM, w->frame->len, HEADROOM, {0}};

	memmove(edit.data, w->frame->data, w->frame->len);
	memcpy(edit.regs, w->regs, sizeof(edit.regs));
	if (!edit_frame(&edit, fte))
		return false;
	if (egress && edit.len < EMU_MIN_FRAME) { /* the wire pads what is too short */
		memset(edit.data + edit.len, 0, EMU_MIN_FRAME - edit.len);
		edit.len = EMU_MIN_FRAME;
	}
	memcpy(w->regs, edit.regs, sizeof(w->regs));
	w->changed = *w->frame;
	w->frame = &w->changed;
	w->frame->data = edit.data;
	w->frame->len = edit.len;
	w->frame->verified = false;
	emu_pkt_parse(&w->frame->pkt, edit.data, edit.len);
	return true;
}

static void count(const struct emu_fte *fte, uint32_t len)
{
	unsigned i;

	for (i = 0; i < fte->n_dests; i++)
		if (fte->dests[i].counter)
			emu_wire_count(fte->dests[i].counter, len);
}

static bool changes(const struct emu_fte *fte)
{
	return (fte->flags & EMU_RULE_DECAP) || fte->reformat || fte->modify;
}

static void drop(struct walk *w)
{
	if (!w->local)
		emu_counted[w->port].rx_steer_drop++;
}

/* True: the frame goes on to later levels. */
static bool hit(struct walk *w, const struct emu_fte *fte)
{
	if (!w->local && fte->n_counted)
		count(fte, w->frame->len);
	if ((fte->flags & EMU_RULE_DROP) || (changes(fte) && !change(w, fte, false))) {
		drop(w);
		return false;
	}
	to_dests(w, fte);
	return fte->flags & EMU_RULE_NEXT;
}

/* ---- the tables ----------------------------------------------------------------------------- */

/* Frames that the kernel's interface takes before leftover rules: to its address, to all, or what
 * its flags ask for. */
bool emu_flow_kernel_takes(unsigned port, const uint8_t *data)
{
	uint32_t flags = __atomic_load_n(&emu_devs[port].wire->flags, __ATOMIC_RELAXED);
	static const uint8_t ipv4_all[6] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x01};
	static const uint8_t ipv6_all[6] = {0x33, 0x33, 0x00, 0x00, 0x00, 0x01};
	static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};

	if (flags & IFF_PROMISC || (flags & IFF_ALLMULTI && data[0] & 1))
		return true;
	return memcmp(data, emu_devs[port].mac, 6) == 0 || memcmp(data, broadcast, 6) == 0 ||
	       memcmp(data, ipv4_all, 6) == 0 || memcmp(data, ipv6_all, 6) == 0;
}

static void sniff(struct walk *w, unsigned level)
{
	const struct emu_fte *fte = emu_steer_lookup(w->steer, w->frame->pkt.match, level, level);

	if (fte)
		to_dests(w, fte);
}

/* Bypass rules, then the kernel's own, then leftovers. */
static void through_tables(struct walk *w)
{
	const struct emu_fte *fte;
	unsigned level = 0;

	do {
		fte = emu_steer_lookup(w->steer, words_of(w, false), level, EMU_LEVEL_MCAST);
		if (!fte)
			break;
		level = fte->level + 1u;
	} while (hit(w, fte));
	if (fte && !w->missed)
		return;
	if (!emu_flow_kernel_takes(w->port, w->frame->data)) {
		fte = emu_steer_lookup(w->steer, words_of(w, false), EMU_LEVEL_LEFTOVER,
				       EMU_LEVEL_LEFTOVER);
		if (fte) {
			hit(w, fte);
			return;
		}
	}
	if (!w->local)
		emu_counted[w->port].rx_kernel++;
}

static void to_others(const struct walk *w, const struct emu_frame *original)
{
	uint32_t remote = w->local ? 0 : w->remote;
	unsigned i;

	for (i = 0; remote; i++, remote >>= 1)
		if (remote & 1)
			emu_ring_push(i, w->port, original);
}

static void walk_init(struct walk *w, unsigned port, struct emu_frame *frame, bool local)
{
	w->port = port;
	w->steer = emu_wire.ports[port].steer;
	w->frame = frame;
	memset(w->regs, 0, sizeof(w->regs));
	w->sqn = 0;
	w->remote = 0;
	w->local = local;
	w->missed = false;
}

void emu_wire_deliver(unsigned port, struct emu_frame *frame, bool local)
{
	struct walk w;

	if (emu_wire.fd < 0)
		return;
	walk_init(&w, port, frame, local);
	frame->verified = false;
	emu_pkt_parse(&frame->pkt, frame->data, frame->len);
	if (emu_steer_sniffs(w.steer))
		sniff(&w, EMU_LEVEL_SNIFF_RX);
	through_tables(&w);
	to_others(&w, frame);
}

void emu_flow_sniff_tx(unsigned port, struct emu_frame *frame, bool local)
{
	struct walk w;

	walk_init(&w, port, frame, local);
	frame->verified = false;
	frame->looped = 0;
	emu_pkt_parse(&frame->pkt, frame->data, frame->len);
	sniff(&w, EMU_LEVEL_SNIFF_TX);
	frame->looped = EMU_FRAME_SENT;
	to_others(&w, frame);
	frame->looped = 0;
}

/* Nothing in NIC_TX goes on to a later level: the first rule decides. */
bool emu_flow_egress(struct emu_sq *sq, struct emu_frame *frame)
{
	const struct emu_fte *fte;
	struct walk w;

	walk_init(&w, sq->dev->index, frame, false);
	w.sqn = sq->qpn;
	emu_pkt_parse(&frame->pkt, frame->data, frame->len);
	fte = emu_steer_lookup(w.steer, words_of(&w, true), EMU_LEVEL_EGRESS,
			       EMU_LEVEL_EGRESS + EMU_LEVEL_MCAST);
	if (!fte)
		return true;
	if (fte->n_counted)
		count(fte, frame->len);
	if (fte->flags & EMU_RULE_DROP)
		return false;
	if (changes(fte) && !change(&w, fte, true))
		return false;
	frame->data = w.frame->data;
	frame->len = w.frame->len;
	return true;
}

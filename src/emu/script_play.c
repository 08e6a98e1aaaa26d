/* SPDX-License-Identifier: Apache-2.0 */
/* Scripted faults of frames, ports and devices. Runs on the engine's thread. */
#include "emu_dev.h"
#include "script.h"

#include <string.h>

#define HELD	   64u
#define REORDER_NS 10000000u /* the next frame may never come */
#define MS	   1000000u

/* A frame that is late. */
static struct held {
	uint8_t data[EMU_MAX_FRAME];
	uint32_t len; /* 0: free */
	unsigned port;
	bool overtaken; /* goes behind the port's next frame */
	uint64_t due_ns;
} held[HELD];

static unsigned n_held;

static void let_go(struct held *h)
{
	uint32_t len = h->len;

	h->len = 0;
	n_held--;
	emu_wire_cross(h->port, h->data, len);
}

static void hold(unsigned port, const uint8_t *data, uint32_t len,
		 const struct emu_script_line *line)
{
	unsigned i;

	for (i = 0; i < HELD && held[i].len; i++)
		;
	if (i == HELD) {
		emu_complain("--faults: more than %u frames are late at once: one is not", HELD);
		emu_wire_cross(port, data, len);
		return;
	}
	memcpy(held[i].data, data, len);
	held[i].len = len;
	held[i].port = port;
	held[i].overtaken = line->act == EMU_DO_REORDER;
	held[i].due_ns = emu_time_ns() + (held[i].overtaken ? REORDER_NS : line->arg * 1000ull);
	n_held++;
}

/* One bit behind the addresses, so that the frame goes where it was to. */
static void corrupt(unsigned port, const uint8_t *data, uint32_t len, struct emu_script_line *line)
{
	static uint8_t copy[EMU_MAX_FRAME];
	uint32_t at = 14 + emu_script_random(line, len - 14);

	memcpy(copy, data, len);
	copy[at] ^= (uint8_t)(1u << emu_script_random(line, 8));
	emu_wire_cross(port, copy, len);
}

static void pass_overtaken(unsigned port)
{
	for (unsigned i = 0; i < HELD && n_held; i++) {
		if (held[i].len && held[i].overtaken && held[i].port == port)
			let_go(&held[i]);
	}
}

void emu_script_frame(unsigned port, const uint8_t *data, uint32_t len)
{
	struct emu_script_line *line = emu_script_hit(EMU_ON_FRAME, port, 0);

	if (!line) {
		emu_wire_cross(port, data, len);
		pass_overtaken(port);
		return;
	}
	switch (line->act) {
	case EMU_DO_DROP:
		break;
	case EMU_DO_DUPLICATE:
		emu_wire_cross(port, data, len);
		emu_wire_cross(port, data, len);
		break;
	case EMU_DO_CORRUPT:
		corrupt(port, data, len, line);
		break;
	default:
		hold(port, data, len, line);
		return;
	}
	pass_overtaken(port);
}

/* ---- ports and devices ------------------------------------------------------------------------
 */

/* Each context that has a doorbell page, as all of libmlx5 have, once. */
static void tell(struct emu_dev *dev, enum emu_async event)
{
	struct emu_uar *uar, *before;

	LIST_FOREACH (uar, &dev->uars, link) {
		LIST_FOREACH (before, &dev->uars, link)
			if (before == uar || before->ctx == uar->ctx)
				break;
		if (before == uar)
			emu_async_event(uar->ctx, event, 1);
	}
}

static void happen(const struct emu_script_line *line, struct emu_dev *dev)
{
	bool up = line->act == EMU_DO_UP;

	if (line->on == EMU_ON_DEVICE) {
		/* what the kernel does then: uverbs calls are EIO from here on */
		__atomic_store_n(&dev->fatal, true, __ATOMIC_RELEASE);
		tell(dev, EMU_ASYNC_DEVICE_FATAL);
		return;
	}
	/* the engine sees it and tells the contexts, as when the cable is pulled */
	emu_wire_set_end(dev->index, up);
}

/* Time begins when the device is first used. */
static unsigned timed(uint64_t now_ns)
{
	static uint64_t begin_ns;
	struct emu_script_line *line;
	unsigned n = 0;

	if (!begin_ns)
		begin_ns = now_ns;
	while ((line = emu_script_due((now_ns - begin_ns) / MS))) {
		for (unsigned i = 0; i < emu_settings.n_ports; i++)
			if (line->port < 0 || (unsigned)line->port == i)
				happen(line, &emu_devs[i]);
		n++;
	}
	return n;
}

unsigned emu_script_turn(uint64_t now_ns)
{
	unsigned n = 0;

	if (emu_script_has(EMU_ON_PORT) || emu_script_has(EMU_ON_DEVICE))
		n = timed(now_ns);
	for (unsigned i = 0; i < HELD && n_held; i++) {
		if (!held[i].len || held[i].due_ns > now_ns)
			continue;
		let_go(&held[i]);
		n++;
	}
	return n;
}

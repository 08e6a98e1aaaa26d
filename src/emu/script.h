/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --faults: faults that happen at a given time or turn, as daqiri-emu(1) describes the file. The
 * command parses it for its mistakes, the library plays it. Each line counts for itself, so that a
 * run can be repeated; frames and completions are counted by the engine's thread, calls and
 * registrations with emu_lock.
 */
#ifndef EMU_SCRIPT_H
#define EMU_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EMU_SCRIPT_LINES 64u

enum emu_script_on {
	EMU_ON_FRAME,	   /* that leaves a port */
	EMU_ON_SEND,	   /* signalled completion of a send queue */
	EMU_ON_RECEIVE,	   /* frame that a receive queue takes */
	EMU_ON_COMPLETION, /* any entry of a completion queue */
	EMU_ON_PORT,
	EMU_ON_DEVICE,
	EMU_ON_CALL,	 /* of the kernel */
	EMU_ON_REGISTER, /* memory that is pinned: regions, rings, doorbell records */
	EMU_ON_N
};

enum emu_script_act {
	EMU_DO_DROP,
	EMU_DO_DUPLICATE,
	EMU_DO_CORRUPT,
	EMU_DO_REORDER,
	EMU_DO_DELAY, /* arg: microseconds */
	EMU_DO_ERROR, /* arg: syndrome */
	EMU_DO_OVERRUN,
	EMU_DO_DOWN,
	EMU_DO_UP,
	EMU_DO_FATAL,
	EMU_DO_FAIL, /* arg: errno */
	EMU_DO_MEMLOCK
};

enum emu_script_when { EMU_AT, EMU_EVERY, EMU_RANDOM, EMU_AFTER };

struct emu_script_line {
	enum emu_script_when when;
	enum emu_script_on on;
	enum emu_script_act act;
	uint64_t n;    /* a count, or milliseconds */
	int port;      /* -1: each */
	unsigned call; /* index for emu_script_call_name() */
	uint32_t arg;
	uint64_t count;	 /* of what it waits for */
	uint64_t random; /* state of its generator */
	bool done;	 /* EMU_AFTER: it has happened */
};

struct emu_script {
	struct emu_script_line lines[EMU_SCRIPT_LINES];
	unsigned n;
};

/* Reads the file: 0, or -1 with "file:line: what is wrong" in err. */
int emu_script_read(const char *path, struct emu_script *script, char *err, size_t size);
/* Calls that can fail; NULL: there are no more. */
const char *emu_script_call_name(unsigned call);

/* ---- the one that is played ------------------------------------------------------------------ */

extern uint32_t emu_script_on; /* a bit for each enum emu_script_on that some line is about */

static inline bool emu_script_has(enum emu_script_on on)
{
	return __builtin_expect(emu_script_on >> on & 1, 0);
}

/* Takes over the file of emu_settings; with emu_lock, before any object is made. */
void emu_script_load(void);
/* Counts one more of these: the line whose turn it is, or NULL. call: for EMU_ON_CALL. */
struct emu_script_line *emu_script_hit(enum emu_script_on on, unsigned port, unsigned call);
/* A line of EMU_AFTER whose time has come, each once; NULL: none is left. */
struct emu_script_line *emu_script_due(uint64_t ms);
/* A number of the line's own, below n. */
uint32_t emu_script_random(struct emu_script_line *line, uint32_t n);

/* script_play.c, by the engine's thread */
void emu_script_frame(unsigned port, const uint8_t *data, uint32_t len);
/* What is due: delayed frames, ports and devices. How many there were. */
unsigned emu_script_turn(uint64_t now_ns);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/peers, bench/peers-dpdk: what it costs the CPU to receive and to send, with libdaqiri and
 * with other libraries, on the same emulated ports. The near port is driven by the library that is
 * measured, the far one by plain verbs, in the same process. What each library does for a burst is
 * cut into steps, and callgrind counts one step at a time: see bench/README.
 */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PEERS_LAP = 256,   /* packets */
	PEERS_DEPTH = 512, /* of every ring */
	PEERS_MAX_BURST = 64,
	PEERS_SLOT = 2048,
	PEERS_MAX_FRAME = 128
};

/* What a program does with a burst: each is counted apart. */
enum peers_step {
	PEERS_REAP,    /* learn what has been sent */
	PEERS_RECEIVE, /* n packets */
	PEERS_ALLOC,   /* n buffers to send from */
	PEERS_SEND,    /* them */
	PEERS_RECYCLE, /* give the n received ones back */
	PEERS_N_STEPS,
	PEERS_NOTHING = PEERS_N_STEPS, /* what counting costs */
	PEERS_ALL		       /* that there is, at once: must be their sum */
};

struct peers_frame {
	const uint8_t *addr;
	uint32_t len;
};

/* One line of the table. */
struct peers_row {
	const char *name;
	const char
		*tier; /* T0: address and length; T1: checksum, hash, tag too; T2: timestamp too */
	const char *works;   /* "rtl": receive, send, both in a loop */
	const char *options; /* what the library is to be opened with */
	const char *against; /* the row of ours that it is compared with; without it, "daqiri" */
	const char *less;    /* what it leaves undone of its tier; NULL: nothing */
	const char *outside; /* what is not in the count, and what else is to be known */
	const struct peers_ops *ops;
};

struct peers_far;

struct peers_rig {
	const struct peers_row *row;
	struct peers_far *far;
	void *self;		 /* the library's objects */
	uint32_t n;		 /* packets of a burst */
	uint32_t got;		 /* set by PEERS_RECEIVE: packets */
	uint64_t received, sent; /* for ever */
	enum peers_step counted;
};

struct peers_ops {
	/* Whether this version of the library can do so; if not it has said why. */
	bool (*open)(struct peers_rig *rig);
	void (*close)(struct peers_rig *rig);
	/* The counted part. NULL: the library has no such step. */
	void (*step[PEERS_N_STEPS])(struct peers_rig *rig);
	/* Not counted, for packet i of the burst. */
	struct peers_frame (*received)(struct peers_rig *rig, uint32_t i);
	uint8_t *(*slot)(struct peers_rig *rig, uint32_t i);
	void (*set_len)(struct peers_rig *rig, uint32_t i, uint32_t len);
};

/* Each program has its own. */
extern const struct peers_row peers_rows[];
extern const unsigned peers_n_rows;

/* Prints what is wrong, and ends the process. */
_Noreturn void peers_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Zeroed memory; free() it. */
void *peers_zeroed(size_t size);

/* A line of output about the row: what the library chose, why it is not there. */
void peers_say(const struct peers_rig *rig, const char *what, const char *text);

/* peers_far.c: the port at the other end, mlx5_1 at mlx5_0. */
struct peers_far *peers_far_open(void);
void peers_far_close(struct peers_far *far);
/* Sends count frames numbered from first, and returns when all have come to the near port. */
void peers_far_send(struct peers_far *far, uint64_t first, uint32_t count);
/* Waits for count frames numbered from first, looks at each, and until the near port is done. */
void peers_far_expect(struct peers_far *far, uint64_t first, uint32_t count);

/* Frames: Ethernet, IPv4, UDP, number, pattern. */
void peers_frame_build(uint8_t *frame, uint64_t number, uint32_t len, bool to_far);
/* Fails where it is not that frame. */
void peers_frame_check(struct peers_frame frame, uint64_t number, bool to_far);
uint32_t peers_frame_len(uint64_t number);

#endif

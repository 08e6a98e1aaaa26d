/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire's shared memory: what all processes on one cable see. Files in the wire's directory:
 * "wire" (ports, counters, flow rules, who is attached) and "ring.N" (frames for the process in
 * slot N). Whoever holds the file lock on byte SLOT_LOCK + N of "wire" lives in slot N; the kernel
 * gives the lock up with the process, however it ends.
 */
#ifndef EMU_WIRE_H
#define EMU_WIRE_H

#include "emu_dev.h"
#include "flex.h"

#define WIRE_PROCS 32u	  /* processes on one wire */
#define WIRE_RULES 10240u /* flow rules of a port */
#define WIRE_LOG   1024u  /* changes of rules that a process may be behind */

/*
 * Flow counters and flow actions of all ports. Numbers count from 1; 0 is none. They lie here since
 * any process may execute a rule, wherever it was made.
 */
#define WIRE_COUNTERS	 65536u
#define WIRE_ACTIONS	 1024u
#define WIRE_ACTION_DATA 128u

struct wire_counter {
	uint64_t packets, bytes; /* relaxed atomic adds */
};

struct wire_action {
	uint8_t owner; /* slot + 1; 0: free */
	uint8_t kind;  /* enum emu_action */
	uint16_t len;
	uint8_t data[WIRE_ACTION_DATA];
};

struct wire_pool {
	uint32_t counter_hint;
	uint8_t counter_owner[WIRE_COUNTERS]; /* slot + 1; 0: free */
	_Alignas(64) struct wire_counter counters[WIRE_COUNTERS];
	struct wire_action actions[WIRE_ACTIONS];
};

struct wire_rule {
	uint32_t used;
	struct emu_rule_def def;
};

struct wire_port {
	struct emu_wire_port pub;
	/* All below: changed with wire_head.lock held. */
	_Alignas(64) _Atomic uint32_t gen; /* counts changes; read without the lock */
	uint32_t hint;			   /* a free rule may be here */
	uint32_t log[WIRE_LOG]; /* the rule that change number n touched, at n % WIRE_LOG */
	struct wire_rule rules[WIRE_RULES];
	struct emu_sample samples[EMU_DEEP_SAMPLES];
};

struct wire_proc {
	uint32_t used;
	int32_t pid; /* for messages only */
	uint32_t alive[EMU_MAX_PORTS][EMU_RES_COUNT]; /* relaxed; written by its process alone */
};

struct wire_head {
	_Atomic uint64_t magic; /* written last */
	uint32_t n_ports;
	uint32_t size;
	_Alignas(64) pthread_mutex_t lock; /* robust; of all rules and of procs */
	struct wire_proc procs[WIRE_PROCS];
	_Alignas(64) struct wire_pool pool;
	_Alignas(64) struct wire_port ports[];
};

/* Our end. Set by the control path while the engine stands still. */
struct wire {
	struct wire_head *head; /* NULL: not attached */
	size_t size;
	int fd; /* holds our slot's lock; -1: none */
	unsigned slot;
	uint64_t next_tick;
	struct {
		struct emu_steer *steer;
		uint32_t gen; /* change that steer knows */
	} ports[EMU_MAX_PORTS];
};

extern struct wire emu_wire;

/* Takes the lock, also from a process that died with it. try: do not wait. */
bool emu_wire_lock(bool try);
void emu_wire_unlock(void);
/* Lock held: removes all rules of a process. */
void emu_wire_rules_of(unsigned slot);
/* Lock held: frees all counters and actions of a process. */
void emu_wire_pool_of(unsigned slot);
/* A port's sample like s, whose id is set: its slot, or -ENOSPC. */
int emu_wire_sample_new(unsigned port, const struct emu_sample *s);
void emu_wire_sample_free(unsigned port, unsigned slot);
/* The slot of the sample of this id; EMU_DEEP_SAMPLES: there is none. */
unsigned emu_wire_sample_find(unsigned port, uint32_t id);
/* NULL: there is none of this number. */
const struct wire_action *emu_wire_action(uint32_t number);
void emu_wire_count(uint32_t number, uint32_t bytes);
/* Brings one port up to date; lock held. */
void emu_wire_follow(unsigned port);

#endif

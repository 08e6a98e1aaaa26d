/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/datapath: what libdaqiri's data path costs, and nothing else. A context is opened on any
 * device, real or emulated; then the process forks. The child has the library and a copy of its
 * rings in memory, and no device behind them: the doorbell register is replaced by plain memory,
 * and what the device would do is done by dp_device.c, between the calls that are measured.
 */
#ifndef DP_H
#define DP_H

#include <stdbool.h>
#include <stdint.h>

#include <daqiri.h>
#include <daqiri_verbs.h>
#include <infiniband/mlx5dv.h>

/* What completions have as time stamps. */
enum dp_stamps { DP_UNTIMED, DP_REAL_TIME, DP_FREE_COUNTER };

/* Rings as mlx5dv_init_obj() shows them, and the device's own positions, counting for ever. */
struct dp_rx_ring {
	struct mlx5_cqe64 *cqes;
	const __be32 *cq_dbrec, *rq_dbrec;
	const uint8_t *wqes;
	uint32_t wqe_size; /* the last 16 bytes of a WQE are its data segment, or its second one */
	uint32_t depth;	   /* packets, and completions */
	uint32_t per_wqe;  /* packets of a WQE; striding: more than one */
	enum dp_stamps stamps;
	bool compressed; /* completions */
	uint32_t pi;	 /* next packet, and next CQE */
};

struct dp_tx_ring {
	const uint8_t *wqebbs;
	struct mlx5_cqe64 *cqes;
	const __be32 *cq_dbrec, *sq_dbrec;
	const uint8_t *bf; /* doorbell register: two halves */
	uint32_t bf_half;
	uint32_t depth;	   /* WQEBBs */
	uint32_t cq_depth; /* completions */
	uint32_t ci;	   /* next WQEBB */
	uint32_t cqe_pi;   /* next CQE */
};

/* What dp_step.c counts: instructions, by what they are. */
enum dp_step {
	DP_LIBRARY,   /* libdaqiri's, all of them */
	DP_ELSEWHERE, /* of other libraries */
	DP_SFENCE,
	DP_LFENCE,
	DP_MFENCE,
	DP_LOCK,
	DP_DIV,
	DP_SYSCALL,
	DP_MMIO, /* that stored to the doorbell register */
	DP_N_STEPS
};

struct dp_steps {
	uint64_t n[DP_N_STEPS];
};

extern const char *const dp_step_names[DP_N_STEPS];

/* Shared by the measured process and the one that steps it. */
struct dp_shared {
	struct dp_steps steps;
};

/* Receive queues, by what is in their configuration. */
enum dp_rx_kind {
	DP_RX_PLAIN,
	DP_RX_META,
	DP_RX_TIME,
	DP_RX_COUNTER,
	DP_RX_STRIDING,
	DP_RX_SPLIT,
	DP_RX_KEEP,
	DP_RX_FORWARD,
	DP_RX_COMPRESSED,
	DP_RX_COMPRESSED_META,
	DP_N_RX
};

/* The send queue: one for all cases of a run. BARE: without slots of its own. */
enum dp_tx_kind { DP_TX_SLOTS, DP_TX_GATHER, DP_TX_INLINE, DP_TX_LATENCY, DP_TX_BARE, DP_N_TX };

/* Bytes of a header, on receive and on send. */
enum { DP_SPLIT = 128, DP_HEADER = 42 };

struct dp_rig {
	struct daqiri *dq;
	struct daqiri_rxq *rxq; /* of the case, as the next */
	struct daqiri_txq *txq;
	struct dp_rx_ring *rx;
	struct daqiri_rxq *rxqs[DP_N_RX]; /* one of each kind */
	struct dp_rx_ring rings[DP_N_RX];
	struct dp_tx_ring tx;
	uint32_t lap;	 /* packets in a lap */
	bool cold;	 /* another core is the device, and the program reads the frames */
	const char *isa; /* which instructions the library uses */
	bool empw;	 /* the device takes enhanced multi-packet sends */
	enum dp_tx_kind send;
	int cpu, other_cpu; /* other_cpu: -1 none */

	struct daqiri_pkt *in, *out;	       /* of one lap */
	struct daqiri_pkt *in_rest, *out_rest; /* payloads, where those are headers */
	bool has_rest;			       /* of in: in this lap */
	struct mlx5dv_clock_info clock;	       /* as it was when the context was opened */
	struct daqiri_rx_meta *meta;	       /* of in */
	bool has_meta;			       /* it was filled in this lap */
	uint64_t *place;		       /* of in: where the device put them */
	const struct daqiri_pkt *wire;	       /* what is posted: out, or in */
	uint32_t owed;		 /* packets of in that were posted and are not released */
	uint32_t seen;		 /* packets of wire that the device has sent in this lap */
	uint8_t opcode;		 /* that their WQEs must have */
	uint32_t session;	 /* compressed: packets that share a title */
	uint64_t received, sent; /* packets, for ever */
	uint64_t pcie_bytes;

	struct dp_shared *shared;
	uint8_t *doorbell; /* the page that stands for the register's, as the parent has it */
};

/* One thing to measure. */
struct dp_case {
	const char *name;
	bool rx; /* needs packets that have come */
	enum dp_rx_kind queue;
	uint8_t opcode; /* of the WQEs that it makes; 0: none */
	enum dp_tx_kind send;
	uint32_t session; /* packets of a session, where completions are compressed */
	/* Before each lap, and when all are done, uncounted. May be NULL. */
	void (*prepare)(struct dp_rig *rig);
	void (*finish)(struct dp_rig *rig);
	/* Packets at..at+n-1 of the lap: calls of the library only. */
	void (*burst)(struct dp_rig *rig, uint32_t at, uint32_t n);
};

extern const struct dp_case dp_cases[];
extern const unsigned dp_n_cases;

/* The send queue that the case of this name wants. */
enum dp_tx_kind dp_send_kind(const char *name);

/* Whether the device that was opened has such WQEs. */
bool dp_can(const struct dp_rig *rig, const struct dp_case *c);

/* Prints what is wrong, and ends the process. */
_Noreturn void dp_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* dp_open.c */
struct dp_options {
	const char *device;
	const char *simd; /* as in the configuration */
	bool cold;
	enum dp_tx_kind send;
};
void dp_open(struct dp_rig *rig, const struct dp_options *options);
void dp_close(struct dp_rig *rig);
/* In the child: from here on no device sees what is done. */
void dp_detach(struct dp_rig *rig);

/* dp_device.c */
void dp_device_receive(struct dp_rig *rig); /* a lap of packets */
void dp_device_check_received(const struct dp_rig *rig);
void dp_device_send(struct dp_rig *rig); /* what was rung */
uint32_t dp_frame_len(uint64_t number);

/* dp_step.c */
extern bool dp_stepping;			/* dp_step_mark() does something */
void dp_step_mark(void);			/* around what is to be stepped */
int dp_step_trace(struct dp_rig *rig, int pid); /* the parent's part; the child's exit status */
void dp_step_me(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run: the open context, the ends of the streams, the threads that serve them.
 *
 * A queue belongs to one thread, so the unit of work is a queue: a perf_txq with the streams that
 * send by it, a perf_rxq with all streams that may arrive there. Each perf_worker is one data-path
 * thread; it serves its queues in turn and makes no system call between start and stop. The main
 * thread sleeps, looks at the counters, prints, and says when to stop.
 *
 * _Atomic members are written by one thread (named beside them) and read by the other with relaxed
 * loads and stores, unless their comment says more.
 */
#ifndef PERF_RUN_H
#define PERF_RUN_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include <daqiri.h>

#include "histogram.h"
#include "pace.h"
#include "parts.h"
#include "plan.h"
#include "seqtrack.h"
#include "verify.h"

struct perf_run;
struct perf_gpu_queue;

/* ---- sending -------------------------------------------------------------------------------- */

enum perf_sender_state {
	PERF_SENDING,
	PERF_DRAINING, /* waits until the NIC has read all data frames */
	PERF_ENDING,   /* sends end frames */
	PERF_SENT
};

/* The sending end of a stream. Owned by the worker; _Atomic: written by the worker. */
struct perf_sender {
	const struct perf_stream *stream;
	struct perf_headers *headers; /* one for each size */
	enum perf_sender_state state;
	unsigned size_at;             /* index of the next frame's size */
	struct perf_ports ports;      /* of the next frame */
	uint64_t seq;                 /* of the next frame */
	uint64_t limit;               /* where to stop */
	struct perf_pacer pacer;      /* by CLOCK_MONOTONIC, or the NIC's clock of a timed stream */
	uint64_t nic_now; /* timed: what the NIC's clock showed last; 0: not looked yet */
	uint64_t drained_at;          /* completed count of the queue that is waited for */
	uint64_t since;               /* when the state began */
	unsigned ends_sent;
	unsigned gpu_headers;         /* index of headers among those the GPU has */
	/* Keeps the sender from running over the receiver in the same process; window 0: off. */
	uint64_t window;
	const struct perf_link *link; /* what arrived in this process */
	uint64_t forgiven;            /* frames that are no longer waited for */
	uint64_t arrived;             /* last sum of arrivals, and when it changed */
	uint64_t arrived_at;
	_Atomic uint64_t packets;
	_Atomic uint64_t bytes;
	_Atomic uint64_t late;		    /* timed: frames posted when their time was past */
	_Atomic uint64_t first_ns, last_ns; /* of data frames */
	_Atomic uint64_t last_n;	    /* data frames posted at last_ns */
	_Atomic bool done;            /* release: the counters above are final */
};

struct perf_txq {
	struct perf_run *run;
	struct daqiri_txq *q;
	struct daqiri_port *port;
	struct perf_end end;          /* names it */
	int core;                     /* -1: none named */
	uint32_t depth;
	uint32_t buf_size;
	unsigned n_senders;
	struct perf_sender *senders;
	unsigned max_batch;
	struct daqiri_pkt *pkts;      /* max_batch */
	struct perf_gpu_queue *gpu;   /* who writes frames; NULL: this CPU */
	struct perf_parts parts;      /* of pkts, which are headers then */
	uint64_t posted;              /* control frames too */
	_Atomic uint64_t packets;     /* data frames of all senders */
	_Atomic uint64_t bytes;
	_Atomic int error;            /* negative errno that stopped the queue */
};

/* ---- receiving ------------------------------------------------------------------------------ */

/* What came of one stream by one queue. */
struct perf_arrival {
	struct perf_seqtrack track;
	_Atomic uint64_t bytes;
	_Atomic uint64_t corrupt;     /* right header, wrong payload */
	_Atomic uint64_t first_ns, last_ns;
	_Atomic uint64_t first_n;     /* frames that came at first_ns */
	_Atomic uint64_t total;       /* frames sent, as the end frame told */
	_Atomic bool ended;           /* release, after total */
	_Atomic uint64_t early;	      /* came before the time that is in them */
	struct perf_hist *latency;    /* NULL: not measured; read only after the thread has ended */
};

struct perf_rxq {
	struct perf_run *run;
	struct daqiri_rxq *q;
	struct daqiri_port *port;
	struct perf_end end;
	int core;
	uint32_t depth;
	unsigned n_streams;
	const struct perf_stream **streams;
	struct perf_expect *expects;  /* of the streams, for the verifier */
	struct perf_arrival *arrivals; /* likewise */
	struct perf_verifier *verifier;
	struct perf_gpu_queue *gpu;   /* who checks frames; NULL: this CPU */
	unsigned max_batch;
	struct daqiri_pkt *pkts;
	struct perf_parts parts;      /* of pkts, which are headers then */
	_Atomic uint64_t packets;     /* data frames of our streams */
	_Atomic uint64_t bytes;
	_Atomic uint64_t corrupt;     /* frames of ours that no stream can be blamed for */
	_Atomic uint64_t other_stream; /* right frames of streams that are not ours */
	_Atomic uint64_t other_id;    /* the id of the last one */
	_Atomic uint64_t not_ours;    /* frames of somebody else */
	_Atomic int error;
};

/* A stream that checks nothing. Owned by a worker; _Atomic: written by it. */
struct perf_forward {
	struct perf_run *run;
	const struct perf_stream *stream;
	struct daqiri_rxq *rx;
	struct daqiri_txq *tx;        /* NULL: frames are dropped */
	int core;
	bool has_keys;                /* packets come with the key to send them with */
	daqiri_key key;               /* else it is this one */
	struct daqiri_pkt *pkts;      /* of a batch: those from next on, left of them, are to be sent */
	unsigned next, left;
	uint64_t released;            /* frames that went back to the receive ring */
	_Atomic uint64_t packets, bytes; /* received */
	_Atomic uint64_t sent;
	_Atomic uint64_t first_ns, last_ns;
	_Atomic uint64_t first_n; /* packets at first_ns */
	_Atomic int error;
};

/* ---- both ends of a stream, as the main thread looks at them ------------------------------- */

struct perf_link {
	const struct perf_stream *stream;
	struct perf_sender *sender;   /* NULL: another process sends */
	struct perf_txq *txq;
	struct perf_rxq *rxq;         /* the one that it names; NULL: another process receives */
	unsigned n;                   /* queues by which frames may arrive: all of rxq's port */
	struct perf_arrival **arrivals;
	struct perf_seqtrack **tracks; /* of the arrivals */
	/* The main thread's: */
	uint64_t last_packets;        /* sum of arrivals, and when it changed */
	uint64_t quiet_since;
};

/* ---- threads -------------------------------------------------------------------------------- */

struct perf_worker {
	pthread_t thread;
	char name[16];                /* "perf-io0" */
	int core;                     /* -1: not pinned */
	struct perf_run *run;
	unsigned n_tx, n_rx;
	struct perf_txq **tx;
	struct perf_rxq **rx;
	unsigned n_fw;
	struct perf_forward **fw;
	/* --wait: sleep.c. */
	struct pollfd *fds;           /* of the run's wake_fd and of its receive queues; NULL: polls on */
	uint64_t idle_since;          /* 0: busy */
	uint64_t spin_ns;             /* to poll in vain before it sleeps */
	_Atomic uint64_t sleeps, slept_ns;
};

struct perf_run {
	const struct perf_plan *plan;
	struct daqiri *dq;
	bool emulated;                /* any port is */
	unsigned n_txqs, n_rxqs, n_forwards, n_workers;
	struct perf_forward *forwards;
	struct perf_txq *txqs;
	struct perf_rxq *rxqs;
	struct perf_link *links;      /* one per stream, in the plan's order */
	struct perf_worker *workers;
	unsigned n_started;
	_Atomic unsigned n_ready;     /* workers that wait for go */
	_Atomic bool go;              /* main: release, after start_ns and the senders are set */
	uint64_t start_ns;
	_Atomic bool stop_sending;    /* main: senders go on to their end frames */
	_Atomic bool stop;            /* main: workers end */
	int wake_fd;                  /* --wait: wakes workers that sleep; else -1 */
};

/* Opens ports and queues, makes the ends and deals them to workers; -1 after a message. */
int perf_run_open(struct perf_run *run, struct perf_plan *plan);
/* Also after a failed open; the threads must have ended. */
void perf_run_close(struct perf_run *run);

/* The ends: ends.c. -1 after a message. */
int perf_ends_make(struct perf_run *run);
void perf_ends_free(struct perf_run *run);

/* The core that a queue's section (kind "rxq", "txq") names, unless the library's thread is there. */
int perf_own_core(const struct perf_run *run, const struct perf_end *end, const char *kind,
		  int core);

/* Streams that forward or drop: forward.c. make: -1 after a message. */
int perf_forwards_make(struct perf_run *run);
void perf_forwards_free(struct perf_run *run);
bool perf_forward_step(struct perf_forward *f, uint64_t now);
/* Whether a receive queue is one of theirs. */
bool perf_forwards_own(const struct perf_run *run, const struct perf_end *rx);
/* Whether the run may end for all that they do. */
bool perf_forwards_over(const struct perf_run *run, uint64_t now);

/* Addresses that only open ports tell, written into the plan: resolve.c. -1 after a message. */
int perf_resolve(struct perf_plan *plan, struct daqiri *dq);

/* Deals the queues to threads: worker.c. -1 after a message. */
int perf_workers_make(struct perf_run *run);
void perf_workers_free(struct perf_run *run);
/* Starts all threads and lets them go at once; -1 after a message, and join then too. */
int perf_workers_start(struct perf_run *run);
void perf_workers_join(struct perf_run *run);

/* One turn at a queue; now: CLOCK_MONOTONIC. Returns whether there was something to do. */
bool perf_tx_step(struct perf_txq *t, uint64_t now);
bool perf_rx_step(struct perf_rxq *r, uint64_t now);
/* A frame that was looked at. */
struct perf_seen {
	enum perf_judgement judgement;
	uint32_t len;
	struct perf_mark mark;
	uint64_t now;
};
/* Counts it, of the stream that is the verifier's last; its length where it is data of ours. */
uint32_t perf_rx_count(struct perf_rxq *r, const struct perf_seen *seen);

/* Frames of a sender that were posted. */
struct perf_sent {
	struct perf_sender *sender;
	enum perf_type type;
	const struct daqiri_pkt *pkts;
	const struct daqiri_pkt *rests; /* their second pieces; NULL: they have none */
	unsigned n;
	uint64_t now;
};
void perf_tx_commit(struct perf_txq *t, const struct perf_sent *sent);
/* Ends all senders of a queue that has failed. */
void perf_tx_fail(struct perf_txq *t, int error);
/* The next frame is frame seq. */
void perf_sender_seek(struct perf_sender *s, uint64_t seq);

/*
 * Timed streams: timed.c. How many of want frames are to be posted now; posts the n that are built,
 * as daqiri_tx_post(); when the i-th of n will leave, by CLOCK_MONOTONIC, which shows now.
 */
unsigned perf_timed_due(struct perf_txq *t, struct perf_sender *s, unsigned want);
int perf_timed_post(struct perf_txq *t, struct perf_sender *s, int n);
uint64_t perf_timed_leaves(const struct perf_sender *s, int i, int n, uint64_t now);

/* At the start of a run. */
void perf_sender_start(struct perf_sender *s, const struct perf_run *run);

/* Sleeping receivers: sleep.c; open, make: -1 after a message. */
int perf_sleep_open(struct perf_run *run);
void perf_sleep_close(struct perf_run *run);
int perf_sleep_make(struct perf_worker *w);
/* Wakes all, once they are to stop. */
void perf_sleep_end(struct perf_run *run);
/* A turn in which a worker found nothing to do. */
void perf_idle(struct perf_worker *w, uint64_t now);

/* Runs until the end, printing interval lines; the process' exit status. */
int perf_run_main(struct perf_run *run);

#endif

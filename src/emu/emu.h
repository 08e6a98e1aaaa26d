/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated ConnectX: what its parts share.
 *
 * preload.c, vfs.c, sysfs.c, uverbs*.c play the kernel: they take the program's system calls, keep
 * the objects of each context, and make and destroy what the device sees, always between
 * emu_engine_pause() and emu_engine_resume(). engine.c, wire.c, sq.c, rq.c, cq.c, packet.c,
 * steer.c, rss.c play the device: they run on the engine's thread and take no lock on the packet
 * path. Nothing here includes a header of libdaqiri or of libibverbs.
 *
 * All device-visible memory (rings, doorbell records, buffers) is the program's own: the device
 * lives in the same process and uses the same virtual addresses.
 */
#ifndef EMU_H
#define EMU_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "emu_be.h"
#include "emu_hw.h"
#include "rss.h"

#define EMU_MAX_PORTS 16
#define EMU_NAME      32
#define EMU_PATH      512 /* bytes of a file name among the settings */

/* ---- settings: read once from the environment that daqiri-emu sets --------------------------- */

enum emu_clock { EMU_CLOCK_FREE, EMU_CLOCK_REAL, EMU_CLOCK_BOTH };
enum emu_clock_drift { EMU_DRIFT_NONE, EMU_DRIFT_FAST, EMU_DRIFT_SLOW };
enum emu_model { EMU_CX6DX, EMU_CX7, EMU_BF3 };
enum emu_dmabuf_kind { EMU_DMABUF_REAL, EMU_DMABUF_MEMFD, EMU_DMABUF_OPAQUE };
enum emu_topology { EMU_TWO_PORT, EMU_IGX_ORIN, EMU_DGX_SPARK, EMU_X86_SERVER };

/* Each field that is an option of daqiri-emu has its row in options.c. */
struct emu_settings {
	bool active;	    /* DAQIRI_EMU is set: else every interposed call passes through */
	int lock_fd;	    /* descriptor that holds the wire's lock, kept over exec; -1: none */
	unsigned first_bus; /* PCI bus of the first card; two ports a card */
	char wire_dir[EMU_PATH]; /* directory of this wire: the shared memory and the sysfs tree */
	unsigned first_netdev;	 /* number in the name of port 0's interface */
	unsigned n_ports;	 /* 1..EMU_MAX_PORTS */
	char wire[EMU_PATH];	 /* the wire's name; empty: private to this run */
	unsigned pci_names;	 /* RDMA devices named rocepXsY instead of mlx5_N */
	unsigned model;		 /* enum emu_model */
	unsigned topology;	 /* enum emu_topology */
	bool netdev;		 /* real interfaces beside the emulated sysfs */
	bool vf;		 /* ports filter like virtual functions */
	uint32_t faults;	 /* a bit for each enum emu_fault: fault.h */
	bool devx;		 /* the kernel grants DevX */
	bool wc;		 /* write-combining doorbell pages: BlueFlame */
	unsigned clock;		 /* enum emu_clock: timestamp formats of the queues */
	unsigned clock_drift;	 /* enum emu_clock_drift: of the free-running counter */
	unsigned clock_bits;	 /* that the free-running counter has */
	bool flex_parser;	 /* FLEX_PARSE_GRAPH objects */
	bool netlink;		 /* RDMA netlink answers */
	unsigned dmabuf;	 /* enum emu_dmabuf_kind: what counts as a dma-buf */
	bool peermem;		 /* the kernel finds GPU memory by its address */
	bool integrated_gpu;	 /* a GPU that gives no memory to others */
	bool net_raw;		 /* the process has CAP_NET_RAW */
	unsigned stride_min;	 /* log of the fewest strides in a striding WQE */
	bool empw;		 /* enhanced multi-packet send */
	char pcap[EMU_PATH];	 /* file for what crosses the wire; empty: none */
	char fault_file[EMU_PATH]; /* script of faults; empty: none */
	unsigned broken;	   /* enum emu_broken: what the device does wrong */
};

extern struct emu_settings emu_settings;

/* ---- objects that the device sees ------------------------------------------------------------ */

struct emu_ctx; /* one open uverbs file: uverbs.h */
struct emu_devx_obj; /* made by a command of the firmware: devx.h */
struct emu_dev;

/* Access flags as in IBV_ACCESS_*: what the device checks. */
#define EMU_ACCESS_LOCAL_WRITE 1u

/* A piece of an indirect key: memory of another one. PRM: struct klm. */
struct emu_klm {
	uint64_t addr;
	uint32_t length, key;
};

struct emu_mkey {
	uint64_t iova; /* address that WQEs use */
	uint64_t length;
	uint8_t *host;	     /* where iova lies in this process; NULL: in pieces */
	struct emu_klm *klm; /* these, one behind the other */
	uint32_t n_klm;
	uint32_t key;  /* lkey: index << 8 | variant */
	uint32_t access;
	uint32_t pdn;
	bool live;
};

/*
 * A page of doorbells, mapped by the program from its uverbs file and by us from the same memory.
 * BlueFlame registers at 0x800 + k * 0x100 (two halves of each register), the CQ doorbell at 0x20.
 */
struct emu_uar {
	LIST_ENTRY(emu_uar) link; /* emu_dev.uars */
	struct emu_ctx *ctx;
	uint32_t index; /* as WQE, CQ and QP creation name it */
	uint8_t *page;	/* our mapping, one system page: n_uars of 4 KiB */
	uint32_t n_uars;
	bool write_combining;	/* BlueFlame allowed; else 8-byte doorbells only */
	unsigned users;		/* SQs and CQs that ring here */
	struct emu_object *obj; /* its handle in ctx */
	LIST_HEAD(, emu_sq) sqs;
};

/* Completions that are held until the engine's turn ends: cq_compress.c. */
struct emu_session {
	bool on;
	uint8_t format; /* enum emu_mini_format */
	bool listed;	/* among those that have any */
	SLIST_ENTRY(emu_cq) link;
	uint32_t n;
	uint16_t counter; /* wqe_counter that the next one must have, where it is not in its CQE */
	struct emu_cqe title;
	struct emu_mini_cqe mini[EMU_MINI_MAX];
};

struct emu_cq {
	LIST_ENTRY(emu_cq) link; /* emu_dev.cqs */
	struct emu_dev *dev;
	struct emu_ctx *ctx;
	uint32_t cqn;
	uint8_t *buf; /* the program's ring; power of two entries */
	uint32_t n_cqe;
	uint32_t cqe_size; /* 64 or 128 */
	__be32 *dbrec;	   /* [0] consumer index, [1] arm; big endian, the program's */
	struct emu_uar *uar;
	uint32_t pi;		/* device's producer index, counts for ever */
	bool overrun;		/* dead: nothing is written any more */
	bool ts_real, ts_asked; /* real-time clock asked for; timestamps asked for */
	bool realtime;		/* timestamps: sec << 32 | ns instead of the free-running clock */
	/* events */
	uint32_t arm_db; /* last value seen in dbrec[1] together with the UAR write */
	bool armed, armed_solicited;
	int fired_sn;	      /* arm sequence of the last event; -1: none yet */
	uint32_t ci_seen;     /* dbrec[0] when last read */
	int comp_fd;	      /* write end of the completion channel's pipe; -1 none */
	uint64_t user_handle; /* cq_handle to put into the event */
	uint32_t comp_events_reported, async_events_reported;
	bool pad; /* of 128-byte entries the first half is written, too */
	struct emu_session session;
	struct emu_devx_obj *devx; /* its events go there; NULL: a CQ of verbs */
};

enum emu_queue_state { EMU_QUEUE_RST, EMU_QUEUE_RDY, EMU_QUEUE_ERR };

struct emu_sq {
	LIST_ENTRY(emu_sq) link;     /* emu_dev.sqs */
	LIST_ENTRY(emu_sq) uar_link; /* emu_uar.sqs */
	struct emu_dev *dev;
	struct emu_ctx *ctx;
	uint32_t qpn;	     /* also the sqn: WQEs must carry it */
	uint32_t user_index; /* CQE srqn_uidx, as CQE version 1 has it */
	uint32_t pdn;
	uint8_t *buf;
	uint32_t n_wqebb; /* power of two */
	__be32 *dbrec;	  /* the SQ counter itself, db[1] of the QP */
	struct emu_uar *uar;
	struct emu_cq *cq;
	enum emu_queue_state state;
	uint16_t ci; /* next WQEBB to execute */
	uint16_t pi; /* doorbell counter last accepted after a UAR write */
	bool rung;
	bool block_loopback_uc, block_loopback_mc;
	bool sig_all;
	uint64_t rate_kbps;  /* 0: no limit */
	bool error_reported; /* CE=1: only the first error */
	uint64_t next_ns;    /* rate limit: not before this time */
	uint64_t burst_ns;   /* how much of the rate that was not used may be made up for */
	uint32_t lso_at;     /* bytes of the large send at ci that are sent already */
	bool soon;	     /* it waits for a time that is near: the engine does not sleep */
	bool min_inline;     /* the Ethernet header must be in the WQE */
	uint64_t stalled_ns; /* since when another process's ring has no room; 0: it has */
	uint64_t qp_handle;  /* for async events */
	uint32_t async_events_reported;
	struct emu_devx_obj *devx; /* its events go there; NULL: of a QP */
};

/* PRM "Work queue context": wq_type */
enum emu_wq_type { EMU_WQ_LINKED, EMU_WQ_CYCLIC, EMU_WQ_LINKED_STRIDING, EMU_WQ_CYCLIC_STRIDING };

/*
 * How a receive queue lies in memory. All but EMU_WQ_CYCLIC have a next segment (16 bytes) in front
 * of the scatter list of each WQE. The last three are of striding queues only.
 */
struct emu_rq_shape {
	enum emu_wq_type type;
	uint32_t n_wqe;	      /* power of two */
	uint32_t log_wqe;     /* log2 of a WQE's bytes */
	uint32_t log_stride;  /* log2 of a stride's bytes, 6..13 */
	uint32_t log_strides; /* log2 of the strides of a WQE, 3..16 */
	bool two_byte_shift;  /* frames begin 2 bytes into their first stride */
};

struct emu_rq {
	LIST_ENTRY(emu_rq) link; /* emu_dev.rqs */
	struct emu_dev *dev;
	struct emu_ctx *ctx;
	uint32_t rqn; /* number reported as WQ number or, for a QP's RQ, QP number */
	uint32_t user_index;
	uint32_t pdn;
	uint8_t *buf;
	uint32_t n_wqe;	 /* power of two */
	uint32_t stride; /* bytes of a WQE, power of two, >= 16 */
	uint32_t segs;	 /* bytes in front of its scatter list: 0, or a next segment */
	bool linked;	 /* WQEs follow each other by their next segments */
	bool follow;	 /* linked: head is done, its next segment names the next */
	uint16_t head;	 /* linked: slot of the current WQE */
	/* striding */
	uint8_t log_stride; /* 0: one frame a WQE */
	uint8_t log_strides, shift;
	uint32_t used; /* strides of the current WQE that are gone */
	__be32 *dbrec; /* the RQ counter, db[0] */
	struct emu_cq *cq;
	enum emu_queue_state state;
	uint16_t ci; /* next WQE to fill */
	uint16_t pi; /* counter when last read */
	bool dry;    /* was waited for in vain with the counter at pi */
	bool vlan_strip, scatter_fcs, end_padding;
	uint64_t wq_handle; /* for async events: of the work queue, or of the QP */
	bool of_qp;	    /* the receive side of a QP: its events are the QP's */
	uint32_t async_events_reported;
	struct emu_devx_obj *devx; /* its events go there; NULL: of verbs */
	uint32_t *out_of_buffer;   /* of its own counter set; NULL: only the port counts */
};

/* Hash QP, or the receive side of a plain raw-packet QP: where a rule sends packets to. */
#define EMU_RSS_KEY 40
struct emu_tir {
	LIST_ENTRY(emu_tir) link; /* emu_dev.tirs */
	struct emu_dev *dev;
	struct emu_ctx *ctx;
	uint32_t qpn;
	struct emu_rq **rqs; /* indirection table: a power of two of entries */
	uint32_t n_rqs;
	uint64_t hash_fields; /* MLX5_RX_HASH_* */
	uint8_t key[EMU_RSS_KEY];
	bool tunnel; /* tunneled_offload_en: completions tell of inner headers */
	bool inner;  /* these are hashed */
	bool self_loopback_uc, self_loopback_mc;
	unsigned rules; /* flow rules that point here: in use */
	bool rss_ready; /* table made from key, when the first rule points here */
	struct emu_rss_table rss;
};

/* One port = one RDMA device = one PCI function, as on a ConnectX-7. */
struct emu_dev {
	unsigned index;		 /* i of mlx5_i, and the port of the wire */
	char rdma[EMU_NAME];	 /* "mlx5_0" */
	char netdev[EMU_NAME];	 /* "emu0" */
	char pci[EMU_NAME];	 /* "0000:c1:00.0" */
	char path[4 * EMU_NAME]; /* below /sys/devices: "pci0000:c1/0000:c1:00.0" */
	uint8_t mac[6];
	LIST_HEAD(, emu_uar) uars;
	LIST_HEAD(, emu_cq) cqs;
	LIST_HEAD(, emu_sq) sqs;
	LIST_HEAD(, emu_rq) rqs;
	LIST_HEAD(, emu_tir) tirs;
	struct emu_mkey **mkeys; /* by key >> 8; NULL: never used */
	uint32_t n_mkeys;
	bool link_seen;		    /* as the engine has told the contexts of it */
	struct emu_wire_port *wire; /* this port's end in the shared memory */
	bool fatal;		    /* it is lost: calls are EIO, nothing moves */
	uint32_t next_num;	    /* QP, CQ, RQ numbers: from one counter, 24 bits */
};

extern struct emu_dev emu_devs[EMU_MAX_PORTS];
#define EMU_MAJOR	231u /* IB_UVERBS_MAJOR of the kernel */
#define EMU_FIRST_MINOR 192 /* of /dev/infiniband/uverbs0, as the kernel numbers them */
#define EMU_FIRST_IFINDEX 900001 /* of interfaces that are in sysfs only: far from the machine's */

/* ---- the engine: engine.c ------------------------------------------------------------------- */

/*
 * Between these two the device stands still and its lists may be changed. They nest not; one
 * control path at a time (they take a mutex). pause() starts the engine's thread when first needed;
 * after a fork the child has an engine, and objects, of its own (none).
 */
void emu_engine_pause(void);
void emu_engine_resume(void);

/* After a queue has been reset or made ready, while paused. */
void emu_sq_reset(struct emu_sq *sq);
void emu_rq_reset(struct emu_rq *rq);
/* For a new queue: 0, or -EINVAL where no card has such a queue. The other members are the
 * caller's. */
int emu_rq_set_shape(struct emu_rq *rq, const struct emu_rq_shape *shape);
void emu_sq_to_error(struct emu_sq *sq); /* flushes what is posted: error CQEs */
void emu_rq_to_error(struct emu_rq *rq);
/* Poisons ring, arm record and doorbell sentinel as a new CQ or doorbell page needs it. */
void emu_cq_init(struct emu_cq *cq);
/* For a new CQ: 0, or -EOPNOTSUPP for a format that the card has not. */
int emu_cq_compress(struct emu_cq *cq, unsigned format);
void emu_uar_init(struct emu_uar *uar);

/* ---- the wire: wire.c ----------------------------------------------------------------------- */

/* Live numbers of a port, in shared memory: every process of the wire adds to them. */
struct emu_counters {
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes; /* phy, without FCS */
	uint64_t tx_multicast, tx_broadcast, rx_multicast, rx_broadcast;
	uint64_t out_of_buffer; /* receiver had no WQE */
	uint64_t rx_kernel;	/* no rule matched: went to the kernel's interface */
	uint64_t rx_steer_drop; /* a drop rule */
	uint64_t tx_over_mtu;	/* dropped by the sending port */
	uint64_t rx_over_mtu;	/* longer than the port's MTU + 18: dropped by the port */
	uint64_t rx_discards;	/* another process did not take its frames: the port was full */
	uint64_t tx_errors, rx_wqe_errors, cq_overruns;
	uint64_t tx_multicast_bytes, tx_broadcast_bytes, rx_multicast_bytes, rx_broadcast_bytes;
	/* back to the port that sent them: its function's counters have them, the cable's not */
	uint64_t loop_unicast, loop_multicast, loop_broadcast;
	uint64_t loop_unicast_bytes, loop_multicast_bytes, loop_broadcast_bytes;
	uint64_t tx_unplugged, tx_unplugged_bytes; /* sent without a link: to nowhere */
	uint64_t link_downs;
};

enum { EMU_PAUSE_RX = 1, EMU_PAUSE_TX = 2 };

struct emu_wire_port {
	uint32_t mtu;	/* of the network interface */
	uint32_t flags; /* of the network interface: IFF_PROMISC, IFF_ALLMULTI */
	uint32_t link_up;
	uint32_t pause; /* EMU_PAUSE_*: what ethtool has set; no pause frame is ever sent here */
	struct emu_counters count; /* relaxed atomic adds; the engine adds once per batch */
};

/* Objects of a port that netlink counts, of all processes together. */
enum emu_resource { EMU_RES_PD, EMU_RES_CQ, EMU_RES_QP, EMU_RES_MR, EMU_RES_CTX, EMU_RES_COUNT };
/* One more, or one less, of this process. */
void emu_wire_resource(unsigned port, enum emu_resource what, bool more);
uint32_t emu_wire_resources(unsigned port, enum emu_resource what);

/* Attaches this process to the wire of emu_settings; 0 or -errno with text for the user in err. */
int emu_wire_attach(char *err, size_t size);
void emu_wire_detach(void);
/* The cable of this port is plugged in or pulled: at both ends. The wire is attached. */
void emu_wire_set_link(unsigned port, bool up);
/* The same at this end alone. */
void emu_wire_set_end(unsigned port, bool up);

/* ---- events: uverbs_event.c, called by the engine -------------------------------------------- */

void emu_comp_event(struct emu_cq *cq);
enum emu_async {
	EMU_ASYNC_CQ_ERR = 0,
	EMU_ASYNC_QP_FATAL = 1,
	EMU_ASYNC_QP_REQ_ERR = 2,
	EMU_ASYNC_DEVICE_FATAL = 8,
	EMU_ASYNC_PORT_ACTIVE = 9,
	EMU_ASYNC_PORT_ERR = 10,
	EMU_ASYNC_WQ_FATAL = 19
}; /* IB_EVENT_*, as enum ibv_event_type */
/* The port's link has changed: to all contexts of this process. False: not now, try again. */
bool emu_link_event(struct emu_dev *dev, bool up);
/* To one context; element is the object's user handle, or the port number. */
void emu_async_event(struct emu_ctx *ctx, enum emu_async type, uint64_t element);
/* The same for objects that commands of the firmware have made: uverbs_devx_fd.c. */
void emu_devx_event(const struct emu_devx_obj *o, enum emu_async type);
void emu_devx_comp_event(const struct emu_devx_obj *o);
void emu_devx_port_event(const struct emu_ctx *ctx);

/* ---- steering: steer.c ----------------------------------------------------------------------- */

/*
 * A rule, in the device's own form: mask and value over the 512 bytes of fte_match_param (PRM,
 * "Flow table entry match parameters"): outer headers at 0, misc at 64, inner at 128, misc2 at 192,
 * misc3 at 256, misc4 at 320, misc5 at 384; enable has a bit for each.
 */
#define EMU_MATCH_SIZE 512
struct emu_rule;

#endif

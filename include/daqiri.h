/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libdaqiri: raw Ethernet packets on NVIDIA ConnectX NICs, straight through ibverbs.
 *
 * Errors. Functions return 0 or a count >= 0 on success and a negative errno on failure. Outputs
 * are written only on success. daqiri_error_detail() tells, for the calling thread, which object
 * failed, why, and what to do about it. Destroying NULL does nothing.
 *
 * Threads. A queue belongs to one thread at a time; different queues of one context may be used by
 * different threads without any lock. (A library configured with --enable-debug holds a queue to
 * its first thread until that has ended: -EPERM for others.) Everything else that says "any thread"
 * may be called concurrently; functions that say nothing else may be called by any one thread at a
 * time for each context. The data path (rx_poll, rx_poll_meta, rx_release, rx_keep, rx_give_back,
 * tx_reserve, tx_post, tx_completed) never allocates, locks, logs or enters the kernel. The library
 * has threads of its own for queues in worker mode only: daqiri_threads(7).
 *
 * Units. Lengths and sizes are bytes, rates are bits per second, unless the name says otherwise. A
 * frame's length is what lies in memory: Ethernet header to the end of the payload, without FCS.
 */
#ifndef DAQIRI_H
#define DAQIRI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What follows is what the library exports, also where it is built with all else hidden. */
#pragma GCC visibility push(default)

#define DAQIRI_VERSION_MAJOR 0
#define DAQIRI_VERSION_MINOR 1
#define DAQIRI_VERSION_PATCH 0

struct daqiri;        /* a context: everything that was opened from one configuration */
struct daqiri_config; /* a configuration: sections, keys and values, with where they were set */
struct daqiri_port;   /* one Ethernet port of one NIC */
struct daqiri_rxq;    /* a receive queue */
struct daqiri_txq;    /* a send queue */
struct daqiri_region; /* memory cut into buffers, registered with the NICs that use it */

/*
 * A memory key as the NIC wants it: opaque 32 bits. In a received packet it holds the flow id
 * (daqiri_key_flow()) or, of a queue with key = forward PORT, what it takes to send it on that port
 * from where it lies; in a packet to send it holds the key of the memory at addr on the port that
 * sends it (daqiri_region_key() or daqiri_key_from_lkey()).
 */
typedef uint32_t daqiri_key;

/* One packet, or one free slot to build a packet in. 16 bytes, for ever. */
struct daqiri_pkt {
	uint64_t addr;  /* where the frame is: a host or GPU virtual address */
	uint32_t len;   /* bytes at addr, without FCS */
	daqiri_key key; /* RX: flow id, see daqiri_key_flow(), or forwarding: as TX: the memory's */
};

/* ---- version, errors, log ------------------------------------------------------------------- */

/* The library's version, "MAJOR.MINOR.PATCH". Static. Any thread. */
const char *daqiri_version(void);

/*
 * The meaning of an error number: err may be negative (as returned) or positive. Static text; never
 * NULL. Any thread.
 */
const char *daqiri_strerror(int err);

/*
 * What went wrong in the calling thread's last failed call, e.g.
 *     conf/loopback.ini:12: [rxq rx 0] depth=0: out of range; allowed auto, 64..32768
 * "" before any failure. Valid until this thread's next failing call. Any thread.
 */
const char *daqiri_error_detail(void);

enum daqiri_log_level {
	DAQIRI_LOG_OFF,
	DAQIRI_LOG_ERROR,
	DAQIRI_LOG_WARN,
	DAQIRI_LOG_INFO,
	DAQIRI_LOG_DEBUG,
	DAQIRI_LOG_TRACE
};

/*
 * Takes one line without a newline. Called by the thread that the message is about, in the middle of
 * what it does: no function of a context may be called, but those of the data path.
 */
typedef void (*daqiri_log_fn)(void *arg, enum daqiri_log_level level, const char *text);

/*
 * Sends the library's messages to fn (NULL: nowhere, the default). Process-wide. What is sent is
 * chosen by each configuration's [daqiri] log_level. Not to be called while a context is in use by
 * another thread.
 */
void daqiri_log_set(daqiri_log_fn fn, void *arg);

/* ---- configuration: daqiri.ini(5) ----------------------------------------------------------- */

/* Any thread may make one; several may ask one at once while none changes it. */

/* An empty configuration, to be filled by daqiri_config_set(). Free: daqiri_config_destroy(). */
int daqiri_config_create(struct daqiri_config **out);

/*
 * Reads a file. Every key is checked by itself: name, type, range, once each; what one section says
 * of another is checked by daqiri_config_check() and by opening. -EINVAL: the detail begins
 * "PATH:LINE:" with path as given here. -ENOENT, -EACCES, …: the file cannot be read.
 */
int daqiri_config_load(struct daqiri_config **out, const char *path);

/* As daqiri_config_load(), from len bytes of text; name stands for the path in messages. */
int daqiri_config_parse(struct daqiri_config **out, const char *text, size_t len, const char *name);

void daqiri_config_destroy(struct daqiri_config *cfg);

/*
 * Sets one key as if it stood in the file; makes the section if need be. section is the words
 * between the brackets ("rxq rx 0"). Names in messages stand as [section] key. On failure the
 * configuration is unchanged. -EINVAL: unknown section or key, bad value.
 */
int daqiri_config_set(struct daqiri_config *cfg, const char *section, const char *key,
		      const char *value);

/*
 * The same from one string "SECTION.KEY=VALUE", split at the last dot before the first '=': what
 * option -o of every tool takes.
 */
int daqiri_config_override(struct daqiri_config *cfg, const char *assignment);

/*
 * A key's value as text: what was set, else its default; NULL where the section does not exist or
 * has no such key (daqiri_error_detail() says which), and for a key that has no default. Owned by
 * cfg, valid until cfg changes.
 */
const char *daqiri_config_get(const struct daqiri_config *cfg, const char *section,
			      const char *key);

/*
 * The value of a number, size, duration (nanoseconds) or on|off key (0, 1) in base units. -ENOENT:
 * no such section or key, not set and no default, or a word such as "auto"; -EINVAL: a key of
 * another type, such as a list or a rate.
 */
int daqiri_config_get_u64(const struct daqiri_config *cfg, const char *section, const char *key,
			  uint64_t *out);

/*
 * Where a key was set, for messages: "PATH:LINE: [section] key", or "[section] key" for one that
 * was set in code or not at all. Returns the length that the whole text has, as snprintf() does.
 */
int daqiri_config_where(const struct daqiri_config *cfg, const char *section, const char *key,
			char *buf, size_t size);

/* The name of the i-th section, "rxq rx 0", in file order; NULL past the end. A range is many. */
const char *daqiri_config_section(const struct daqiri_config *cfg, unsigned i);

/*
 * The name and value of the i-th key that is set in a section; -ENOENT past the last. For the
 * sections that belong to the program ([app.*]), whose keys are kept as they stand.
 */
int daqiri_config_entry(const struct daqiri_config *cfg, const char *section, unsigned i,
			const char **key, const char **value);

/* Memory of the program, to be cut into the slots of a region of kind app. */
struct daqiri_memory {
	size_t size;            /* set by the caller: sizeof(struct daqiri_memory) */
	uint64_t addr;          /* where it begins: a host or GPU virtual address, which packets have */
	uint64_t length;        /* bytes; at least num_bufs slots */
	int dmabuf_fd;          /* a dma-buf that it lies in, by which it is registered; -1: none */
	uint64_t dmabuf_offset; /* where addr is in the dma-buf */
};

/*
 * Gives a section of kind app, "region rx" or the "rxq rx 0" of a private region, its memory. Memory
 * of a GPU may be given by its address alone (region key gpu_export says how it is registered) or by
 * a dma-buf of the program's. The memory stays the program's, which keeps it, untouched by others
 * and unfreed, from opening until daqiri_close(); the descriptor must be open while opening and is
 * the program's to close. What is given last counts, for every context opened from cfg. -ENOENT: no
 * such section; -EINVAL: a section that can have no memory, no size, address or length.
 */
int daqiri_config_set_memory(struct daqiri_config *cfg, const char *section,
			     const struct daqiri_memory *memory);

/* Checks what one section says of another: what opening checks before it touches a device. */
int daqiri_config_check(const struct daqiri_config *cfg);

/*
 * The number of bytes of packet memory that a checked configuration takes in all; 0 where the
 * configuration is not sound.
 */
uint64_t daqiri_config_memory(const struct daqiri_config *cfg);

/*
 * The number of bytes that the queue of a section, "rxq rx 0", takes besides packet memory: its
 * rings, which the NIC reads and writes, and what the library notes of it; not rounded up to pages.
 * For a striding queue of a device that takes 64 strides for each WQE. 0: there is no such queue, or
 * the configuration is not sound, with a detail.
 */
uint64_t daqiri_config_queue_memory(const struct daqiri_config *cfg, const char *section);

/* The configuration as text that daqiri_config_parse() reads back. Free it with free(). */
int daqiri_config_write(const struct daqiri_config *cfg, char **text);

/* One key of the grammar. All text is static. */
struct daqiri_key_info {
	size_t size;           /* set by the caller: sizeof(struct daqiri_key_info) */
	const char *section;   /* "rxq" */
	const char *key;       /* "depth" */
	const char *allowed;   /* "64..32768" */
	const char *def;       /* the default; NULL: none; "*": the key is required */
	const char *doc;       /* one sentence */
	int supported;         /* 0: known, but this version refuses it */
};

/* The i-th key of the grammar; -ENOENT past the last. Any thread. */
int daqiri_config_key(unsigned i, struct daqiri_key_info *info);

/* ---- context -------------------------------------------------------------------------------- */

/*
 * Opens every port, region, queue and flow that the file describes. Either all of it or nothing:
 * on failure whatever was made is taken down again. Close with daqiri_close().
 * -EINVAL: the configuration, also where it does not fit the device (slots too small for the MTU,
 * flows whose order is not defined); -ENODEV: a port's address matches nothing (the detail lists
 * what there is); -EPERM: CAP_NET_RAW is missing; -EACCES: the device file, or the MTU, may not be
 * written; -ENOMEM: memory, huge pages or RLIMIT_MEMLOCK; -EPROTONOSUPPORT: an InfiniBand link;
 * -EOPNOTSUPP: the device, or for [daqiri] simd the processor, lacks something that is needed;
 * -EPROTO: an environment variable of libmlx5 changes the rings under us (the detail names it). Any
 * thread.
 */
int daqiri_open(struct daqiri **out, const char *ini_path);

/* The same from a configuration, which the caller keeps and may destroy at once. Any thread. */
int daqiri_open_config(struct daqiri **out, const struct daqiri_config *cfg);

/*
 * Takes everything down in reverse order. No thread may be using the context or anything of it.
 * NULL does nothing.
 */
void daqiri_close(struct daqiri *dq);

/*
 * Adds the regions and queues of cfg to a context, all of them or none, while its other queues are
 * in use. cfg has [region], [rxq] and [txq] sections only, of ports that the context has; a queue
 * may have a region of the context, too, that no queue has. The caller keeps cfg and may destroy it
 * at once. Any thread; it waits for another that adds or destroys. -EINVAL: the configuration;
 * -EEXIST: the context has the queue already; -EBUSY: the buffers of the region that a queue names
 * were dealt to others (the detail names them); else as daqiri_open().
 */
int daqiri_add(struct daqiri *dq, const struct daqiri_config *cfg);

/* What the NIC told about a port or a device. */
enum daqiri_event_type {
	DAQIRI_EVENT_LINK_UP = 1,
	DAQIRI_EVENT_LINK_DOWN,
	DAQIRI_EVENT_DEVICE_FATAL, /* the device is gone: close the context */
	DAQIRI_EVENT_QUEUE_ERROR,  /* see daqiri_rxq_error(), daqiri_txq_error() */
	DAQIRI_EVENT_OTHER         /* something else that the device reports: see code */
};

struct daqiri_event {
	size_t size;              /* set by the caller: sizeof(struct daqiri_event) */
	enum daqiri_event_type type;
	int code;                 /* the verbs event, enum ibv_event_type; -1: told by no such one */
	struct daqiri_port *port; /* the port that it is about; NULL: none */
	struct daqiri_rxq *rxq;   /* of a queue error: the queue, or */
	struct daqiri_txq *txq;   /* that one; else NULL */
};

/*
 * Takes one pending event: 1 and *ev filled, 0 when there is none, negative errno. Does not
 * wait for one, but may for a call that adds to the context or takes away from it. Each is told
 * once, however often the kernel does: a link that changed since it was told last, or since
 * opening; a device that is gone, of which the first port stands for all; a queue that has stopped,
 * in any way, once until its next reset. An error that costs one packet only stops no queue and is
 * no event: it is counted (errors, length_errors). What is not the context's is not told. Of
 * attached ports only queues that their threads found stopped are told: their program reads the
 * device's events. One thread at a time.
 */
int daqiri_event_get(struct daqiri *dq, struct daqiri_event *ev);

/*
 * A descriptor to wait on by poll() and the like: readable when daqiri_event_get() may have an
 * event, which is then to be called until it returns 0. The same one with each call; owned by the
 * context. From the first call on a queue's thread that meets the error that stops the queue enters
 * the kernel once, to say so: the queue's thread must poll or post for that to be noticed. -EMFILE,
 * -ENFILE: no descriptors; -EINVAL: NULL. Any thread.
 */
int daqiri_event_fd(struct daqiri *dq);

/* ---- ports ---------------------------------------------------------------------------------- */

struct daqiri_port_info {
	size_t size;             /* set by the caller: sizeof(struct daqiri_port_info) */
	char rdma[64];           /* RDMA device, "mlx5_0"; udev may rename it: assume nothing */
	char pci[16];            /* PCI address, "0000:17:00.0"; "" unknown */
	char netdev[16];         /* network interface, "" none */
	char phys_port[32];      /* physical port name, "p0"; "" unknown */
	char firmware[64];       /* firmware version */
	unsigned port_num;       /* port number on the RDMA device, from 1 */
	uint8_t mac[6];          /* MAC address; zeros where there is no network interface */
	uint8_t link_up;         /* 1: the link is active */
	uint8_t emulated;        /* 1: an emulated ConnectX, not a real one */
	uint8_t ethernet;        /* 0: InfiniBand link layer; cannot be opened */
	uint32_t mtu;            /* of the network interface: a frame without its 14 bytes */
	int numa_node;           /* -1 unknown */
	uint64_t speed_bps;      /* link speed; 0 unknown */
	int rx_pause;            /* 1: it obeys pause frames; 0: not; -1 unknown */
	int tx_pause;            /* 1: it sends pause frames when it is full; 0: not; -1 unknown */
};

/*
 * Calls fn for each port of each mlx5 device of this machine, until fn returns other than 0, which
 * is then returned. Needs no context and opens none of them for traffic. info and what it holds is
 * valid during the call only. Any thread.
 */
int daqiri_port_each(int (*fn)(void *arg, const struct daqiri_port_info *info), void *arg);

/* The port that the configuration calls name; NULL: none. Owned by dq. Any thread. */
struct daqiri_port *daqiri_port_find(struct daqiri *dq, const char *name);

/* The i-th port in file order; NULL past the last. Owned by dq. Any thread. */
struct daqiri_port *daqiri_port_get(struct daqiri *dq, unsigned i);

/* The name in the configuration. Any thread. */
const char *daqiri_port_name(const struct daqiri_port *port);

/*
 * What the port is, and its state now. As all functions that fill an information structure: at most
 * info->size bytes are written, so that a program built against an older, shorter one goes on
 * working; -EINVAL: a NULL, or size not set. Any thread.
 */
int daqiri_port_info(const struct daqiri_port *port, struct daqiri_port_info *info);

/* One counter. */
struct daqiri_stat {
	const char *name; /* e.g. "rx_q0_packets"; owned by the object */
	uint64_t value;
};

/*
 * The port's counters by name: the sums over its queues ("rx_packets", "tx_full": see
 * daqiri_rxq_stats() and daqiri_txq_stats()), then what the device ("hw_out_of_buffer": frames that
 * found no free slot), its network interface ("net_rx_packets": frames left to the kernel) and its
 * driver count themselves, the last as "ethtool -S" has them: of the cable ("eth_rx_packets_phy",
 * "eth_rx_pause_ctrl_phy"), of the function ("eth_rx_vport_unicast_packets"), pauses and drops. A
 * source that is not there has no counters. Fills the first max of them; returns how many there
 * are. stats may be NULL where max is 0. Enters the kernel, which may ask the firmware:
 * milliseconds. -EINVAL: another NULL, or max below 0. Any thread.
 */
int daqiri_port_stats(struct daqiri_port *port, struct daqiri_stat *stats, int max);

/*
 * Has the NIC drop every frame that the port receives from now on: those of flows, unmatched ones,
 * and those that the kernel would get, so that the machine cannot be reached by this port. What was
 * received before stays in the queues. Flows stay as they are, may be added and removed, and count
 * nothing meanwhile. daqiri_port_allow_all(), or daqiri_close(), undoes it. Done already: 0.
 * -EINVAL: NULL; others: the kernel refuses, and the port stays as it was. Enters the kernel. Any
 * thread.
 */
int daqiri_port_drop_all(struct daqiri_port *port);
int daqiri_port_allow_all(struct daqiri_port *port);

/* ---- regions -------------------------------------------------------------------------------- */

struct daqiri_region_info {
	size_t size;        /* set by the caller: sizeof(struct daqiri_region_info) */
	uint64_t addr;      /* of slot 0 */
	uint64_t length;    /* num_bufs * stride */
	uint64_t num_bufs;
	uint64_t buf_size;  /* usable bytes of a slot */
	uint64_t stride;    /* distance from slot to slot: buf_size rounded up to align */
	uint64_t page_size; /* of the memory behind it */
	int numa_node;      /* where it is; -1 not bound */
	const char *kind;   /* as in the configuration, "device"; static */
	const char *access; /* how NICs come to it: "pages" of the host, "dmabuf", "peermem"; static */
	const char *why;    /* why that way, of GPU memory; else "". Owned by the region */
	int gpu;            /* CUDA index of the GPU that it is on, or that pinned it; -1 none */
	uint64_t gpu_addr;  /* of slot 0 for the GPU's code; 0: it has none, or it is not known */
	uint8_t relaxed_ordering; /* 1: NICs were told that they may reorder their writes */
};

/* A GPU, as the CUDA driver has it. */
struct daqiri_gpu_info {
	size_t size;        /* set by the caller: sizeof(struct daqiri_gpu_info) */
	int index;          /* CUDA index */
	char name[64];      /* "NVIDIA H100 PCIe" */
	char pci[16];       /* PCI address, "0000:17:00.0"; "" unknown */
	char uuid[48];      /* "GPU-…"; "" unknown */
	int numa_node;      /* -1 unknown */
	uint8_t integrated; /* 1: it has no memory of its own: kind host_pinned, not device */
	uint8_t dmabuf;     /* 1: its memory can be exported as a dma-buf */
	uint8_t peermem;    /* 1: a module is loaded by which NICs find its memory by address */
	uint64_t memory;    /* bytes */
	uint64_t bar1;      /* bytes of it that others can see at once; 0 unknown */
};

/*
 * A GPU of this machine: affinity is "auto", a CUDA index ("0", "1", … until -ENODEV), a PCI address
 * or a UUID, as region key affinity has them. Loads the CUDA driver where the program has not.
 * -ENODEV: no driver, or no such GPU (the detail lists them). As daqiri_port_info(). Any thread.
 */
int daqiri_gpu_info(const char *affinity, struct daqiri_gpu_info *info);

/*
 * Destroys a region, which no queue may have: -EBUSY, the detail names those that do. Packets of it
 * that were posted with a key, by queues that do not have it, must have completed. NULL: 0. Any
 * thread; the region is gone for all. -ENOENT: not of this context.
 */
int daqiri_region_destroy(struct daqiri *dq, struct daqiri_region *region);

/* The region that the configuration calls name; NULL: none. Owned by dq. Any thread. */
struct daqiri_region *daqiri_region_find(struct daqiri *dq, const char *name);

/* What the region is. As daqiri_port_info(). Any thread. */
int daqiri_region_info(const struct daqiri_region *region, struct daqiri_region_info *info);

/*
 * The key of the region's memory for packets sent by port: 0 with *key set, -ENOENT where the
 * region is not registered with the port's device (region key "ports" names more). Any thread.
 */
int daqiri_region_key(const struct daqiri_region *region, const struct daqiri_port *port,
		      daqiri_key *key);

/* The key of memory that the program registered itself, from ibv_mr.lkey. Any thread. */
daqiri_key daqiri_key_from_lkey(uint32_t lkey);

/* The id of the flow that a received packet matched, 1..0xfffffe; 0: none. Any thread. */
uint32_t daqiri_key_flow(daqiri_key key);

/* The flow id of [flow PORT NAME], chosen or assigned. -ENOENT: no such flow. Any thread. */
int daqiri_flow_id(const struct daqiri_port *port, const char *name, uint32_t *id);

/* What a flow is in the NIC. */
struct daqiri_flow_info {
	size_t size;             /* sizeof(struct daqiri_flow_info) of the library, which fills it */
	const char *name;        /* as in [flow PORT NAME] */
	uint32_t id;             /* of its packets: daqiri_key_flow(), daqiri_rx_meta.flow */
	int priority;            /* given or chosen, 0..13: the NIC looks at 0 first */
	uint32_t n_rules;        /* that it takes in the NIC, at that priority or later ones */
	uint32_t n_queues;       /* several: RSS; 0: it drops */
	const uint32_t *queues;  /* ids of receive queues; with encap, of the queues that send */
	uint8_t drop;            /* 1: drop = on */
	uint8_t count;           /* 1: count = on, daqiri_flow_stats() tells */
	uint8_t encap;           /* 1: it takes frames that are sent */
};

/*
 * Calls fn for each flow that the port has now, from its configuration or added, in no given order,
 * until fn returns other than 0, which is then returned. fn is told of a copy, and may add and
 * remove flows; info and what it holds is valid during the call only. -ENOMEM; -EINVAL: a NULL.
 * Any thread.
 */
int daqiri_flow_each(const struct daqiri_port *port,
		     int (*fn)(void *arg, const struct daqiri_flow_info *info), void *arg);

/* A flow to add: what stands between the brackets, and below them. */
struct daqiri_flow_text {
	const char *name; /* as in [flow PORT NAME] */
	const char *keys; /* lines "key = value" */
};

/*
 * Adds flows to the port while its queues are polled: n of them, or none where one is refused. The
 * keys are those of [flow], judged as in a file; [tunnel] and [flex] that they name are those of
 * the configuration that the context was opened with. Messages count their lines from 2, below the
 * brackets. queue names queues that the port has now. Flows that were there keep their packets,
 * also where priorities have to change. As of the return a flow's packets come to its queues. A
 * batch is faster than its flows one by one, and finds priorities where they might not. -EINVAL: a
 * NULL, n below 0, the keys, the name or the tag of another flow, the match of another flow, no
 * priority that is left; -EEXIST: another program has a rule of this match (the detail tells what
 * to do); others: the kernel refuses. Enters the kernel. Any thread.
 */
int daqiri_flow_add_batch(struct daqiri_port *port, const struct daqiri_flow_text *flows, int n);
int daqiri_flow_add(struct daqiri_port *port, const char *name, const char *keys);

/*
 * Removes flows of the port, from its configuration or added: n of them, or none where there is none
 * of a name. Their frames are taken by other flows then, or go where unmatched ones go. Packets that
 * came before are still in the queues, with an id that no flow has. -ENOENT: no such flow; -EINVAL:
 * a NULL, n below 0, or one name twice. Enters the kernel. Any thread.
 */
int daqiri_flow_remove_batch(struct daqiri_port *port, const char *const *names, int n);
int daqiri_flow_remove(struct daqiri_port *port, const char *name);

/*
 * What the NIC has counted for [flow PORT NAME], which has count = on: "packets" and "bytes" that
 * its rules took, to queues or to be dropped. As daqiri_port_stats(), but the names are static.
 * -ENOENT: no such flow; -EINVAL: a NULL, max below 0, or a flow without a counter; -EIO: the device
 * is gone. Enters the kernel. Any thread.
 */
int daqiri_flow_stats(const struct daqiri_port *port, const char *name, struct daqiri_stat *stats,
		      int max);

/* ---- queue errors --------------------------------------------------------------------------- */

enum daqiri_rebuild {
	DAQIRI_REBUILD_NONE,  /* the queue works */
	DAQIRI_REBUILD_QUEUE, /* the queue has stopped */
	DAQIRI_REBUILD_PORT,  /* not used by this version */
	DAQIRI_REBUILD_DEVICE /* the device is gone */
};

struct daqiri_queue_error {
	size_t size;                 /* set by the caller: sizeof(struct daqiri_queue_error) */
	enum daqiri_rebuild rebuild; /* what must be rebuilt before the queue works again */
	uint8_t syndrome;            /* of the first error CQE: PRM, error CQE syndrome; 0 none */
	uint8_t vendor_syndrome;
	uint16_t wqe_index;          /* the WQE that it was about */
	uint64_t errors;             /* error CQEs so far */
	const char *text;            /* the syndrome in words; static */
};

/* ---- receive -------------------------------------------------------------------------------- */

/* Queue id of port; NULL: none. Owned by the context. Any thread. */
struct daqiri_rxq *daqiri_rxq_get(struct daqiri_port *port, unsigned id);

/*
 * Destroys a queue, with a region that is its own section's; packets that were not polled are lost,
 * what it has counted stays in the port's sums. -EBUSY: flows send to it (the detail names them), or
 * packets are held or kept; -ENOENT: not of this context. NULL: 0. No thread may be using the
 * queue; others' queues are not touched.
 */
int daqiri_rxq_destroy(struct daqiri *dq, struct daqiri_rxq *q);

struct daqiri_rxq_info {
	size_t size;                  /* set by the caller: sizeof(struct daqiri_rxq_info) */
	unsigned id;
	uint32_t depth;               /* packets that the ring holds; striding: of one stride each */
	uint32_t buf_size;	      /* the longest frame that it takes, header and payload */
	int cpu_core;                 /* the core that the configuration names; -1 none */
	struct daqiri_port *port;
	struct daqiri_region *region; /* where its packets lie; headers, if they are split */
	const char *simd;             /* instructions chosen for it, as [daqiri] simd; static */
	uint32_t spares;              /* packets that may be kept at once: daqiri_rx_keep() */
	struct daqiri_port *forward;  /* whose keys its packets have; NULL: they have flow ids */
	const char *rx_mode;          /* "cyclic" or "striding"; static */
	const char *cqe_compression;  /* "on" or "off"; static */
	const char *why;              /* why these two: a short text, owned by the queue */
	uint32_t split;               /* bytes of a frame that are its header; 0: it is one piece */
	struct daqiri_region *payload_region; /* where the rest of it lies; NULL: it is one piece */
	const char *clock;            /* of its time stamps: "real" or "free"; NULL: none; static */
	const char *clock_why;        /* why this one, in words; NULL: no time stamps; static */
	uint32_t metadata;            /* enum daqiri_metadata, or-ed; 0: none */
	uint32_t vlan_strip;          /* 1: the NIC takes VLAN tags, the outer ones, out of frames */
};

/* What the queue is. As daqiri_port_info(). Any thread. */
int daqiri_rxq_info(const struct daqiri_rxq *q, struct daqiri_rxq_info *info);

/*
 * Takes up to max received packets, in the order of arrival. Returns 0..max; 0: nothing there.
 * Packets stay the caller's, and their memory untouched, until daqiri_rx_release(). A frame that
 * was received in error is counted and skipped. -EIO: the queue has stopped and nothing is left in
 * it (daqiri_rxq_error() tells why); -EINVAL: a NULL, or max below 0; -EOPNOTSUPP: a queue that
 * splits frames. The queue's thread.
 */
int daqiri_rx_poll(struct daqiri_rxq *q, struct daqiri_pkt *pkts, int max);

/* What [rxq] metadata asks for. */
enum daqiri_metadata {
	DAQIRI_META_TIMESTAMP = 0x01,
	DAQIRI_META_HASH = 0x02,
	DAQIRI_META_CHECKSUM = 0x04,
	DAQIRI_META_VLAN = 0x08,
	DAQIRI_META_TYPE = 0x10
};

/*
 * daqiri_rx_meta.checksum: known: the NIC saw an IP header (L3), and behind it a TCP or UDP one
 * (L4); ok: it found its checksum right. IPv6 has none of its own and is always right.
 */
enum daqiri_checksum {
	DAQIRI_CSUM_L3_KNOWN = 0x01,
	DAQIRI_CSUM_L3_OK = 0x02,
	DAQIRI_CSUM_L4_OK = 0x04,
	DAQIRI_CSUM_L4_KNOWN = 0x08
};

/* daqiri_rx_meta.type: one L3 and one L4 protocol at most, and what else the NIC says. */
enum daqiri_type {
	DAQIRI_TYPE_IP_OPTIONS = 0x02, /* IPv4 options, or IPv6 extension headers */
	DAQIRI_TYPE_IPV6 = 0x04,
	DAQIRI_TYPE_IPV4 = 0x08,
	DAQIRI_TYPE_L3 = 0x0c, /* both: a mask; 0: no IP */
	DAQIRI_TYPE_TCP = 0x10,
	DAQIRI_TYPE_UDP = 0x20,
	DAQIRI_TYPE_L4 = 0x30, /* both: a mask; 0: another protocol, or a fragment */
	DAQIRI_TYPE_FRAGMENT = 0x80
};

/*
 * What is known of a received packet besides struct daqiri_pkt. 24 bytes, for ever. Times are those
 * of the NIC's PTP hardware clock, and those of a queue do not go back (but with the clock, where it
 * is set). With clock "free" a packet is to be polled within a quarter of an hour of its arrival:
 * daqiri_rxq(3).
 */
struct daqiri_rx_meta {
	uint64_t time_ns;  /* when it came, by the NIC's clock: nanoseconds since 1970 */
	uint32_t hash;     /* RSS hash, of what its flow spreads by: rss_fields; 0: none was made */
	uint32_t flow;     /* the id of the flow that it matched, as daqiri_key_flow(); always there */
	uint16_t vlan_tci; /* VLAN tag that the NIC has stripped; 0: none */
	uint8_t checksum;  /* enum daqiri_checksum, or-ed */
	uint8_t type;      /* enum daqiri_type, or-ed: of the outermost headers */
	uint32_t reserved; /* 0 */
};

/*
 * As daqiri_rx_poll(), and tells of packet pkts[i] in meta[i] what key metadata of the queue asks
 * for; what it does not ask for is 0. -EINVAL: a NULL, max below 0, or a queue with
 * metadata = none. The queue's thread.
 */
int daqiri_rx_poll_meta(struct daqiri_rxq *q, struct daqiri_pkt *pkts, struct daqiri_rx_meta *meta,
			int max);

/*
 * As daqiri_rx_poll(), of a queue with regions = HEADER,PAYLOAD: the first [rxq] split bytes of a
 * frame are at heads[i], what is behind them at payloads[i]; the lengths of both make the frame's.
 * A frame that is not longer than split has a payload of 0 bytes, whose addr is a payload slot that
 * nothing was written to. Each payload has the key of its header, but with key = forward PORT the
 * one of its own region. meta: what daqiri_rx_poll_meta() tells of the packets; NULL: nothing.
 *
 * Released, kept and given back are packets as a whole: daqiri_rx_keep() and daqiri_rx_give_back()
 * take their headers. -EINVAL: a NULL, max below 0, a queue with one region, or meta of one with
 * metadata = none. The queue's thread.
 */
int daqiri_rx_poll_split(struct daqiri_rxq *q, struct daqiri_pkt *heads,
			 struct daqiri_pkt *payloads, struct daqiri_rx_meta *meta, int max);

/*
 * Gives the oldest n of the packets that were polled and not yet released back to the NIC. n above
 * their number releases them all, n below 1 none. The queue's thread. O(1), unless frames were
 * received in error: their slots go back with those of the packets before them.
 */
void daqiri_rx_release(struct daqiri_rxq *q, int n);

/*
 * The descriptor to wait on for packets, by poll(2), epoll(7) and the like, for reading: it is the
 * queue's own, non-blocking, and is not to be read or closed. It becomes readable only after
 * daqiri_rxq_arm(), and stays so until the next. -EOPNOTSUPP: a queue in worker mode; -EINVAL: a NULL.
 * Any thread.
 */
int daqiri_rxq_fd(const struct daqiri_rxq *q);

/*
 * To be called before waiting, when daqiri_rx_poll() has returned 0. 0: the queue is armed, and its
 * descriptor becomes readable with the next packet (or error), once; waiting loses nothing. 1:
 * something has come: poll, do not wait. Packets that are held need not be released before. Nothing
 * is lost, either, where the caller goes on polling instead: then the descriptor may tell of a
 * packet that was polled already. Enters the kernel. -EIO: the queue has stopped; -EOPNOTSUPP: a
 * queue in worker mode; -EINVAL: a NULL. The queue's thread.
 */
int daqiri_rxq_arm(struct daqiri_rxq *q);

/*
 * Keeps packets beyond their release: the first 0..n of pkts, which were polled from this queue, are
 * not released yet and may be any of them. The ring gets a spare buffer for each, so that it goes on
 * however long they are kept, and counts them for daqiri_rx_release() as before: release does all
 * but free their memory. A packet is known by its addr, which may have been moved on within its
 * buffer; len and key are not looked at. To send a packet from where it lies, kept or not, set its
 * key to daqiri_region_key().
 *
 * Returns how many are kept; the first that is not is not touched, and may be released as any other.
 * -ENOBUFS: none, as no spare is left (counted by packets: no_spare); -EINVAL: none, as the first is
 * not one of the queue's that is held, or a NULL, or n below 0; -EOPNOTSUPP: the queue is in worker
 * mode. The spares are the region's num_bufs beyond the depths of its queues, in equal parts:
 * daqiri_rxq_info(). On a striding queue each is of a WQE's size and serves for all packets that are
 * kept of one WQE; there addr may have been moved on within the packet's first stride. The queue's
 * thread.
 */
int daqiri_rx_keep(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, int n);

/*
 * Ends the keeping of the first 0..n of pkts, in any order and any time after their keep: their
 * memory is a spare again, and the NIC's as soon as another packet is kept. Returns how many;
 * -EINVAL: none, as the first is not kept (given back twice?), or a NULL, or n below 0. The queue's
 * thread.
 */
int daqiri_rx_give_back(struct daqiri_rxq *q, const struct daqiri_pkt *pkts, int n);

/*
 * Makes what the NIC has written of the packets polled so far visible to code of the queue's GPU
 * that starts from now on. Where the GPU orders such writes itself, and for a region that is not on
 * a GPU, it does nothing and costs a call; elsewhere it waits for the GPU: once for each batch, not
 * for each packet. -EOPNOTSUPP: the GPU cannot order them by itself nor be told to; -EINVAL: q is
 * NULL; -EIO: the CUDA driver failed. The queue's thread, whose current CUDA context is kept.
 */
int daqiri_rx_gpu_flush(struct daqiri_rxq *q);

/*
 * Counters by name, each with "rx_q0_" (of queue 0) before it: packets and bytes polled; errors,
 * all error completions; length_errors, of them those of frames longer than a slot; kept, packets
 * kept so far; kept_out, of them those not given back; no_spare, packets that could not be kept;
 * resets; reset_drops, packets that had come and were not polled when the queue was reset. As
 * daqiri_port_stats(). Any thread.
 */
int daqiri_rxq_stats(const struct daqiri_rxq *q, struct daqiri_stat *stats, int max);

enum {
	DAQIRI_RESET_INVALIDATE = 1 /* packets that are held become invalid */
};

/*
 * Has a queue begin anew, after an error has stopped it or at any other time: with all its slots
 * free, and the same flows and RSS. Packets that came before and were not polled are dropped, which
 * is counted (reset_drops): after an error poll until -EIO, and there are none. Packets that are
 * kept stay so. daqiri_rxq_error() has forgotten the error then; no other thread may ask it
 * meanwhile. flags: 0 or DAQIRI_RESET_INVALIDATE. Enters the kernel; other queues are not touched.
 * -EBUSY: packets are held, and flags do not say to invalidate them; -EINVAL: a NULL, or an unknown
 * flag; -EIO: the device is gone; -EOPNOTSUPP: a queue in worker mode; others: the kernel refuses.
 * The queue's thread.
 */
int daqiri_rxq_reset(struct daqiri_rxq *q, unsigned flags);

/*
 * 1 and *err filled if the queue met an error, or daqiri_event_get() told that its device is gone
 * (then errors and syndrome may be 0); else 0. Any thread.
 */
int daqiri_rxq_error(const struct daqiri_rxq *q, struct daqiri_queue_error *err);

/* ---- send ----------------------------------------------------------------------------------- */

/* Queue id of port; NULL: none. Owned by the context. Any thread. */
struct daqiri_txq *daqiri_txq_get(struct daqiri_port *port, unsigned id);

/*
 * As daqiri_rxq_destroy(). -EBUSY: flows put tunnels onto its frames (the detail names them), or
 * packets are posted and not completed, unless an error has stopped the queue: those are lost then.
 */
int daqiri_txq_destroy(struct daqiri *dq, struct daqiri_txq *q);

struct daqiri_txq_info {
	size_t size;                  /* set by the caller: sizeof(struct daqiri_txq_info) */
	unsigned id;
	uint32_t depth;               /* packets that may be outstanding */
	uint32_t buf_size;            /* usable bytes of a slot of its region */
	int cpu_core;                 /* the core that the configuration names; -1 none */
	struct daqiri_port *port;
	struct daqiri_region *region; /* where its slots lie; NULL: none */
	const char *simd;             /* as daqiri_rxq_info.simd */
	const char *tx_mode; /* "empw", "empw-inline", "send", "tso": daqiri_txq(3); static */
	const char *why;              /* why that one: a short text, owned by the queue */
	uint32_t tx_inline;           /* bytes up to which frames are copied to the ring; 0: none */
	uint32_t latency;             /* 1: a post of one packet goes out with its doorbell */
	uint32_t payload_size;	      /* usable bytes of a slot of its second region; 0: none */
	struct daqiri_region *payload_region; /* the second region; NULL: none */
	const char *checksum;         /* that the NIC fills in: "off", "l3", "l4" or "l3l4"; static */
	uint32_t src_mac;             /* 1: frames get the port's address as their source */
	uint32_t pacing_mbps;         /* the most that it sends, as asked for last; 0: no limit */
	uint32_t pacing_burst;        /* bytes at once; 0: the device's choice */
	uint32_t pacing_size;         /* the typical frame; 0: the device's choice */
	uint32_t pacing_min_kbps;     /* what its device can keep to; 0, 0: it does not tell */
	uint32_t pacing_max_kbps;
	uint32_t vlan_push;           /* 1: the NIC puts a VLAN tag into every frame */
	uint16_t vlan_push_tci;       /* that tag: priority << 13 | drop-eligible << 12 | id */
	uint16_t vlan_push_tpid;      /* and its EtherType */
	const char *clock;            /* of launch times: "real" or "free"; NULL: none; static */
	uint32_t tso_mss; /* TCP data above which the NIC cuts packets; 0: it cuts none */
	uint32_t tso_max; /* bytes that a packet may have then */
};

/* What the queue is. As daqiri_port_info(). Any thread. */
int daqiri_txq_info(const struct daqiri_txq *q, struct daqiri_txq_info *info);

/*
 * Shows up to max free slots of the queue's region in ring order: addr, len = the slot's size, key.
 * Nothing is taken yet: what a following daqiri_tx_post() does not consume is shown again. Returns
 * 0..max; 0: all slots are in flight, or the queue has none. -EINVAL: a NULL, or max below 0. The
 * queue's thread.
 */
int daqiri_tx_reserve(struct daqiri_txq *q, struct daqiri_pkt *pkts, int max);

/*
 * Sends the first 0..n packets, as many as the ring has room for; returns how many. Slots shown by
 * daqiri_tx_reserve() are consumed in the order shown, one for each packet whose addr lies in the
 * queue's slots. Packets may lie in any registered memory (received ones too): those consume no
 * slot and must stay untouched until completed. pkts itself may be reused at once. With tx_inline
 * the CPU must be able to read frames that are not longer; they too stay untouched until completed.
 * With src_mac = port it must be able to write them: bytes 6 to 11, unless the frame, or the header
 * of two pieces, is shorter than 12.
 *
 * With tso TCP packets over IPv4 or IPv6 may be as long as tso_max and the IP header allow: the NIC
 * sends those with more data than tso_mss in pieces, as RFC 9293 would have them sent, and fills in
 * lengths, IP ids from the packet's on, sequence numbers and checksums; FIN and PSH go with the
 * last piece. A packet counts as one. The CPU must be able to read headers.
 *
 * A packet's len is 14 to the MTU + 14 (18 with a VLAN tag); the NIC pads frames below 60 bytes. A
 * packet that it cannot send, as with a wrong key, stops the queue, which daqiri_txq_error() tells
 * after the fact. -EIO: the queue has stopped; -EINVAL: a NULL, or n below 0. The queue's thread.
 */
int daqiri_tx_post(struct daqiri_txq *q, const struct daqiri_pkt *pkts, int n);

/*
 * As daqiri_tx_post(), of a queue with timed = on: the NIC holds the queue until its PTP hardware
 * clock has come to time_ns, nanoseconds since 1970, as daqiri_rx_meta.time_ns; then the packets leave,
 * and what was posted behind them. A time that is past is none. It waits in the queue's order: post
 * in the order of times. -ERANGE: none is taken, as the time lies further ahead than the NIC can tell
 * from the past, some 3 seconds; -EOPNOTSUPP: a queue without timed = on; else as daqiri_tx_post().
 * A queue that was idle for a second asks the NIC what time it is and waits for that up to 20
 * microseconds: 0 may mean that it has not told yet. The queue's thread.
 */
int daqiri_tx_post_at(struct daqiri_txq *q, const struct daqiri_pkt *pkts, int n, uint64_t time_ns);

/*
 * What time it is by the clock of a queue with timed = on: as its last completion told, and by this
 * machine's monotonic clock since. A queue that was idle for a second asks the NIC, as above.
 * -EOPNOTSUPP: a queue without; -EINVAL: a NULL. The queue's thread.
 */
int daqiri_tx_now(struct daqiri_txq *q, uint64_t *time_ns);

/*
 * What another clock's time_ns is by the clock of a queue with timed = on, for daqiri_tx_post_at().
 * clock: a clockid_t of clock_gettime(2), as CLOCK_TAI, CLOCK_REALTIME or CLOCK_MONOTONIC; time_ns is
 * nanoseconds since that clock's own beginning. Both are read now, within some microseconds, and are
 * taken to run alike until time_ns: ask anew where it is seconds away, or one of them may be set.
 * -EINVAL: a NULL, a clock that cannot be read, a time before the NIC's began; -EOPNOTSUPP: a queue
 * without timed = on. The queue's thread.
 */
int daqiri_tx_time_of(struct daqiri_txq *q, int clock, uint64_t time_ns, uint64_t *nic_ns);

/*
 * As daqiri_tx_reserve() and daqiri_tx_post(), of a queue with regions = HEADER,PAYLOAD: a packet
 * is sent from two places, heads[i] first, then payloads[i]. Each slot has one in both regions:
 * reserve shows the two, and the header alone decides whether a packet consumes a slot. Payloads
 * may lie in any other registered memory instead, as those that were received, and must stay
 * untouched until the packet is completed. A header has 1 byte at least, a payload may have 0, and
 * both together are as long as a packet of daqiri_tx_post(), which such a queue takes too, and
 * which moves on over the payload slot that goes with its own.
 *
 * The NIC reads one WQE of 64 bytes for each packet: queues with one region send short frames
 * faster. -EINVAL: a NULL, a number below 0, or a queue with one region or none; else as the calls
 * above. The queue's thread.
 */
int daqiri_tx_reserve_split(struct daqiri_txq *q, struct daqiri_pkt *heads,
			    struct daqiri_pkt *payloads, int max);
int daqiri_tx_post_split(struct daqiri_txq *q, const struct daqiri_pkt *heads,
			 const struct daqiri_pkt *payloads, int n);

/*
 * How many packets of this queue the NIC has finished reading, since the queue was made: monotonic.
 * Every packet is counted as soon as the NIC reports it, without further posts. After an error
 * those before it are counted, if they were reported, and none after it, until daqiri_txq_reset()
 * drops them. The queue's thread.
 */
uint64_t daqiri_tx_completed(struct daqiri_txq *q);

/*
 * From now on the queue sends at most mbps megabits per second of frame bytes, whatever was said
 * before; 0: as much as it can, and then burst and size are 0, too. burst: bytes that may go at
 * once, size: bytes of a typical frame; 0: the device's choice. Posts go on meanwhile, also of
 * packets that wait already. Survives daqiri_txq_reset(); daqiri_txq_info() tells it. -EINVAL: a
 * NULL, a number that the device cannot keep to, or burst or size where it knows none, and all
 * stays as it was; others: the kernel refuses. Enters the kernel. Any thread, but one at a time for a
 * queue.
 */
int daqiri_txq_set_pacing(struct daqiri_txq *q, uint32_t mbps, uint32_t burst, uint32_t size);

/*
 * Counters by name, each with "tx_q0_" (of queue 0) before it: packets and bytes posted; completed,
 * packets; errors, error completions; full, posts that were cut short because the ring was full;
 * resets; reset_drops, packets that a reset found posted and not completed. Posted packets are
 * completed, dropped by a reset or outstanding. As daqiri_port_stats(). Any thread.
 */
int daqiri_txq_stats(const struct daqiri_txq *q, struct daqiri_stat *stats, int max);

/*
 * Has a queue begin anew, after an error has stopped it or at any other time: all its slots are
 * free, and daqiri_tx_reserve() shows the first one next. Packets that were posted and not
 * completed are dropped, sent or not, and their memory is the program's again:
 * daqiri_tx_completed() counts them as done, the statistics as reset_drops. daqiri_txq_error() has
 * forgotten the error then; no other thread may ask it meanwhile. flags: 0 or
 * DAQIRI_RESET_INVALIDATE. Enters the kernel; other queues are not touched. -EBUSY: the queue
 * works, packets are outstanding, and flags do not say to drop them; -EINVAL: a NULL, or an unknown
 * flag; -EIO: the device is gone; -EOPNOTSUPP: a queue in worker mode; others: the kernel refuses.
 * The queue's thread.
 */
int daqiri_txq_reset(struct daqiri_txq *q, unsigned flags);

/* As daqiri_rxq_error(). Any thread. */
int daqiri_txq_error(const struct daqiri_txq *q, struct daqiri_queue_error *err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device: one ibv_context with one protection domain, shared by all ports, regions and queues on
 * it. Either opened here, or the program's own (attached), which is used and never closed.
 */
#ifndef DQ_DEVICE_H
#define DQ_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <infiniband/verbs.h>

#include <daqiri.h>

/* struct mlx5dv_striding_rq_caps: logarithms of bytes, and of strides in a WQE. */
struct dq_caps_striding {
	bool raw_packet; /* there are striding receive queues for raw packets */
	uint8_t log_stride_min, log_stride_max;
	uint8_t log_strides_min, log_strides_max;
};

struct dq_caps {
	bool empw;		 /* enhanced multi-packet WQEs */
	bool firmware;		 /* what it tells was read, by DevX */
	bool parse_graph;	 /* its parser is programmable; false without DevX */
	bool wait_on_time;	 /* send queues wait for a time; false without DevX */
	bool vlan_insert;	 /* VLAN tags of frames that are sent; false without DevX */
	bool tx_checksum;	 /* checksums of frames that are sent, where asked for */
	bool real_time;		 /* time stamps may be of the real time */
	bool vlan_strip;	 /* a receive queue may take a VLAN tag out */
	uint32_t empw_ptrs;	 /* pointers in one of them */
	uint32_t min_inline;	 /* bytes of each frame that a send WQE must carry: 0 or 18 */
	uint32_t max_wr;	 /* entries of a work queue */
	uint32_t max_ind_table;	 /* entries of an RSS indirection table */
	uint64_t rx_hash_fields; /* enum ibv_rx_hash_fields */
	uint32_t max_tso;	 /* bytes of a packet that send queues cut; 0: they cut none */
	uint32_t pacing_min_kbps, pacing_max_kbps; /* of a send queue; 0, 0: not told */
	uint64_t max_mr_size;	 /* bytes of one registration; 0: not told */
	uint32_t mini_cqes;	 /* enum mlx5dv_cqe_comp_res_format, or-ed: compressed completions */
	struct dq_caps_striding striding;
};

struct dq_device {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	bool owned; /* opened, and to be closed, by us */
	bool dead;  /* atomic; the device is gone: EIO on destroy is success */
	enum daqiri_log_level log;
	struct dq_caps caps;
	struct daqiri_port_info info; /* what all its ports share; for messages */
	struct dq_device *next;
};

/* Opens a device, with DevX where it is granted. */
int dq_device_open(struct dq_device **out, struct ibv_device *ibdev, enum daqiri_log_level log);

/* Wraps the program's context and protection domain. */
int dq_device_attach(struct dq_device **out, struct ibv_context *ctx, struct ibv_pd *pd,
		     enum daqiri_log_level log);

void dq_device_destroy(struct dq_device *dev);

bool dq_device_is_dead(const struct dq_device *dev);
/* Whether that was news. */
bool dq_device_set_dead(struct dq_device *dev);

/*
 * What daqiri_rxq_error() and daqiri_txq_error() return: first is the queue's first error, NULL
 * where it met none. A queue of a device that is gone has an error whether it noticed or not.
 */
int dq_device_queue_error(const struct dq_device *dev, const struct daqiri_queue_error *first,
			  struct daqiri_queue_error *out);

/*
 * To be told the result of each verbs destroy call (0, an errno, or -1 with errno set): what it
 * means. Logs failures other than those of a device that is gone.
 */
void dq_device_destroyed(struct dq_device *dev, const char *what, int ret);

#endif

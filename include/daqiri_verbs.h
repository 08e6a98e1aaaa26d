/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libdaqiri for programs that have verbs objects of their own: build ports and queues on an
 * ibv_context and ibv_pd that the program opened, and get at the verbs objects behind ours.
 *
 * Nothing that is handed out here may be destroyed, modified or polled by the program; it lives as
 * long as the object that it belongs to.
 */
#ifndef DAQIRI_VERBS_H
#define DAQIRI_VERBS_H

#include <daqiri.h>
#include <infiniband/verbs.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What follows is what the library exports, also where it is built with all else hidden. */
#pragma GCC visibility push(default)

/* One port of the configuration, and the program's objects that it is to be built on. */
struct daqiri_attach_port {
	size_t size;                 /* set by the caller: sizeof(struct daqiri_attach_port) */
	const char *name;            /* the NAME of [port NAME]; its address key is not needed */
	struct ibv_context *context; /* of an mlx5 device; need not have been opened with DevX */
	struct ibv_pd *pd;           /* of that context */
	unsigned port_num;           /* from 1 */
};

/*
 * As daqiri_open_config(), on the program's own contexts and protection domains for the n ports
 * named in ports; other ports are opened by their address. The program keeps its objects alive
 * until daqiri_close(), which closes only what the library opened. The program keeps reading the
 * asynchronous events of its contexts. -EINVAL: a name that the configuration does not have, a
 * context that is no mlx5 device. Any thread.
 */
int daqiri_attach(struct daqiri **out, const struct daqiri_config *cfg,
		  const struct daqiri_attach_port *ports, unsigned n);

/* The verbs objects behind ports, regions and queues; NULL where there is none. Any thread. */
struct ibv_context *daqiri_port_ibv_context(const struct daqiri_port *port);
struct ibv_pd *daqiri_port_ibv_pd(const struct daqiri_port *port);
struct ibv_mr *daqiri_region_ibv_mr(const struct daqiri_region *region,
				    const struct daqiri_port *port);
struct ibv_wq *daqiri_rxq_ibv_wq(const struct daqiri_rxq *q);
struct ibv_cq *daqiri_rxq_ibv_cq(const struct daqiri_rxq *q);
struct ibv_qp *daqiri_txq_ibv_qp(const struct daqiri_txq *q);
struct ibv_cq *daqiri_txq_ibv_cq(const struct daqiri_txq *q);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif

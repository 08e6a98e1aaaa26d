/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_FACTS_H
#define TUNE_FACTS_H

#include <jansson.h>

#include "root.h"

/*
 * What is no file: the answers of NVML, CUDA, the network's ioctls and netlink, the RDMA devices.
 * One JSON object, which a snapshot keeps as facts.json: reading is the same either way.
 */

/* Asks this machine. NULL: no memory. */
json_t *tune_facts_gather(const struct tune_root *root);

/*
 * Of a snapshot. An empty object where there is no facts.json; NULL: it is not JSON (err says
 * where) or larger than 1 MiB.
 */
json_t *tune_facts_load(const struct tune_root *root, char err[256]);

/* Parts of gathering; each may return NULL where it finds nothing. */
json_t *tune_gather_nvml(void);
json_t *tune_gather_cuda(void);
json_t *tune_gather_net(const struct tune_root *root);
json_t *tune_gather_rdma(void);
json_t *tune_gather_rdma_core(void);

#endif

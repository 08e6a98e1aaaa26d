/* SPDX-License-Identifier: Apache-2.0 */
/* The actions that take a tunnel's header off, and put it on. */
#ifndef DQ_FLOW_REFORMAT_H
#define DQ_FLOW_REFORMAT_H

#include <stddef.h>
#include <stdint.h>

#include <infiniband/verbs.h>

#include "config_model.h"
#include "device.h"

/* where: of the flow, for messages. The rules must go before the action does. */
int dq_flow_decap_create(struct ibv_flow_action **out, struct dq_device *dev,
			 const struct dq_conf_tunnel *tunnel, const char *where);
int dq_flow_encap_create(struct ibv_flow_action **out, struct dq_device *dev,
			 const struct dq_conf_tunnel *tunnel, const char *where);
/* NULL does nothing. */
void dq_flow_reformat_destroy(struct ibv_flow_action *action, struct dq_device *dev);

enum { DQ_ENCAP_BYTES = 64 };

/* The header that encap puts in front of frames, GRE in place of their Ethernet header. Its bytes.
 */
size_t dq_encap_header(uint8_t out[DQ_ENCAP_BYTES], const struct dq_conf_tunnel *tunnel);

#endif

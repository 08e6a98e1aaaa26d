/* SPDX-License-Identifier: Apache-2.0 */
/* The action that takes a tunnel's header off. */
#ifndef DQ_FLOW_DECAP_H
#define DQ_FLOW_DECAP_H

#include <infiniband/verbs.h>

#include "config_model.h"
#include "device.h"

/* where: of the flow, for messages. The rules must go before the action does. */
int dq_flow_decap_create(struct ibv_flow_action **out, struct dq_device *dev,
			 const struct dq_conf_tunnel *tunnel, const char *where);
void dq_flow_decap_destroy(struct ibv_flow_action *action, struct dq_device *dev);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DQ_CAPS_H
#define DQ_CAPS_H

#include "device.h"

/* Fills dev->caps. -EOPNOTSUPP: a device on which raw packets cannot work. */
int dq_caps_query(struct dq_device *dev);

#endif

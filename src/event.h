/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DQ_EVENT_H
#define DQ_EVENT_H

#include <daqiri.h>

/* Takes and drops all pending events, but for what they tell of the devices. */
void dq_events_drain(struct daqiri *dq);

/* What daqiri_event_fd() has opened. */
void dq_events_close(struct daqiri *dq);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format of a queue's time stamps follows the flags of its completion queue (libmlx5's
 * create_cq(), the kernel's get_rq_ts_format()): WALLCLOCK alone, where the context can have it,
 * gives the real time; COMPLETION_TIMESTAMP the free-running counter. What the firmware does not
 * have is refused with EOPNOTSUPP, as late as with the work queue.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "device_clock.h"
#include "error.h"
#include "rxq_clock.h"

static bool is_timed(const struct daqiri_rxq *q)
{
	return q->conf->metadata & DAQIRI_META_TIMESTAMP;
}

static int refuse_real(const struct daqiri_rxq *q)
{
#if HAVE_DECL_MLX5DV_CONTEXT_FLAGS_REAL_TIME_TS
	return dq_error(EOPNOTSUPP,
			"%s clock=real: %s, or its kernel driver, has no time stamps of the real "
			"time: set clock=auto, or have the firmware make them (mlxconfig set "
			"REAL_TIME_CLOCK_ENABLE=1, and a reset of the device)",
			q->conf->where, q->port->dev->info.rdma);
#else
	return dq_error(EOPNOTSUPP,
			"%s clock=real: libdaqiri was built with an rdma-core that knows no time "
			"stamps of the real time: set clock=auto",
			q->conf->where);
#endif
}

static int refuse_free(const struct daqiri_rxq *q)
{
	return dq_error(EOPNOTSUPP,
			"%s clock=%s: %s has no time stamps of a free-running clock, only of the "
			"real time: %s",
			q->conf->where, q->conf->clock == DQ_CLOCK_FREE ? "free" : "auto",
			q->port->dev->info.rdma,
			q->port->dev->caps.real_time
				? "set clock=auto"
				: "these take a newer rdma-core, or kernel driver");
}

/* The counter's stamps say nothing without the kernel's word. */
static int open_clock(struct daqiri_rxq *q)
{
	int ret;

	q->clock = calloc(1, sizeof(*q->clock));
	if (!q->clock)
		return dq_error(ENOMEM, "%s: out of memory", q->conf->where);
	ret = dq_clock_init(q->clock, mlx5dv_get_clock_info, q->port->dev->ctx);
	if (!ret)
		return 0;
	return dq_error(-ret,
			"%s metadata=timestamp: the kernel does not tell what the counter of %s "
			"means (clock info page): %s",
			q->conf->where, q->port->dev->info.rdma, strerror(-ret));
}

static int make_free(struct daqiri_rxq *q, int (*make_rings)(struct daqiri_rxq *q))
{
	int ret;

	q->cq.wc_flags = IBV_WC_EX_WITH_COMPLETION_TIMESTAMP;
	ret = make_rings(q);
	if (ret == -EOPNOTSUPP)
		return refuse_free(q);
	return ret ? ret : open_clock(q);
}

static int make(struct daqiri_rxq *q, int (*make_rings)(struct daqiri_rxq *q))
{
	int ret;

	if (q->conf->clock == DQ_CLOCK_FREE)
		return make_free(q, make_rings);
	if (!q->port->dev->caps.real_time)
		return q->conf->clock == DQ_CLOCK_REAL ? refuse_real(q) : make_free(q, make_rings);
	q->cq.wc_flags = IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK;
	ret = make_rings(q);
	if (ret != -EOPNOTSUPP)
		return ret;
	return q->conf->clock == DQ_CLOCK_REAL ? refuse_real(q) : make_free(q, make_rings);
}

int dq_rx_clock_choose(struct daqiri_rxq *q, int (*make_rings)(struct daqiri_rxq *q))
{
	int ret;

	if (!is_timed(q))
		return make_rings(q);
	ret = make(q, make_rings);
	if (!ret)
		dq_rx_choose_tell(q);
	return ret;
}

void dq_rx_clock_free(struct daqiri_rxq *q)
{
	free(q->clock);
}

const char *dq_rx_clock_name(const struct daqiri_rxq *q)
{
	return !is_timed(q) ? NULL : q->clock ? "free" : "real";
}

const char *dq_rx_clock_why(const struct daqiri_rxq *q)
{
	if (!is_timed(q))
		return NULL;
	if (q->conf->clock != DQ_CLOCK_AUTO)
		return "asked for";
	if (!q->clock)
		return "the device has it";
	return q->port->dev->caps.real_time ? "the device refuses real-time stamps"
					    : "the device has no real-time stamps";
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rate that a send queue keeps to. The NIC does it; what was asked for is remembered here,
 * since a QP cannot be asked, and forgets it when it is reset.
 */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "txq.h"
#include "worker.h"

/* A burst, or a size, is told only by trying: no capability speaks of them. */
static int explain(const struct daqiri_txq *q, const struct dq_pacing *want, int err)
{
	const struct dq_device *dev = q->port->dev;

	if (err == EINVAL && (want->burst || want->size))
		return dq_error(err,
				"%s pacing_burst=%u, pacing_size=%u: %s takes none of these: use 0",
				q->conf->where, want->burst, want->size, dev->info.rdma);
	return dq_error(err, "%s pacing_mbps=%u: refused by %s%s: %s", q->conf->where, want->mbps,
			dev->info.rdma,
			dev->caps.pacing_max_kbps ? "" : ", which reports no packet pacing",
			strerror(err));
}

static int check(const struct daqiri_txq *q, const struct dq_pacing *want)
{
	const struct dq_device *dev = q->port->dev;
	const struct dq_caps *caps = &dev->caps;
	uint64_t kbps = (uint64_t)want->mbps * 1000;

	if (!want->mbps && (want->burst || want->size))
		return dq_error(EINVAL,
				"%s pacing_burst=%u, pacing_size=%u: there is no rate that they "
				"would be of: set pacing_mbps",
				q->conf->where, want->burst, want->size);
	if (kbps > UINT32_MAX || (want->mbps && caps->pacing_max_kbps &&
				  (kbps < caps->pacing_min_kbps || kbps > caps->pacing_max_kbps)))
		return dq_error(EINVAL, "%s pacing_mbps=%u: %s paces from %u to %u kb/s",
				q->conf->where, want->mbps, dev->info.rdma, caps->pacing_min_kbps,
				caps->pacing_max_kbps);
	return 0;
}

static int apply(struct daqiri_txq *q, const struct dq_pacing *want)
{
	struct ibv_qp_rate_limit_attr attr = {.rate_limit = want->mbps * 1000,
					      .max_burst_sz = want->burst,
					      .typical_pkt_sz = (uint16_t)want->size};
	int err = ibv_modify_qp_rate_limit(q->qp, &attr);

	return err ? explain(q, want, err < 0 ? EIO : err) : 0;
}

int dq_txq_check_pacing(struct daqiri_txq *q)
{
	q->pacing = q->conf->pacing;
	return check(q, &q->pacing);
}

int dq_txq_pace(struct daqiri_txq *q)
{
	return q->pacing.mbps ? apply(q, &q->pacing) : 0;
}

struct dq_pacing dq_txq_pacing(const struct daqiri_txq *q)
{
	const struct dq_pacing *p = &dq_txq_real(q)->pacing;

	return (struct dq_pacing){.mbps = __atomic_load_n(&p->mbps, __ATOMIC_RELAXED),
				  .burst = __atomic_load_n(&p->burst, __ATOMIC_RELAXED),
				  .size = __atomic_load_n(&p->size, __ATOMIC_RELAXED)};
}

int daqiri_txq_set_pacing(struct daqiri_txq *q, uint32_t mbps, uint32_t burst, uint32_t size)
{
	const struct dq_pacing want = {.mbps = mbps, .burst = burst, .size = size};
	struct daqiri_txq *real;
	int ret;

	if (!q)
		return dq_error(EINVAL, "daqiri_txq_set_pacing: NULL queue");
	real = q->hand ? q->hand->real : q;
	if (size > UINT16_MAX)
		return dq_error(EINVAL, "%s pacing_size=%u: must be 0..65535", q->conf->where,
				size);
	ret = check(real, &want);
	if (!ret)
		ret = apply(real, &want);
	if (ret)
		return ret;
	__atomic_store_n(&real->pacing.mbps, mbps, __ATOMIC_RELAXED);
	__atomic_store_n(&real->pacing.burst, burst, __ATOMIC_RELAXED);
	__atomic_store_n(&real->pacing.size, size, __ATOMIC_RELAXED);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of --selftest: striding receive queues, where one WQE takes many frames. */
#include "st.h"

#define WRAPS 4u /* of the ring */

static void expect(struct st *st, struct st_mpw *m, const struct st_frame *f)
{
	struct st_cqe cqe;

	while (st_good(st)) {
		if (!st_cq_poll(st, &m->rx.cq, &cqe, ST_WAIT_MS))
			st_fail(st, "a frame of %u bytes did not arrive", f->len);
		else if (st_mpw_take(st, m, &cqe, f))
			return;
	}
}

/* Until the ring has gone round: how many frames that takes depends on the strides of a WQE. */
static void striding(struct st *st)
{
	struct st_mpw m = {.wqe = 0};
	struct st_frame f;
	struct st_rule r;
	struct st_sq sq;

	if (!st_mpw_shape(st, &m))
		return;
	st_sq_open(st, st->a, &sq, 64);
	st_mpw_open(st, &m, 0);
	st_rule(&r, 2);
	st_rule_eth(&r, st->b->info.mac, ST_TYPE);
	st_flow(st, m.rx.qp, &r);
	for (unsigned i = 0; m.wqe < WRAPS * ST_MPW_WQES && st_good(st); i++) {
		st_plain(st, &f, 60 + i * 97 % 1455, i);
		st_send(&sq, i, &f);
		st_sq_wait(st, &sq);
		expect(st, &m, &f);
	}
	st_need(st, m.fillers, "no WQE ended with strides left");
}

static const struct st_check checks[] = {
	{"rx.striding", "one WQE takes many frames, each stride of it is told", striding},
};

const struct st_group st_group_striding = {checks, sizeof(checks) / sizeof(checks[0])};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous events. No emulated port flaps by itself, so what libibverbs would read is put in
 * its place by the linker (--wrap), and so is what destroying says on a device that is gone.
 */
#include <errno.h>
#include <stdio.h>

#include <infiniband/verbs.h>

#include <daqiri_verbs.h>

#include "dq_kit.h"

static struct ibv_async_event pending[8];
static int n_pending, n_taken, n_acked, destroy_result, read_error = EAGAIN;
static struct ibv_context *only; /* the context that the events are of */

int __wrap_ibv_get_async_event(struct ibv_context *ctx, struct ibv_async_event *event);
void __wrap_ibv_ack_async_event(struct ibv_async_event *event);
int __real_ibv_destroy_qp(struct ibv_qp *qp);
int __wrap_ibv_destroy_qp(struct ibv_qp *qp);

int __wrap_ibv_get_async_event(struct ibv_context *ctx, struct ibv_async_event *event)
{
	if (n_taken == n_pending || (only && ctx != only)) {
		errno = read_error;
		return -1;
	}
	*event = pending[n_taken++];
	return 0;
}

void __wrap_ibv_ack_async_event(struct ibv_async_event *event)
{
	(void)event;
	n_acked++;
}

int __wrap_ibv_destroy_qp(struct ibv_qp *qp)
{
	int ret = __real_ibv_destroy_qp(qp);

	return destroy_result ? destroy_result : ret;
}

static void add_port_event(enum ibv_event_type type, int port_num)
{
	pending[n_pending].event_type = type;
	pending[n_pending++].element.port_num = port_num;
}

static struct daqiri_event expect_event(struct daqiri *dq)
{
	struct daqiri_event ev = {.size = sizeof(ev)};

	cr_assert_eq(daqiri_event_get(dq, &ev), 1);
	cr_assert_eq(n_acked, n_taken, "every event is acknowledged");
	cr_assert_eq(ev.size, sizeof(ev));
	return ev;
}

static void expect_none(struct daqiri *dq)
{
	struct daqiri_event ev = {.size = sizeof(ev)};

	cr_assert_eq(daqiri_event_get(dq, &ev), 0);
}

Test(event, link_changes_name_their_port_and_are_told_once)
{
	struct daqiri *dq = kit_open_text(ONE_WAY("64"));
	struct daqiri_port *b = daqiri_port_find(dq, "b");
	struct daqiri_event ev;

	only = daqiri_port_ibv_context(b);
	add_port_event(IBV_EVENT_PORT_ACTIVE, 1);
	add_port_event(IBV_EVENT_PORT_ERR, 1);
	add_port_event(IBV_EVENT_PORT_ERR, 1);
	add_port_event(IBV_EVENT_PORT_ACTIVE, 2);
	add_port_event(IBV_EVENT_PORT_ACTIVE, 1);
	add_port_event(IBV_EVENT_PORT_ACTIVE, 1);
	ev = expect_event(dq);
	cr_assert(ev.type == DAQIRI_EVENT_LINK_DOWN && ev.port == b);
	cr_assert_eq(ev.code, IBV_EVENT_PORT_ERR);
	ev = expect_event(dq);
	cr_assert(ev.type == DAQIRI_EVENT_LINK_UP && ev.port == b);
	expect_none(dq);
	cr_assert_eq(n_taken, 6, "what is told twice, or is not ours, is taken away");
	cr_assert_eq(n_acked, 6);
	daqiri_close(dq);
}

Test(event, queue_errors_name_their_queue_and_are_told_once)
{
	struct daqiri *dq = kit_open_text(ONE_WAY("64"));
	struct daqiri_port *a = daqiri_port_find(dq, "a"), *b = daqiri_port_find(dq, "b");
	struct daqiri_txq *tx = daqiri_txq_get(a, 0);
	struct daqiri_rxq *rx = daqiri_rxq_get(b, 0);
	struct daqiri_event ev;

	pending[0].event_type = IBV_EVENT_QP_FATAL;
	pending[0].element.qp = daqiri_txq_ibv_qp(tx);
	pending[1].event_type = IBV_EVENT_WQ_FATAL;
	pending[1].element.wq = daqiri_rxq_ibv_wq(rx);
	pending[2].event_type = IBV_EVENT_CQ_ERR;
	pending[2].element.cq = daqiri_rxq_ibv_cq(rx);
	pending[3].event_type = IBV_EVENT_QP_FATAL;
	pending[3].element.qp = (struct ibv_qp *)8; /* gone: compared, never followed */
	pending[4].event_type = IBV_EVENT_GID_CHANGE;
	n_pending = 5;
	ev = expect_event(dq);
	cr_assert(ev.type == DAQIRI_EVENT_QUEUE_ERROR && ev.port == a);
	cr_assert(ev.txq == tx && !ev.rxq);
	ev = expect_event(dq);
	cr_assert(ev.type == DAQIRI_EVENT_QUEUE_ERROR && ev.port == b);
	cr_assert(ev.rxq == rx && !ev.txq && ev.code == IBV_EVENT_WQ_FATAL);
	ev = expect_event(dq);
	cr_assert_eq(ev.type, DAQIRI_EVENT_OTHER);
	expect_none(dq);
	daqiri_close(dq);
}

static int n_errors_logged;

static void count_errors(void *arg, enum daqiri_log_level level, const char *text)
{
	(void)arg;
	(void)text;
	n_errors_logged += level == DAQIRI_LOG_ERROR;
}

/* Whether or not the program read the event, EIO then means that it is done. */
static void close_with_eio(bool fatal, bool read_it)
{
	struct daqiri *dq = kit_open_text(ONE_WAY("64"));
	struct daqiri_port *a = daqiri_port_find(dq, "a");

	daqiri_log_set(count_errors, NULL);
	n_errors_logged = n_pending = n_taken = 0;
	n_acked = 0;
	only = NULL;
	for (int i = 0; fatal && i < 2; i++) {
		only = daqiri_port_ibv_context(i ? daqiri_port_find(dq, "b") : a);
		add_port_event(IBV_EVENT_DEVICE_FATAL, 0);
		if (read_it)
			cr_assert_eq(expect_event(dq).type, DAQIRI_EVENT_DEVICE_FATAL);
	}
	if (!read_it)
		only = NULL;
	destroy_result = EIO;
	daqiri_close(dq);
	destroy_result = 0;
}

Test(event, errors_of_destroying_are_logged)
{
	close_with_eio(false, false);
	cr_assert_gt(n_errors_logged, 0);
}

Test(event, a_device_that_is_gone_is_closed_without_a_word)
{
	close_with_eio(true, true);
	cr_assert_eq(n_errors_logged, 0);
}

Test(event, a_broken_event_channel_is_an_error)
{
	struct daqiri *dq = kit_open_text(ONE_WAY("64"));
	struct daqiri_event ev = {.size = sizeof(ev)};

	read_error = EBADF;
	cr_assert_eq(daqiri_event_get(dq, &ev), -EBADF);
	read_error = EAGAIN;
	daqiri_close(dq);
}

Test(event, a_queue_that_met_no_error_tells_that_its_device_is_gone)
{
	struct daqiri *dq = kit_open_text(ONE_WAY("64"));
	struct daqiri_txq *tx = daqiri_txq_get(daqiri_port_find(dq, "a"), 0);
	struct daqiri_rxq *rx = daqiri_rxq_get(daqiri_port_find(dq, "b"), 0);
	struct daqiri_queue_error err = {.size = sizeof(err)};

	cr_assert_eq(daqiri_txq_error(tx, &err), 0);
	cr_assert_eq(daqiri_rxq_error(rx, &err), 0);
	for (int i = 0; i < 2; i++) {
		only = daqiri_port_ibv_context(daqiri_port_find(dq, i ? "b" : "a"));
		add_port_event(IBV_EVENT_DEVICE_FATAL, 0);
		cr_assert_eq(expect_event(dq).type, DAQIRI_EVENT_DEVICE_FATAL);
	}
	cr_assert_eq(daqiri_txq_error(tx, &err), 1);
	cr_assert(err.rebuild == DAQIRI_REBUILD_DEVICE && !err.errors && !err.syndrome);
	err.rebuild = DAQIRI_REBUILD_NONE;
	cr_assert_eq(daqiri_rxq_error(rx, &err), 1);
	cr_assert(err.rebuild == DAQIRI_REBUILD_DEVICE && !err.errors && !err.syndrome);
	cr_assert_str_eq(err.text, "none: the device is gone");
	daqiri_close(dq);
}

Test(event, queues_of_a_dead_device_say_so)
{
	struct daqiri *dq = kit_open_text(ONE_WAY("64"));
	struct daqiri_txq *tx = daqiri_txq_get(daqiri_port_find(dq, "a"), 0);
	struct daqiri_queue_error err = {.size = sizeof(err)};
	struct daqiri_pkt pkt;

	cr_assert_eq(daqiri_tx_reserve(tx, &pkt, 1), 1);
	pkt.len = 60;
	pkt.key = daqiri_key_from_lkey(0xdead00);
	cr_assert_eq(daqiri_tx_post(tx, &pkt, 1), 1);
	cr_assert_eq(kit_wait_error(tx).rebuild, DAQIRI_REBUILD_QUEUE);
	only = daqiri_port_ibv_context(daqiri_port_find(dq, "a"));
	add_port_event(IBV_EVENT_DEVICE_FATAL, 0);
	cr_assert_eq(expect_event(dq).type, DAQIRI_EVENT_DEVICE_FATAL);
	cr_assert_eq(daqiri_txq_error(tx, &err), 1);
	cr_assert_eq(err.rebuild, DAQIRI_REBUILD_DEVICE);
	daqiri_close(dq);
}

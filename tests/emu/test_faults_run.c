/* SPDX-License-Identifier: Apache-2.0 */
/* Calls on an open context that can fail: told with what it was about, and nothing else changes. */
#include <errno.h>

#include "faults_kit.h"

/* The n-th call of a kind fails, until there are no more; some are done without. */
static void each_call(enum fault_kind kind, int err, int (*call)(struct link *l), struct link *l)
{
	struct fault fault = {.kind = kind, .nth = 1, .err = err};
	struct fault_stock before = fault_stock();
	long failed = 0;
	int ret;

	for (;; fault.nth++) {
		fault_arm(&fault);
		ret = call(l);
		fault_arm(NULL);
		if (fault.seen < fault.nth)
			break;
		cr_assert(ret >= 0 || fault_names_object(daqiri_error_detail()), "%s: %s",
			  fault.name, daqiri_error_detail());
		/* libmlx5 does not tell why that one failed. */
		cr_assert(ret >= 0 || ret == -err || !strcmp(fault.name, "mlx5dv_init_obj"),
			  "%s: %d", fault.name, ret);
		failed += ret < 0;
		fault_check_stock(&before, fault.name);
	}
	cr_assert_geq(ret, 0, "%s", daqiri_error_detail());
	cr_assert_gt(failed, 0);
}

static void fail_each(int (*call)(struct link *l), struct link *l)
{
	struct fault fault = {.kind = FAULT_VERBS, .err = EDQUOT};

	do {
		fault.nth++;
		fault_arm(&fault);
		call(l);
		fault_arm(NULL);
	} while (fault.seen >= fault.nth);
}

static int port_info(struct link *l)
{
	struct daqiri_port_info info = {.size = sizeof(info), .mtu = 7};
	int ret = daqiri_port_info(l->b, &info);

	cr_assert(ret ? info.mtu == 7 && !info.rdma[0] : info.rdma[0], "an output was written");
	return ret;
}

static int ignore(void *arg, const struct daqiri_port_info *info)
{
	(void)info;
	++*(int *)arg;
	return 0;
}

/* A port that cannot be opened is shown all the same. */
static int port_each(struct link *l)
{
	int n = 0, ret = daqiri_port_each(ignore, &n);

	(void)l;
	cr_assert_eq(n, ret ? 0 : 2);
	return ret;
}

static int event_get(struct link *l)
{
	struct daqiri_event ev = {.size = sizeof(ev), .code = 7};
	int ret = daqiri_event_get(l->dq, &ev);

	cr_assert(ret > 0 || ev.code == 7, "an output was written");
	return ret;
}

Test(faults_run, port_information_that_cannot_be_had)
{
	struct link l = kit_open_link(ONE_WAY("64"));

	each_call(FAULT_VERBS, EDQUOT, port_info, &l);
	each_call(FAULT_IOCTL, EIO, port_info, &l);
	daqiri_close(l.dq);
}

Test(faults_run, ports_that_cannot_be_listed)
{
	struct link l = kit_open_link(ONE_WAY("64"));

	port_each(&l);
	each_call(FAULT_ALLOC, ENOMEM, port_each, &l);
	each_call(FAULT_VERBS, EDQUOT, port_each, &l);
	daqiri_close(l.dq);
}

Test(faults_run, events_that_cannot_be_read)
{
	struct link l = kit_open_link(ONE_WAY("64"));

	each_call(FAULT_VERBS, EDQUOT, event_get, &l);
	daqiri_close(l.dq);
}

/* Counters that cannot be read now are 0; those that the library keeps are there. */
Test(faults_run, counters_that_cannot_be_read)
{
	struct fault fault = {.kind = FAULT_FILE, .nth = 1, .err = EMFILE, .lasting = true};
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct fault_stock before;
	int n;

	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	n = daqiri_port_stats(l.b, NULL, 0);
	before = fault_stock();
	fault_arm(&fault);
	cr_assert_eq(kit_port_stat(l.b, "rx_packets"), 10u);
	cr_assert_eq(daqiri_port_stats(l.b, NULL, 0), n);
	fault_arm(NULL);
	cr_assert_gt(fault.seen, 0);
	fault_check_stock(&before, "counters");
	daqiri_close(l.dq);
}

/* All of it is added, or none; what is there goes on. */
static int add_and_destroy(struct link *l)
{
	static const char text[] = "[region more]\nkind = host\nnum_bufs = 128\nbuf_size = 2048\n"
				   "[rxq b 1]\nregions = more\n[txq a 1]\nkind = host\n"
				   "num_bufs = 64\nbuf_size = 64\nmode = worker\ncpu_core = 0\n"
				   "[txq a 2]\nmode = worker\ncpu_core = 0\n";
	struct daqiri_config *cfg = NULL;
	int ret = daqiri_config_parse(&cfg, text, sizeof(text) - 1, "more.ini");

	if (ret)
		return ret;
	ret = daqiri_add(l->dq, cfg);
	fault_arm(NULL);
	daqiri_config_destroy(cfg);
	cr_assert_eq(!ret, daqiri_rxq_get(l->b, 1) != NULL);
	cr_assert_eq(!ret, daqiri_region_find(l->dq, "more") != NULL);
	cr_assert_eq(daqiri_rxq_destroy(l->dq, daqiri_rxq_get(l->b, 1)), 0);
	for (unsigned i = 1; i <= 2; i++)
		cr_assert_eq(daqiri_txq_destroy(l->dq, daqiri_txq_get(l->a, i)), 0);
	cr_assert_eq(daqiri_region_destroy(l->dq, daqiri_region_find(l->dq, "more")), 0);
	return ret;
}

Test(faults_run, queues_that_cannot_be_added)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.n = 30, .min = 60, .max = 60, .dst = MAC_B};

	/* libmlx5 keeps doorbell pages for the next queue, after failures those of others, too. */
	fail_each(add_and_destroy, &l);
	each_call(FAULT_ALLOC, ENOMEM, add_and_destroy, &l);
	each_call(FAULT_VERBS, EDQUOT, add_and_destroy, &l);
	each_call(FAULT_IOCTL, EDQUOT, add_and_destroy, &l);
	each_call(FAULT_MMAP, ENOMEM, add_and_destroy, &l);
	kit_send(l.tx, &burst);
	kit_expect(l.rx, &burst);
	daqiri_close(l.dq);
}

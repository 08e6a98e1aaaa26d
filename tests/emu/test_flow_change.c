/* SPDX-License-Identifier: Apache-2.0 */
/* Flows added and removed at run time. */
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../frames.h"
#include "dq_kit.h"

/* Frames that no flow takes are the kernel's. */
#define NO_FLOWS                                                                                   \
	"[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"                             \
	"[region tx]\nkind = host\nnum_bufs = 512\nbuf_size = 2048\n"                              \
	"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"                           \
	"[txq a 0]\nregions = tx\ndepth = 512\n[rxq b 0-3]\nregions = rx\ndepth = 256\n"

static void add(struct daqiri_port *port, const char *name, const char *keys)
{
	cr_assert_eq(daqiri_flow_add(port, name, keys), 0, "%s", daqiri_error_detail());
}

static void drop(struct daqiri_port *port, const char *name)
{
	cr_assert_eq(daqiri_flow_remove(port, name), 0, "%s", daqiri_error_detail());
}

/* Where the frames of dst go: the queue that gets them all; -1: the kernel. */
static int where(struct link *l, const char *dst)
{
	struct kit_burst burst = {.n = 5, .min = 60, .max = 60, .dst = dst};
	uint64_t kernel = kit_port_stat(l->b, "net_rx_packets");
	int64_t deadline = kit_deadline();
	struct daqiri_pkt pkts[16];
	int got = 0, queue = -1;

	kit_send(l->tx, &burst);
	while (got < 5 && kit_port_stat(l->b, "net_rx_packets") < kernel + 5 &&
	       !kit_is_late(deadline)) {
		for (unsigned i = 0; i < 4; i++) {
			struct daqiri_rxq *q = daqiri_rxq_get(l->b, i);
			int n = daqiri_rx_poll(q, pkts, 16);

			daqiri_rx_release(q, n);
			cr_assert(!n || queue < 0 || queue == (int)i, "two queues have frames");
			queue = n ? (int)i : queue;
			got += n;
		}
	}
	cr_assert(got == 5 || (!got && kit_port_stat(l->b, "net_rx_packets") == kernel + 5),
		  "%d of 5", got);
	return queue;
}

#define DST "02:00:00:00:00:"

Test(flow_change, flows_come_and_go)
{
	struct link l = kit_open_link(NO_FLOWS);
	uint32_t first, second;

	cr_assert_eq(where(&l, DST "01"), -1);
	add(l.b, "one", "dst_mac = " DST "01\nqueue = 1\n");
	add(l.b, "two", "# as in a file\n\ndst_mac = " DST "02  ; so\nqueue = 2\ncount = on");
	cr_assert_eq(where(&l, DST "01"), 1);
	cr_assert_eq(where(&l, DST "02"), 2);
	cr_assert_eq(where(&l, DST "03"), -1);
	cr_assert_eq(daqiri_flow_id(l.b, "one", &first), 0);
	cr_assert_eq(daqiri_flow_id(l.b, "two", &second), 0);
	cr_assert(first && second && first != second);
	drop(l.b, "one");
	cr_assert_eq(where(&l, DST "01"), -1);
	cr_assert_eq(where(&l, DST "02"), 2);
	cr_assert_eq(daqiri_flow_id(l.b, "one", &first), -ENOENT);
	cr_assert_eq(daqiri_flow_remove(l.b, "one"), -ENOENT);
	assert_detail("no flow named one");
	add(l.b, "one", "dst_mac = " DST "01\nqueue = 3\n");
	cr_assert_eq(where(&l, DST "01"), 3);
	cr_assert_eq(daqiri_flow_id(l.b, "one", &second), 0);
	cr_assert_neq(first, second, "packets of the old flow may still be in a queue");
	daqiri_close(l.dq);
}

Test(flow_change, a_flow_of_the_configuration_can_go_too)
{
	struct link l = kit_open_link(ONE_WAY("256") "[rxq b 1-3]\nregions = rx\ndepth = 256\n");

	cr_assert_eq(where(&l, MAC_B), 0);
	drop(l.b, "all");
	cr_assert_eq(where(&l, MAC_B), -1);
	add(l.b, "all", "dst_mac = " MAC_B "\nqueue = 2\n");
	cr_assert_eq(where(&l, MAC_B), 2);
	daqiri_close(l.dq);
}

struct told {
	struct daqiri_flow_info info[8];
	uint32_t queues[8][4];
	unsigned n, most;
};

static int tell(void *arg, const struct daqiri_flow_info *info)
{
	static const char *const names[] = {"all", "narrow", "none", "spread", NULL};
	struct told *t = arg;
	unsigned i = 0;

	while (names[i] && strcmp(names[i], info->name))
		i++;
	cr_assert(names[i] && !t->info[i].size, "%s", info->name);
	t->info[i] = *info;
	memcpy(t->queues[i], info->queues, info->n_queues * sizeof(uint32_t));
	return ++t->n == t->most ? 17 : 0;
}

static int remove_it(void *arg, const struct daqiri_flow_info *info)
{
	drop(arg, info->name);
	return 0;
}

Test(flow_change, flows_are_told)
{
	struct link l = kit_open_link(ONE_WAY("256") "[rxq b 2-3]\nregions = rx\ndepth = 256\n");
	struct told t = {0};
	uint32_t id;

	add(l.b, "narrow", "dst_mac = " MAC_B "\nethertype = 0x0800\nudp_dst = 7\nqueue = 3\n");
	add(l.b, "none", "dst_mac = " DST "02\ndrop = on\ncount = on\ntag = 99\npriority = 13\n");
	add(l.b, "spread", "dst_mac = " DST "03\nqueue = 2,3\n");
	cr_assert_eq(daqiri_flow_each(l.b, tell, &t), 0);
	cr_assert_eq(t.n, 4);
	for (unsigned i = 0; i < 4; i++) {
		cr_expect_eq(t.info[i].size, sizeof(struct daqiri_flow_info));
		cr_expect_eq(t.info[i].count, i == 2);
		cr_expect_eq(t.info[i].drop, i == 2);
		cr_expect_eq(t.info[i].encap, 0);
		cr_expect_eq(t.info[i].n_queues, i == 2 ? 0u : i == 3 ? 2u : 1u);
	}
	cr_expect_eq(t.info[0].id, 77u);
	cr_expect_eq(t.info[2].id, 99u);
	cr_assert_eq(daqiri_flow_id(l.b, "spread", &id), 0);
	cr_expect_eq(t.info[3].id, id);
	cr_expect_lt(t.info[1].priority, t.info[0].priority);
	cr_expect_eq(t.info[2].priority, 13);
	cr_expect_eq(t.info[0].n_rules, 1u);
	cr_expect_gt(t.info[3].n_rules, 1u, "a rule for each class of packets");
	cr_expect_eq(t.queues[0][0], 0u);
	cr_expect_eq(t.queues[1][0], 3u);
	cr_expect(t.queues[3][0] == 2 && t.queues[3][1] == 3);
	t = (struct told){.most = 2};
	cr_assert_eq(daqiri_flow_each(l.b, tell, &t), 17);
	cr_assert_eq(t.n, 2);
	cr_assert_eq(daqiri_flow_each(l.b, remove_it, l.b), 0);
	t = (struct told){.most = 1};
	cr_assert_eq(daqiri_flow_each(l.b, tell, &t), 0);
	cr_assert_eq(daqiri_flow_each(NULL, tell, &t), -EINVAL);
	cr_assert_eq(daqiri_flow_each(l.b, NULL, &t), -EINVAL);
	daqiri_close(l.dq);
}

/* A wide flow first, then ever narrower ones: each has to come before those that are there. */
Test(flow_change, the_narrower_flow_wins_also_if_it_came_later)
{
	struct link l = kit_open_link(NO_FLOWS "[flow b wide]\nethertype = 0x88b5\nqueue = 0\n");
	struct kit_burst burst = {.n = 5, .min = 60, .max = 60, .dst = DST "01"};

	(void)burst;
	add(l.b, "mid", "dst_mac = " DST "01\nqueue = 1\n");
	cr_assert_eq(where(&l, DST "01"), 1);
	add(l.b, "narrow", "dst_mac = " DST "01\nethertype = 0x88b5\nqueue = 2\n");
	cr_assert_eq(where(&l, DST "01"), 2);
	add(l.b, "narrowest",
	    "dst_mac = " DST "01\nsrc_mac = " MAC_A "\nethertype = 0x88b5\nqueue = 3\n");
	cr_assert_eq(where(&l, DST "01"), 3);
	cr_assert_eq(where(&l, DST "02"), 0);
	drop(l.b, "narrow");
	cr_assert_eq(where(&l, DST "01"), 3);
	drop(l.b, "narrowest");
	cr_assert_eq(where(&l, DST "01"), 1);
	drop(l.b, "mid");
	cr_assert_eq(where(&l, DST "01"), 0);
	drop(l.b, "wide");
	cr_assert_eq(where(&l, DST "01"), -1);
	daqiri_close(l.dq);
}

/* ---- batches --------------------------------------------------------------------------------- */

Test(flow_change, a_batch_is_whole_or_nothing)
{
	struct link l = kit_open_link(NO_FLOWS "[flow b old]\ndst_mac = " DST "09\nqueue = 0\n");
	const struct daqiri_flow_text good[] = {
		{"one", "dst_mac = " DST "01\nqueue = 1\n"},
		{"two", "dst_mac = " DST "02\nqueue = 2,3\n"},
		{"three", "dst_mac = " DST "03\ndrop = on\ncount = on\n"},
	};
	static const char *const names[] = {"one", "two", "three"};
	static const char *const bad[][2] = {
		{"dst_mac = " DST "0g\nqueue = 1\n", "daqiri_flow_add:2: [flow b three] dst_mac="},
		{"dst_mac = " DST "04\nqueue = 9\n", "there is no [rxq b 9]"},
		{"dst_mac = " DST "04\n", "queue: missing"},
		{"dst_mac = " DST "01\nqueue = 3\n", "matches the same packets as"},
		{"dst_mac = " DST "09\nqueue = 3\n", "[flow b old]"},
		{"dst_mac = " DST "04\nqueue = 1\n[flow b x]\nudp_dst = 1\nqueue = 1\n", "lines"},
		{"dst_mac = " DST "04\nqeue = 1\n", "did you mean queue"},
		{"dst_mac = " DST "04\nqueue = 1\ntag = 5\npriority = 20\n", "priority=20"},
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct daqiri_flow_text flows[] = {good[0], good[1], {"three", bad[i][0]}};

		cr_assert_eq(daqiri_flow_add_batch(l.b, flows, 3), -EINVAL, "%s", bad[i][0]);
		assert_detail(bad[i][1]);
		for (int k = 0; k < 3; k++)
			cr_assert_eq(daqiri_flow_id(l.b, names[k], &(uint32_t){0}), -ENOENT);
	}
	cr_assert_eq(where(&l, DST "01"), -1);
	cr_assert_eq(daqiri_flow_add_batch(l.b, good, 3), 0, "%s", daqiri_error_detail());
	cr_assert_eq(where(&l, DST "01"), 1);
	cr_assert_eq(where(&l, DST "02"), 2);
	cr_assert_eq(daqiri_flow_remove_batch(l.b, (const char *[]){"one", "none"}, 2), -ENOENT);
	cr_assert_eq(daqiri_flow_remove_batch(l.b, (const char *[]){"one", "one"}, 2), -EINVAL);
	assert_detail("twice");
	cr_assert_eq(where(&l, DST "01"), 1);
	cr_assert_eq(daqiri_flow_remove_batch(l.b, names, 3), 0, "%s", daqiri_error_detail());
	cr_assert_eq(where(&l, DST "01"), -1);
	cr_assert_eq(where(&l, DST "09"), 0);
	cr_assert_eq(daqiri_flow_add_batch(l.b, NULL, 0), 0);
	cr_assert_eq(daqiri_flow_remove_batch(l.b, NULL, 0), 0);
	daqiri_close(l.dq);
}

Test(flow_change, names_and_tags_are_one_flow_s)
{
	struct link l = kit_open_link(ONE_WAY("256"));
	const char *keys = "dst_mac = " DST "01\nqueue = 0\n";

	cr_assert_eq(daqiri_flow_add(l.b, "all", keys), -EINVAL);
	assert_detail("a flow of this name already");
	cr_assert_eq(daqiri_flow_add(l.b, "x", "dst_mac = " DST "01\nqueue = 0\ntag = 77\n"),
		     -EINVAL);
	assert_detail("tag=77: the tag of");
	cr_assert_eq(daqiri_flow_add(l.b, "a b", keys), -EINVAL);
	cr_assert_eq(daqiri_flow_add(l.b, "", keys), -EINVAL);
	cr_assert_eq(daqiri_flow_add(l.b, "x]\nqueue = 0\n#", keys), -EINVAL);
	add(l.b, "x", keys);
	daqiri_close(l.dq);
}

/* The frames would be duplicated, or come with either's id. */
/* Ids that were named are nobody else's; those that are chosen do not come back soon. */
Test(flow_change, ids_are_chosen_around_those_that_are_named)
{
	static const struct daqiri_flow_text both[] = {{"one", "dst_mac = " DST "01\nqueue = 0\n"},
						       {"two", "dst_mac = " DST "02\nqueue = 1\ntag = 1\n"}};
	struct link l = kit_open_link(NO_FLOWS);
	uint32_t ids[2];

	cr_assert_eq(daqiri_flow_add_batch(l.b, both, 2), 0, "%s", daqiri_error_detail());
	cr_assert_eq(daqiri_flow_id(l.b, "one", &ids[0]), 0);
	cr_assert_neq(ids[0], 1u);
	drop(l.b, "one");
	add(l.b, "three", "dst_mac = " DST "03\nqueue = 2\n");
	cr_assert_eq(daqiri_flow_id(l.b, "three", &ids[1]), 0);
	cr_assert_neq(ids[1], ids[0], "its packets may be on their way");
	daqiri_close(l.dq);
}

Test(flow_change, an_id_that_was_named_is_not_chosen_soon)
{
	struct link l = kit_open_link(NO_FLOWS);
	uint32_t id;

	add(l.b, "named", "dst_mac = " DST "01\nqueue = 0\ntag = 1\n");
	drop(l.b, "named");
	add(l.b, "next", "dst_mac = " DST "02\nqueue = 0\n");
	cr_assert_eq(daqiri_flow_id(l.b, "next", &id), 0);
	cr_assert_neq(id, 1u, "packets of the first one may be on their way");
	daqiri_close(l.dq);
}

Test(flow_change, ids_of_the_configuration_are_not_chosen_again_soon)
{
	struct link l = kit_open_link(NO_FLOWS "[flow b x]\ndst_mac = " DST "05\nqueue = 0\n"
					       "[flow b y]\ndst_mac = " DST "06\nqueue = 0\n");
	uint32_t x, next;

	cr_assert_eq(daqiri_flow_id(l.b, "x", &x), 0);
	drop(l.b, "x");
	add(l.b, "z", "dst_mac = " DST "07\nqueue = 0\n");
	cr_assert_eq(daqiri_flow_id(l.b, "z", &next), 0);
	cr_assert_neq(next, x);
	daqiri_close(l.dq);
}

/* The first flow's rule of the same match would have to leave the priority that the second is given. */
Test(flow_change, a_priority_that_another_one_would_have_to_leave_first)
{
	struct link l = kit_open_link(NO_FLOWS);

	add(l.b, "spread", "udp_dst = 4000\nqueue = 0,1\n");
	cr_assert_eq(daqiri_flow_add(l.b, "same", "ethertype = 0x0800\nudp_dst = 4000\n"
						  "priority = 0\nqueue = 2\n"),
		     -EINVAL);
	assert_detail("priority=0: ");
	assert_detail("has a rule of the same match there");
	add(l.b, "same", "ethertype = 0x0800\nudp_dst = 4001\npriority = 0\nqueue = 2\n");
	daqiri_close(l.dq);
}

Test(flow_change, tunnels_are_the_configurations)
{
	struct link l = kit_open_link(NO_FLOWS);

	cr_assert_eq(daqiri_flow_add(l.b, "t", "decap = vx\nqueue = 0\n"), -EINVAL);
	assert_detail("there is no [tunnel vx] in what the context was opened with");
	daqiri_close(l.dq);
}

Test(flow_change, a_rule_of_another_program_is_told)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri *other =
		kit_open_text("[region rx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
			      "[port b]\naddress = " MAC_B "\n[rxq b 0]\nregions = rx\n");
	struct daqiri_port *port = daqiri_port_find(other, "b");

	cr_assert_eq(daqiri_flow_add(port, "mine", "dst_mac = " MAC_B "\nqueue = 0\ntag = 5\n"),
		     -EEXIST);
	assert_detail(
		"[flow b mine]: a rule with this match and another flow id, of another program");
	cr_assert_eq(daqiri_flow_id(port, "mine", &(uint32_t){0}), -ENOENT);
	daqiri_close(l.dq);
	add(port, "mine", "dst_mac = " MAC_B "\nqueue = 0\ntag = 5\n");
	daqiri_close(other);
}

/* ---- many ------------------------------------------------------------------------------------ */

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	const char *path = getenv("TEST_NOTES");
	FILE *f = path ? fopen(path, "a") : NULL;
	va_list ap;

	va_start(ap, fmt);
	if (f)
		vfprintf(f, fmt, ap);
	va_end(ap);
	if (f)
		fclose(f);
}

enum { MANY = 10000, NAME = 12, KEYS = 64 };

struct many {
	int n; /* MANY, or the environment's FLOWS where so many take too long */
	struct daqiri_flow_text flows[MANY];
	const char *names[MANY];
	char name[MANY][NAME], keys[MANY][KEYS];
};

/* More than one of the kernel's groups of 9362 rules holds. */
static struct many *make_many(void)
{
	const char *fewer = getenv("FLOWS");
	struct many *m = calloc(1, sizeof(*m));

	m->n = fewer && atoi(fewer) > 0 && atoi(fewer) < MANY ? atoi(fewer) : MANY;
	for (int i = 0; i < m->n; i++) {
		snprintf(m->name[i], NAME, "f%d", i);
		snprintf(m->keys[i], KEYS, "dst_mac = 02:00:00:01:%02x:%02x\nqueue = %d\n",
			 (unsigned)i >> 8 & 0xff, (unsigned)i & 0xff, i & 3);
		m->flows[i] = (struct daqiri_flow_text){m->name[i], m->keys[i]};
		m->names[i] = m->name[i];
	}
	return m;
}

static int where_is(struct link *l, int i)
{
	char dst[18];

	snprintf(dst, sizeof(dst), "02:00:00:01:%02x:%02x", (unsigned)i >> 8 & 0xff,
		 (unsigned)i & 0xff);
	return where(l, dst);
}

static void check_some(struct link *l, const struct many *m)
{
	cr_assert_eq(where_is(l, 0), 0);
	cr_assert_eq(where_is(l, m->n - 1), (m->n - 1) & 3);
	cr_assert_eq(where_is(l, m->n), -1);
}

Test(flow_change, ten_thousand_flows)
{
	struct link l = kit_open_link(NO_FLOWS);
	struct many *m = make_many();
	size_t before = mallinfo2().uordblks, after;
	double start = seconds(), added, removed;

	for (int i = 0; i < m->n; i++)
		add(l.b, m->name[i], m->keys[i]);
	added = seconds();
	after = mallinfo2().uordblks;
	check_some(&l, m);
	start += seconds() - added;
	added = seconds();
	for (int i = 0; i < m->n; i++)
		drop(l.b, m->name[i]);
	removed = seconds();
	note("%d flows one by one: %.0f/s, %zu bytes each, %.0f/s removed\n", m->n,
	     m->n / (added - start), (after - before) / (size_t)m->n, m->n / (removed - added));
	start = seconds();
	cr_assert_eq(daqiri_flow_add_batch(l.b, m->flows, m->n), 0, "%s", daqiri_error_detail());
	added = seconds();
	check_some(&l, m);
	start += seconds() - added;
	added = seconds();
	cr_assert_eq(daqiri_flow_remove_batch(l.b, m->names, m->n), 0);
	removed = seconds();
	note("%d flows at once: %.0f/s, %.0f/s removed\n", m->n, m->n / (added - start),
	     m->n / (removed - added));
	cr_assert_eq(daqiri_flow_add_batch(l.b, m->flows, m->n), 0, "%s", daqiri_error_detail());
	start = seconds();
	daqiri_close(l.dq);
	note("closed with %d flows in %.3f s\n", m->n, seconds() - start);
	free(m);
}

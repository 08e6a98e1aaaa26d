/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libdaqiri inside a verbs program: the program opens the devices as it always did, and libdaqiri
 * builds its queues on them. embed_example() is what such a program looks like.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <infiniband/verbs.h>

#include <daqiri_verbs.h>

#include "dq_kit.h"

/* The program's own objects: opened by ibv_open_device(), so without anything special. */
struct program {
	struct ibv_context *ctx[2];
	struct ibv_pd *pd[2];
};

static struct program program_start(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct program prog;

	for (int i = 0; i < 2; i++) {
		cr_assert(list && list[i]);
		prog.ctx[i] = ibv_open_device(list[i]);
		cr_assert_not_null(prog.ctx[i]);
		prog.pd[i] = ibv_alloc_pd(prog.ctx[i]);
		cr_assert_not_null(prog.pd[i]);
	}
	ibv_free_device_list(list);
	return prog;
}

/* Whatever libdaqiri did, the program's objects are its own and work. */
static void program_end(const struct program *prog)
{
	struct ibv_port_attr attr;

	for (int i = 0; i < 2; i++) {
		cr_assert_eq(ibv_query_port(prog->ctx[i], 1, &attr), 0);
		cr_assert_eq(ibv_dealloc_pd(prog->pd[i]), 0, "something is left in the pd");
		cr_assert_eq(ibv_close_device(prog->ctx[i]), 0);
	}
}

static struct daqiri_config *config_of(const char *text)
{
	struct daqiri_config *cfg;

	cr_assert_eq(daqiri_config_parse(&cfg, text, strlen(text), "test"), 0, "%s",
		     daqiri_error_detail());
	return cfg;
}

static struct daqiri_attach_port attach_port(const struct program *prog, int i, const char *name)
{
	return (struct daqiri_attach_port){.size = sizeof(struct daqiri_attach_port),
					   .name = name,
					   .context = prog->ctx[i],
					   .pd = prog->pd[i],
					   .port_num = 1};
}

/* Attached ports need no address. */
#define ATTACHED                                                                                   \
	"[region rx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n[port a]\n[port b]\n"           \
	"unmatched = queue 0\n[txq a 0]\ndepth = 64\n[rxq b 0]\nregions = rx\n"

static struct daqiri *attach(const struct program *prog, const char *text)
{
	struct daqiri_attach_port ports[2] = {attach_port(prog, 0, "a"), attach_port(prog, 1, "b")};
	struct daqiri_config *cfg = config_of(text);
	struct daqiri *dq = NULL;
	int ret = daqiri_attach(&dq, cfg, ports, 2);

	daqiri_config_destroy(cfg);
	cr_assert_eq(ret, 0, "%s", daqiri_error_detail());
	return dq;
}

Test(embed, a_verbs_program_sends_its_own_memory_and_receives_in_place)
{
	struct program prog = program_start();
	struct daqiri *dq = attach(&prog, ATTACHED);
	struct daqiri_txq *tx = daqiri_txq_get(daqiri_port_find(dq, "a"), 0);
	struct daqiri_rxq *rx = daqiri_rxq_get(daqiri_port_find(dq, "b"), 0);
	uint8_t *mem = calloc(10, 256);
	struct ibv_mr *mr = ibv_reg_mr(prog.pd[0], mem, 2560, 0);
	struct daqiri_pkt pkts[10];
	uint32_t number;

	cr_assert_not_null(mr);
	for (uint32_t i = 0; i < 10; i++) {
		kit_fill(mem + i * 256, 60 + i, MAC_B, i);
		pkts[i] = (struct daqiri_pkt){.addr = (uintptr_t)(mem + i * 256),
					      .len = 60 + i,
					      .key = daqiri_key_from_lkey(mr->lkey)};
	}
	kit_post_all(tx, pkts, 10);
	cr_assert_eq(kit_receive(rx, pkts, 10), 10);
	for (uint32_t i = 0; i < 10; i++) {
		cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
		cr_assert_eq(number, i);
	}
	daqiri_rx_release(rx, 10);
	kit_wait_sent(tx, 10);
	daqiri_close(dq);
	cr_assert_eq(ibv_dereg_mr(mr), 0);
	free(mem);
	program_end(&prog);
}

Test(embed, the_verbs_objects_behind_ours_can_be_had)
{
	struct program prog = program_start();
	struct daqiri *dq = attach(&prog, ATTACHED);
	struct daqiri_port *a = daqiri_port_find(dq, "a"), *b = daqiri_port_find(dq, "b");
	struct daqiri_txq *tx = daqiri_txq_get(a, 0);
	struct daqiri_rxq *rx = daqiri_rxq_get(b, 0);
	struct ibv_mr *mr = daqiri_region_ibv_mr(daqiri_region_find(dq, "rx"), b);

	cr_assert_eq(daqiri_port_ibv_context(a), prog.ctx[0]);
	cr_assert_eq(daqiri_port_ibv_context(b), prog.ctx[1]);
	cr_assert_eq(daqiri_port_ibv_pd(a), prog.pd[0]);
	cr_assert(mr && mr->pd == prog.pd[1] && mr->length >= 64 * 2048);
	cr_assert_eq(daqiri_rxq_ibv_wq(rx)->context, prog.ctx[1]);
	cr_assert_eq(daqiri_rxq_ibv_cq(rx)->context, prog.ctx[1]);
	cr_assert_eq(daqiri_txq_ibv_qp(tx)->context, prog.ctx[0]);
	cr_assert_eq(daqiri_txq_ibv_qp(tx)->qp_type, IBV_QPT_RAW_PACKET);
	cr_assert_eq(daqiri_txq_ibv_cq(tx)->context, prog.ctx[0]);
	cr_assert_null(daqiri_port_ibv_context(NULL));
	cr_assert_null(daqiri_port_ibv_pd(NULL));
	cr_assert_null(daqiri_rxq_ibv_wq(NULL));
	cr_assert_null(daqiri_rxq_ibv_cq(NULL));
	cr_assert_null(daqiri_txq_ibv_qp(NULL));
	cr_assert_null(daqiri_txq_ibv_cq(NULL));
	cr_assert_null(daqiri_region_ibv_mr(NULL, b));
	daqiri_close(dq);
	program_end(&prog);
}

/* One port the program's, the other opened by its address. */
Test(embed, attached_and_opened_ports_work_together)
{
	struct program prog = program_start();
	struct daqiri_attach_port port = attach_port(&prog, 0, "a");
	struct kit_burst burst = {.n = 50, .min = 60, .max = 300, .dst = MAC_B};
	struct daqiri_config *cfg = config_of(ONE_WAY("64"));
	struct daqiri_pkt pkts[50];
	struct daqiri_port *b;
	struct daqiri *dq;

	cr_assert_eq(daqiri_attach(&dq, cfg, &port, 1), 0, "%s", daqiri_error_detail());
	daqiri_config_destroy(cfg);
	b = daqiri_port_find(dq, "b");
	cr_assert_neq(daqiri_port_ibv_context(b), prog.ctx[1]);
	kit_send(daqiri_txq_get(daqiri_port_find(dq, "a"), 0), &burst);
	cr_assert_eq(kit_receive(daqiri_rxq_get(b, 0), pkts, 50), 50);
	daqiri_close(dq);
	program_end(&prog);
}

/* The program reads its own events: the library takes none of them. */
Test(embed, events_of_attached_contexts_are_left_to_the_program)
{
	struct program prog = program_start();
	struct daqiri *dq = attach(&prog, ATTACHED);
	struct daqiri_event ev = {.size = sizeof(ev)};

	cr_assert_eq(daqiri_event_get(dq, &ev), 0);
	daqiri_close(dq);
	program_end(&prog);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void refuse(const struct daqiri_attach_port *ports, unsigned n, int err, const char *why)
{
	struct daqiri_config *cfg = config_of(ATTACHED);
	struct daqiri *dq = (struct daqiri *)8;

	cr_assert_eq(daqiri_attach(&dq, cfg, ports, n), err, "%s", daqiri_error_detail());
	cr_assert_eq(dq, (struct daqiri *)8);
	assert_detail(why);
	daqiri_config_destroy(cfg);
}

Test(embed, wrong_attachments_are_refused_with_the_reason)
{
	struct program prog = program_start();
	struct daqiri_attach_port ports[2] = {attach_port(&prog, 0, "a"),
					      attach_port(&prog, 1, "b")};

	ports[1].name = "nowhere";
	refuse(ports, 2, -EINVAL, "b");
	ports[1] = attach_port(&prog, 1, "b");
	ports[1].pd = prog.pd[0];
	refuse(ports, 2, -EINVAL, "pd");
	ports[1] = attach_port(&prog, 1, "b");
	ports[1].size = 0;
	refuse(ports, 2, -EINVAL, "size");
	ports[1] = attach_port(&prog, 1, "b");
	ports[1].context = NULL;
	refuse(ports, 2, -EINVAL, "context");
	ports[1] = attach_port(&prog, 1, "b");
	ports[1].port_num = 0;
	refuse(ports, 2, -EINVAL, "port numbers begin at 1");
	refuse(NULL, 2, -EINVAL, "NULL");
	/* Without the second, [port b] has neither an address nor a context. */
	refuse(ports, 1, -EINVAL, "[port b]");
	program_end(&prog);
}

Test(embed, a_port_number_that_the_device_lacks_is_refused)
{
	struct program prog = program_start();
	struct daqiri_attach_port ports[2] = {attach_port(&prog, 0, "a"),
					      attach_port(&prog, 1, "b")};
	struct daqiri_config *cfg = config_of(ATTACHED);
	struct daqiri *dq = NULL;

	ports[1].port_num = 9;
	cr_assert_lt(daqiri_attach(&dq, cfg, ports, 2), 0);
	cr_assert_null(dq);
	assert_detail("port 9");
	daqiri_config_destroy(cfg);
	program_end(&prog);
}

Test(embed, a_port_given_twice_is_refused)
{
	struct program prog = program_start();
	struct daqiri_attach_port ports[3] = {
		attach_port(&prog, 0, "a"), attach_port(&prog, 1, "b"), attach_port(&prog, 1, "b")};

	refuse(ports, 3, -EINVAL, "twice");
	program_end(&prog);
}

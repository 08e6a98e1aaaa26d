/* SPDX-License-Identifier: Apache-2.0 */
/* Objects made, used and taken away by write() on the uverbs file. */
#include <fcntl.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <stdio.h>

#include "write_kit.h"

TestSuite(write, .init = wk_open, .fini = wk_close);

enum { RESET, INIT, RTR, RTS };

Test(write, a_context_has_vectors_and_a_file_of_events)
{
	uint32_t vectors;
	int events = wk_context_of(&vectors);

	cr_assert_eq(vectors, (uint32_t)sysconf(_SC_NPROCESSORS_ONLN));
	cr_assert_neq(fcntl(events, F_GETFL), -1);
	cr_assert_eq(close(events), 0);
}

Test(write, the_port)
{
	struct ib_uverbs_query_port req = {.port_num = 1};
	struct ib_uverbs_query_port_resp resp;

	wk_context();
	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_QUERY_PORT, WK_IO(req, resp), WK_NONE), 0);
	cr_assert_eq(resp.state, 4);	  /* IB_PORT_ACTIVE */
	cr_assert_eq(resp.link_layer, 2); /* IB_LINK_LAYER_ETHERNET */
	req.port_num = 2;
	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_QUERY_PORT, WK_IO(req, resp), WK_NONE), EINVAL);
}

Test(write, memory)
{
	static _Alignas(4096) uint8_t bytes[8192];
	struct ib_uverbs_reg_mr req = {.start = (uintptr_t)bytes,
				       .length = sizeof(bytes),
				       .hca_va = (uintptr_t)bytes,
				       .access_flags = IB_UVERBS_ACCESS_LOCAL_WRITE};
	struct ib_uverbs_reg_mr_resp resp;
	struct ib_uverbs_dereg_mr gone = {0};

	wk_context();
	req.pd_handle = wk_pd();
	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_REG_MR, WK_IO(req, resp), WK_NONE), 0);
	cr_assert_neq(resp.lkey, 0u);
	cr_assert_eq(resp.lkey, resp.rkey);
	cr_assert_eq(wk_dealloc_pd(req.pd_handle), EBUSY);
	gone.mr_handle = resp.mr_handle;
	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_DEREG_MR, WK_IN(gone), WK_NONE), 0);
	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_DEREG_MR, WK_IN(gone), WK_NONE), ENOENT);
	cr_assert_eq(wk_dealloc_pd(req.pd_handle), 0);
	req.hca_va++;
	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_REG_MR, WK_IO(req, resp), WK_NONE), EINVAL);
}

static int channel(void)
{
	struct ib_uverbs_create_comp_channel req = {0};
	struct ib_uverbs_create_comp_channel_resp resp;

	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_CREATE_COMP_CHANNEL, WK_IO(req, resp), WK_NONE),
		     0);
	return (int)resp.fd;
}

Test(write, a_completion_queue_on_a_channel)
{
	struct ib_uverbs_create_cq_resp resp;
	uint32_t uar;
	int fd;

	wk_context();
	fd = channel();
	uar = wk_uar();
	cr_assert_eq(wk_cq(0, uar, &resp), EBADF); /* a file, but no channel */
	cr_assert_eq(wk_cq(fd, uar, &resp), 0);
	cr_assert_eq(resp.cqe, 15u);
	cr_assert_eq(wk_destroy_cq(resp.cq_handle), 0);
	cr_assert_eq(wk_destroy_cq(resp.cq_handle), ENOENT);
	cr_assert_eq(close(fd), 0);
}

/* rdma-core 18 and 19 write 16 of the command's 24 bytes, which are all in their memory. */
Test(write, a_completion_queue_is_destroyed_by_a_short_command)
{
	struct ib_uverbs_create_cq_resp cq;
	struct ib_uverbs_destroy_cq_resp resp;
	struct wk_raw raw = {.hdr = {IB_USER_VERBS_CMD_DESTROY_CQ, 4, 2}};

	wk_context();
	cr_assert_eq(wk_cq(-1, wk_uar(), &cq), 0);
	raw.body[0] = (uintptr_t)&resp;
	memcpy(&raw.body[1], &cq.cq_handle, sizeof(cq.cq_handle));
	cr_assert_eq(wk_write(&raw, 16), 0);
	cr_assert_eq(wk_destroy_cq(cq.cq_handle), ENOENT);
}

static int modify(uint32_t qp, uint8_t state, uint32_t mask)
{
	struct ib_uverbs_modify_qp req = {
		.qp_handle = qp, .qp_state = state, .attr_mask = mask, .port_num = 1};

	return wk_command(IB_USER_VERBS_CMD_MODIFY_QP, WK_IN(req), WK_NONE);
}

/* What QUERY_QP tells of it. */
static void query(uint32_t qp, struct ib_uverbs_query_qp_resp *resp)
{
	struct ib_uverbs_query_qp req = {.qp_handle = qp};
	struct wk_part core = {&req, sizeof(req), resp, sizeof(*resp)};

	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_QUERY_QP, core, WK_NONE), 0);
}

static unsigned state(uint32_t qp)
{
	struct ib_uverbs_query_qp_resp resp;

	query(qp, &resp);
	return resp.qp_state;
}

/* What a raw packet QP is made of, and its doorbell page. */
static uint32_t parts(struct ib_uverbs_create_qp *req)
{
	struct ib_uverbs_create_cq_resp cq;
	uint32_t uar = wk_uar();

	*req = (struct ib_uverbs_create_qp){.qp_type = IB_UVERBS_QPT_RAW_PACKET};
	req->pd_handle = wk_pd();
	cr_assert_eq(wk_cq(-1, uar, &cq), 0);
	req->send_cq_handle = req->recv_cq_handle = cq.cq_handle;
	return uar;
}

Test(write, a_queue_pair_from_reset_to_its_end)
{
	struct ib_uverbs_query_qp_resp told;
	struct ib_uverbs_create_qp req;
	struct ib_uverbs_create_qp_resp qp;
	uint32_t uar;

	wk_context();
	uar = parts(&req);
	cr_assert_eq(wk_qp(&req, uar, &qp), 0);
	cr_assert_neq(qp.qpn, 0u);
	cr_assert_eq(qp.max_send_wr, 4u);
	cr_assert_eq(state(qp.qp_handle), RESET);
	cr_assert_eq(modify(qp.qp_handle, RTR, 1), EINVAL);
	cr_assert_eq(modify(qp.qp_handle, INIT, 1 | 1 << 5), 0);
	cr_assert_eq(modify(qp.qp_handle, RTR, 1), 0);
	cr_assert_eq(modify(qp.qp_handle, RTS, 1), 0);
	cr_assert_eq(state(qp.qp_handle), RTS);
	query(qp.qp_handle, &told);
	cr_assert_eq(told.max_recv_wr, 4u);
	cr_assert_eq(wk_destroy_cq(req.send_cq_handle), EBUSY);
	cr_assert_eq(wk_destroy_qp(qp.qp_handle), 0);
	cr_assert_eq(wk_destroy_qp(qp.qp_handle), ENOENT);
	cr_assert_eq(wk_destroy_cq(req.send_cq_handle), 0);
	cr_assert_eq(wk_dealloc_pd(req.pd_handle), 0);
}

/* Where a method of the ioctl says ENOENT, create_qp() says EINVAL. */
Test(write, a_queue_pair_of_parts_that_are_not_there)
{
	struct ib_uverbs_create_qp req, wrong;
	struct ib_uverbs_create_qp_resp qp;
	uint32_t uar;

	wk_context();
	uar = parts(&req);
	wrong = req;
	wrong.pd_handle = 4000;
	cr_assert_eq(wk_qp(&wrong, uar, &qp), EINVAL);
	wrong = req;
	wrong.recv_cq_handle = 4000;
	cr_assert_eq(wk_qp(&wrong, uar, &qp), EINVAL);
	wrong = req;
	wrong.is_srq = 1;
	cr_assert_eq(wk_qp(&wrong, uar, &qp), EINVAL);
	wrong = req;
	wrong.qp_type = 1; /* IB_QPT_GSI, for the kernel alone */
	cr_assert_eq(wk_qp(&wrong, uar, &qp), EINVAL);
	wrong.qp_type = IB_UVERBS_QPT_RC;
	cr_assert_eq(wk_qp(&wrong, uar, &qp), EOPNOTSUPP);
}

Test(write, signals_of_all_that_is_sent)
{
	struct ib_uverbs_query_qp_resp told;
	struct ib_uverbs_create_qp req;
	struct ib_uverbs_create_qp_resp qp;
	uint32_t uar;

	wk_context();
	uar = parts(&req);
	req.sq_sig_all = 1;
	cr_assert_eq(wk_qp(&req, uar, &qp), 0);
	query(qp.qp_handle, &told);
	cr_assert_eq(told.sq_sig_all, 1);
}

/* ---- extended commands ---------------------------------------------------------------------- */

Test(write, an_extended_completion_queue)
{
	struct ib_uverbs_ex_create_cq req = {.cqe = 15, .comp_channel = -1};
	struct ib_uverbs_ex_create_cq_resp resp;
	struct ib_uverbs_ex_modify_cq moderate = {.attr_mask = 1, .attr = {16, 16}};
	struct mlx5_ib_create_cq mine;
	struct mlx5_ib_create_cq_resp his;

	wk_context();
	mine = wk_cq_provider(wk_uar());
	req.reserved = 1;
	cr_assert_eq(
		wk_command(IB_USER_VERBS_EX_CMD_CREATE_CQ | EX, WK_IO(req, resp), WK_IO(mine, his)),
		EINVAL);
	req.reserved = 0;
	cr_assert_eq(
		wk_command(IB_USER_VERBS_EX_CMD_CREATE_CQ | EX, WK_IO(req, resp), WK_IO(mine, his)),
		0);
	cr_assert_eq(resp.base.cqe, 15u);
	cr_assert_eq(resp.response_length, sizeof(resp));
	cr_assert_neq(his.cqn, 0u);
	moderate.cq_handle = resp.base.cq_handle;
	cr_assert_eq(wk_command(IB_USER_VERBS_EX_CMD_MODIFY_CQ | EX, WK_IN(moderate), WK_NONE),
		     EOPNOTSUPP);
	moderate.attr_mask = 0;
	cr_assert_eq(wk_command(IB_USER_VERBS_EX_CMD_MODIFY_CQ | EX, WK_IN(moderate), WK_NONE),
		     EINVAL);
	cr_assert_eq(wk_destroy_cq(resp.base.cq_handle), 0);
}

static uint32_t make_wq(uint32_t pd, uint32_t cq)
{
	struct mlx5_ib_create_qp qp = wk_qp_provider(0);
	struct ib_uverbs_ex_create_wq req = {
		.pd_handle = pd, .cq_handle = cq, .max_wr = 4, .max_sge = 1};
	struct ib_uverbs_ex_create_wq_resp resp;
	struct mlx5_ib_create_wq mine = {.buf_addr = qp.buf_addr,
					 .db_addr = qp.db_addr,
					 .rq_wqe_count = 4,
					 .rq_wqe_shift = 4};
	struct mlx5_ib_create_wq_resp his;

	cr_assert_eq(
		wk_command(IB_USER_VERBS_EX_CMD_CREATE_WQ | EX, WK_IO(req, resp), WK_IO(mine, his)),
		0);
	cr_assert_eq(resp.max_wr, 4u);
	cr_assert_neq(resp.wqn, 0u);
	return resp.wq_handle;
}

static uint32_t make_table(uint32_t wq)
{
	struct {
		struct ib_uverbs_ex_create_rwq_ind_table req;
		uint32_t wqs[2];
	} one = {{0, 0}, {wq, 0}};
	struct ib_uverbs_ex_create_rwq_ind_table_resp resp;

	cr_assert_eq(
		wk_command(IB_USER_VERBS_EX_CMD_CREATE_RWQ_IND_TBL | EX, WK_IO(one, resp), WK_NONE),
		0);
	return resp.ind_tbl_handle;
}

static uint32_t make_hash(uint32_t pd, uint32_t table)
{
	struct ib_uverbs_ex_create_qp req = {.pd_handle = pd,
					     .qp_type = IB_UVERBS_QPT_RAW_PACKET,
					     .comp_mask = IB_UVERBS_CREATE_QP_MASK_IND_TABLE,
					     .rwq_ind_tbl_handle = table};
	struct ib_uverbs_ex_create_qp_resp resp;
	struct mlx5_ib_create_qp_rss mine = {.rx_hash_function = MLX5_RX_HASH_FUNC_TOEPLITZ,
					     .rx_key_len = 40};
	struct mlx5_ib_create_qp_resp his;
	uint32_t handle;

	cr_assert_eq(
		wk_command(IB_USER_VERBS_EX_CMD_CREATE_QP | EX, WK_IO(req, resp), WK_IO(mine, his)),
		0);
	handle = resp.base.qp_handle;
	req.max_recv_wr = 1; /* it has no receive queue of its own */
	cr_assert_eq(
		wk_command(IB_USER_VERBS_EX_CMD_CREATE_QP | EX, WK_IO(req, resp), WK_IO(mine, his)),
		EINVAL);
	return handle;
}

/* All frames of the port, to the hash QP. */
static uint32_t make_flow(uint32_t qp)
{
	struct {
		struct ib_uverbs_create_flow req;
		struct ib_uverbs_flow_spec_eth eth;
	} one = {{.qp_handle = qp,
		  .flow_attr = {.num_of_specs = 1, .port = 1, .size = sizeof(one.eth)}},
		 {.type = 0x20, .size = sizeof(one.eth)}};
	struct ib_uverbs_create_flow_resp resp;

	cr_assert_eq(wk_command(IB_USER_VERBS_EX_CMD_CREATE_FLOW | EX, WK_IO(one, resp), WK_NONE),
		     0);
	return resp.flow_handle;
}

static int destroy_flow(uint32_t handle)
{
	struct ib_uverbs_destroy_flow req = {.flow_handle = handle};

	return wk_command(IB_USER_VERBS_EX_CMD_DESTROY_FLOW | EX, WK_IN(req), WK_NONE);
}

static int destroy_table(uint32_t handle)
{
	struct ib_uverbs_ex_destroy_rwq_ind_table req = {.ind_tbl_handle = handle};

	return wk_command(IB_USER_VERBS_EX_CMD_DESTROY_RWQ_IND_TBL | EX, WK_IN(req), WK_NONE);
}

static int destroy_wq(uint32_t handle)
{
	struct ib_uverbs_ex_destroy_wq req = {.wq_handle = handle};
	struct ib_uverbs_ex_destroy_wq_resp resp;

	return wk_command(IB_USER_VERBS_EX_CMD_DESTROY_WQ | EX, WK_IO(req, resp), WK_NONE);
}

Test(write, a_receive_chain)
{
	struct ib_uverbs_ex_modify_wq ready = {.attr_mask = 1, .wq_state = 1};
	struct ib_uverbs_create_cq_resp cq;
	uint32_t pd, table, qp, flow;

	wk_context();
	pd = wk_pd();
	cr_assert_eq(wk_cq(-1, wk_uar(), &cq), 0);
	ready.wq_handle = make_wq(pd, cq.cq_handle);
	cr_assert_eq(wk_command(IB_USER_VERBS_EX_CMD_MODIFY_WQ | EX, WK_IN(ready), WK_NONE), 0);
	table = make_table(ready.wq_handle);
	qp = make_hash(pd, table);
	flow = make_flow(qp);
	cr_assert_eq(wk_destroy_qp(qp), EBUSY);
	cr_assert_eq(destroy_flow(flow), 0);
	cr_assert_eq(destroy_flow(flow), ENOENT);
	cr_assert_eq(destroy_table(table), EBUSY);
	cr_assert_eq(wk_destroy_qp(qp), 0);
	cr_assert_eq(destroy_wq(ready.wq_handle), EBUSY);
	cr_assert_eq(destroy_table(table), 0);
	cr_assert_eq(destroy_wq(ready.wq_handle), 0);
	cr_assert_eq(destroy_wq(ready.wq_handle), ENOENT);
}

/* A rate is of the extended command alone. */
Test(write, an_extended_state)
{
	struct ib_uverbs_create_qp req;
	struct ib_uverbs_create_qp_resp qp;
	struct ib_uverbs_ex_modify_qp to = {
		.base = {.attr_mask = 1 | 1 << 5, .qp_state = INIT, .port_num = 1}};
	struct ib_uverbs_ex_modify_qp_resp resp;
	uint32_t uar;

	wk_context();
	uar = parts(&req);
	cr_assert_eq(wk_qp(&req, uar, &qp), 0);
	to.base.qp_handle = qp.qp_handle;
	cr_assert_eq(wk_command(IB_USER_VERBS_EX_CMD_MODIFY_QP | EX, WK_IO(to, resp), WK_NONE), 0);
	cr_assert_eq(state(qp.qp_handle), INIT);
	cr_assert_eq(modify(qp.qp_handle, RTR, 1 | 1 << 25), EOPNOTSUPP);
}

Test(write, what_is_left_goes_with_the_file)
{
	struct ib_uverbs_create_qp req;
	struct ib_uverbs_create_qp_resp qp;
	char line[64];
	uint32_t uar;
	FILE *f;

	wk_context();
	uar = parts(&req);
	cr_assert_eq(wk_qp(&req, uar, &qp), 0);
	wk_close();
	f = fopen("/sys/class/infiniband/mlx5_0/emu_objects", "r");
	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f))
		cr_assert_str_eq(strchr(line, ' '), " 0\n", "%s", line);
	fclose(f);
	wk_open();
}

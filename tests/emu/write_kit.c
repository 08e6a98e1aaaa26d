/* SPDX-License-Identifier: Apache-2.0 */
#include "write_kit.h"

#include <fcntl.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>
#include <rdma/rdma_user_ioctl_cmds.h>
#include <sys/ioctl.h>

int wk_fd = -1;

/* Rings of one completion queue and one queue pair, and doorbell records. */
static _Alignas(4096) uint8_t rings[3][4096];
static _Alignas(64) uint64_t records[2];

void wk_open(void)
{
	wk_fd = open("/dev/infiniband/uverbs0", O_RDWR | O_CLOEXEC);
	cr_assert_geq(wk_fd, 0);
}

void wk_close(void)
{
	close(wk_fd);
	wk_fd = -1;
}

int wk_write(const void *bytes, size_t n)
{
	ssize_t done = write(wk_fd, bytes, n);

	if (done < 0)
		return errno;
	cr_assert_eq(done, (ssize_t)n);
	return 0;
}

static int plain(uint32_t command, struct wk_part core, struct wk_part provider, uint8_t *out)
{
	size_t n = sizeof(struct ib_uverbs_cmd_hdr) + core.in_len + provider.in_len;
	struct wk_raw raw = {.hdr = {command, (uint16_t)(n / 4),
				     (uint16_t)((core.out_len + provider.out_len) / 4)}};
	uint64_t where = (uintptr_t)out;

	memcpy(raw.body, core.in, core.in_len);
	if (core.out_len)
		memcpy(raw.body, &where, sizeof(where));
	memcpy((uint8_t *)raw.body + core.in_len, provider.in, provider.in_len);
	return wk_write(&raw, n);
}

static int extended(uint32_t command, struct wk_part core, struct wk_part provider, uint8_t *out)
{
	struct wk_raw raw = {
		.hdr = {command, (uint16_t)(core.in_len / 8), (uint16_t)(core.out_len / 8)},
		.ex = {.response = core.out_len + provider.out_len ? (uintptr_t)out : 0,
		       .provider_in_words = (uint16_t)(provider.in_len / 8),
		       .provider_out_words = (uint16_t)(provider.out_len / 8)}};

	memcpy(raw.ex_body, core.in, core.in_len);
	memcpy((uint8_t *)raw.ex_body + core.in_len, provider.in, provider.in_len);
	return wk_write(&raw, sizeof(raw.hdr) + sizeof(raw.ex) + core.in_len + provider.in_len);
}

int wk_command(uint32_t command, struct wk_part core, struct wk_part provider)
{
	uint64_t out[256] = {0};
	uint8_t *bytes = (uint8_t *)out;
	int ret;

	provider.in = provider.in ? provider.in : "";
	ret = (command & EX ? extended : plain)(command, core, provider, bytes);
	if (core.out)
		memcpy(core.out, bytes, core.out_len);
	if (provider.out)
		memcpy(provider.out, bytes + core.out_len, provider.out_len);
	return ret;
}

/* ---- objects -------------------------------------------------------------------------------- */

int wk_context_of(uint32_t *vectors)
{
	struct ib_uverbs_get_context req = {0};
	struct ib_uverbs_get_context_resp resp;
	struct mlx5_ib_alloc_ucontext_req_v2 mine = {.total_num_bfregs = 16,
						     .num_low_latency_bfregs = 4,
						     .max_cqe_version = 1,
						     .lib_caps = MLX5_LIB_CAP_4K_UAR |
								 MLX5_LIB_CAP_DYN_UAR};
	struct mlx5_ib_alloc_ucontext_resp his;

	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_GET_CONTEXT, WK_IO(req, resp), WK_IO(mine, his)),
		     0);
	cr_assert_eq(his.cqe_version, 1);
	cr_assert_eq(his.num_ports, 1);
	*vectors = resp.num_comp_vectors;
	return (int)resp.async_fd;
}

void wk_context(void)
{
	uint32_t vectors;

	wk_context_of(&vectors);
}

uint32_t wk_pd(void)
{
	struct ib_uverbs_alloc_pd req = {0};
	struct ib_uverbs_alloc_pd_resp resp;
	struct mlx5_ib_alloc_pd_resp his[2] = {{0}}; /* 4 bytes, and the provider's come in words */

	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_ALLOC_PD, WK_IO(req, resp),
				((struct wk_part){NULL, 0, his, sizeof(his[0])})),
		     0);
	cr_assert_neq(his[0].pdn, 0u);
	cr_assert_eq(his[1].pdn, 0u);
	return resp.pd_handle;
}

struct wk_uar wk_uar_new(void)
{
	struct wk_uar uar;
	uint32_t length;
	struct {
		struct ib_uverbs_ioctl_hdr hdr;
		struct ib_uverbs_attr attrs[5];
	} r = {.hdr = {sizeof(r), MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_ALLOC, 5, 0,
		       RDMA_DRIVER_MLX5, 0},
	       .attrs = {{.attr_id = MLX5_IB_ATTR_UAR_OBJ_ALLOC_HANDLE},
			 {.attr_id = MLX5_IB_ATTR_UAR_OBJ_ALLOC_TYPE,
			  .len = 8,
			  .data = MLX5_IB_UAPI_UAR_ALLOC_TYPE_NC},
			 {.attr_id = MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_OFFSET,
			  .len = sizeof(uar.offset),
			  .data = (uintptr_t)&uar.offset},
			 {.attr_id = MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_LENGTH,
			  .len = sizeof(length),
			  .data = (uintptr_t)&length},
			 {.attr_id = MLX5_IB_ATTR_UAR_OBJ_ALLOC_PAGE_ID,
			  .len = sizeof(uar.number),
			  .data = (uintptr_t)&uar.number}}};

	cr_assert_eq(ioctl(wk_fd, RDMA_VERBS_IOCTL, &r), 0);
	uar.handle = (uint32_t)r.attrs[0].data;
	return uar;
}

uint32_t wk_uar(void)
{
	return wk_uar_new().number;
}

void wk_uar_free(const struct wk_uar *uar)
{
	struct {
		struct ib_uverbs_ioctl_hdr hdr;
		struct ib_uverbs_attr attrs[1];
	} r = {.hdr = {sizeof(r), MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_DESTROY, 1, 0,
		       RDMA_DRIVER_MLX5, 0},
	       .attrs = {{.attr_id = MLX5_IB_ATTR_UAR_OBJ_DESTROY_HANDLE, .data = uar->handle}}};

	cr_assert_eq(ioctl(wk_fd, RDMA_VERBS_IOCTL, &r), 0);
}

struct mlx5_ib_create_cq wk_cq_provider(uint32_t uar)
{
	return (struct mlx5_ib_create_cq){.buf_addr = (uintptr_t)rings[0],
					  .db_addr = (uintptr_t)&records[0],
					  .cqe_size = 64,
					  .flags = MLX5_IB_CREATE_CQ_FLAGS_UAR_PAGE_INDEX,
					  .uar_page_index = (uint16_t)uar};
}

int wk_cq(int channel, uint32_t uar, struct ib_uverbs_create_cq_resp *resp)
{
	struct ib_uverbs_create_cq req = {.cqe = 15, .comp_channel = channel, .user_handle = 7};
	struct mlx5_ib_create_cq mine = wk_cq_provider(uar);
	struct mlx5_ib_create_cq_resp his;
	struct wk_part core = {&req, sizeof(req), resp, sizeof(*resp)};

	return wk_command(IB_USER_VERBS_CMD_CREATE_CQ, core, WK_IO(mine, his));
}

struct mlx5_ib_create_qp wk_qp_provider(uint32_t uar)
{
	return (struct mlx5_ib_create_qp){.buf_addr = (uintptr_t)rings[1],
					  .sq_buf_addr = (uintptr_t)rings[2],
					  .db_addr = (uintptr_t)&records[1],
					  .sq_wqe_count = 4,
					  .rq_wqe_count = 4,
					  .rq_wqe_shift = 4,
					  .flags = MLX5_QP_FLAG_BFREG_INDEX |
						   MLX5_QP_FLAG_UAR_PAGE_INDEX,
					  .bfreg_index = uar};
}

int wk_qp(struct ib_uverbs_create_qp *req, uint32_t uar, struct ib_uverbs_create_qp_resp *resp)
{
	struct mlx5_ib_create_qp mine = wk_qp_provider(uar);
	struct mlx5_ib_create_qp_resp his;
	struct wk_part core = {req, sizeof(*req), resp, sizeof(*resp)};

	req->max_send_wr = req->max_recv_wr = 4;
	req->max_send_sge = req->max_recv_sge = 1;
	return wk_command(IB_USER_VERBS_CMD_CREATE_QP, core, WK_IO(mine, his));
}

int wk_destroy_qp(uint32_t handle)
{
	struct ib_uverbs_destroy_qp req = {.qp_handle = handle};
	struct ib_uverbs_destroy_qp_resp resp;

	return wk_command(IB_USER_VERBS_CMD_DESTROY_QP, WK_IO(req, resp), WK_NONE);
}

int wk_destroy_cq(uint32_t handle)
{
	struct ib_uverbs_destroy_cq req = {.cq_handle = handle};
	struct ib_uverbs_destroy_cq_resp resp;

	return wk_command(IB_USER_VERBS_CMD_DESTROY_CQ, WK_IO(req, resp), WK_NONE);
}

int wk_dealloc_pd(uint32_t handle)
{
	struct ib_uverbs_dealloc_pd req = {.pd_handle = handle};

	return wk_command(IB_USER_VERBS_CMD_DEALLOC_PD, WK_IN(req), WK_NONE);
}

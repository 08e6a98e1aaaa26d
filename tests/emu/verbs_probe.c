/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what a device says and grants, one "name value" a line, for tests that choose cards:
 * verbs_probe [DEVICE]
 */
#include <endian.h>
#include <errno.h>
#include <infiniband/mlx5dv.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* MLX5DV_CONTEXT_FLAGS_REAL_TIME_TS, which rdma-core 33 does not name */
#define REAL_TIME_TS (1u << 7)

static struct ibv_context *ctx;
static struct ibv_pd *pd;

static int64_t now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static struct ibv_context *open_named(const char *name)
{
	int n;
	struct ibv_device **list = ibv_get_device_list(&n);
	struct mlx5dv_context_attr attr = {.flags = MLX5DV_CONTEXT_FLAGS_DEVX};
	struct ibv_context *found = NULL;

	for (int i = 0; list && i < n && !found; i++) {
		if (name && strcmp(name, ibv_get_device_name(list[i])))
			continue;
		found = mlx5dv_open_device(list[i], &attr);
		if (!found)
			found = ibv_open_device(list[i]);
	}
	ibv_free_device_list(list);
	return found;
}

/* ---- what it says --------------------------------------------------------------------------- */

static void tell_device(void)
{
	struct mlx5dv_context dv = {.comp_mask = 0};
	struct ibv_device_attr_ex attr;
	struct ibv_port_attr port;

	if (ibv_query_device_ex(ctx, NULL, &attr) || ibv_query_port(ctx, 1, &port) ||
	    mlx5dv_query_device(ctx, &dv))
		return;
	printf("part 0x%x\n", attr.orig_attr.vendor_part_id);
	printf("firmware %s\n", attr.orig_attr.fw_ver);
	printf("core-clock-khz %" PRIu64 "\n", attr.hca_core_clock);
	printf("speed %u\nwidth %u\n", port.active_speed, port.active_width);
	printf("gids %d\n", port.gid_tbl_len);
	printf("real-time-flag %d\n", !!(dv.flags & REAL_TIME_TS));
	printf("empw-flag %d\n", !!(dv.flags & MLX5DV_CONTEXT_FLAGS_ENHANCED_MPW));
}

static unsigned bits(const uint8_t *page, unsigned bit, unsigned n)
{
	unsigned value = 0;

	while (n--) {
		value = value << 1 | ((unsigned)page[bit / 8] >> (7 - bit % 8) & 1u);
		bit++;
	}
	return value;
}

/* PRM "HCA capabilities" */
static void tell_caps(void)
{
	uint8_t in[16] = {0x01, 0x00, [7] = 1}, out[16 + 4096] = {0};

	if (mlx5dv_devx_general_cmd(ctx, in, sizeof(in), out, sizeof(out))) {
		printf("devx 0\n");
		return;
	}
	printf("devx 1\n");
	printf("sq-ts-format %u\nrq-ts-format %u\n", bits(out + 16, 0x440, 2),
	       bits(out + 16, 0x442, 2));
	printf("frequency %u\n", bits(out + 16, 0x4e0, 32));
	printf("wait-on-time %u\n", bits(out + 16, 0x68c, 1));
}

/* ---- doorbells ------------------------------------------------------------------------------ */

static void tell_doorbells(void)
{
	struct ibv_td_init_attr attr = {0};
	struct ibv_td *td = ibv_alloc_td(ctx, &attr);

	printf("thread-domain %d\n", td ? 0 : errno);
	if (td)
		ibv_dealloc_td(td);
}

/* ---- clocks --------------------------------------------------------------------------------- */

/* Of a queue pair whose completions have what flags ask for; and its doorbell register. */
static void tell_queue(const char *name, uint64_t flags)
{
	struct ibv_cq_init_attr_ex cq_attr = {.cqe = 16, .wc_flags = flags};
	struct ibv_cq_ex *cq = ibv_create_cq_ex(ctx, &cq_attr);
	struct ibv_qp_init_attr attr = {.qp_type = IBV_QPT_RAW_PACKET,
					.cap = {.max_send_wr = 8, .max_send_sge = 1}};
	struct mlx5dv_qp dv = {.comp_mask = 0};
	struct mlx5dv_obj obj = {.qp = {.out = &dv}};
	struct ibv_qp *qp;

	if (!cq) {
		printf("%s cq %d\n", name, errno);
		return;
	}
	attr.send_cq = ibv_cq_ex_to_cq(cq);
	attr.recv_cq = attr.send_cq;
	qp = ibv_create_qp(pd, &attr);
	printf("%s %d\n", name, qp ? 0 : errno);
	if (qp) {
		obj.qp.in = qp;
		if (!flags && !mlx5dv_init_obj(&obj, MLX5DV_OBJ_QP))
			printf("bf-size %u\n", dv.bf.size);
		ibv_destroy_qp(qp);
	}
	ibv_destroy_cq(ibv_cq_ex_to_cq(cq));
}

static void tell_receive_queue(const char *name, uint64_t flags)
{
	struct ibv_cq_init_attr_ex cq_attr = {.cqe = 16, .wc_flags = flags};
	struct ibv_cq_ex *cq = ibv_create_cq_ex(ctx, &cq_attr);
	struct ibv_wq_init_attr attr = {.wq_type = IBV_WQT_RQ, .max_wr = 8, .max_sge = 1, .pd = pd};
	struct ibv_wq *wq;

	if (!cq)
		return;
	attr.cq = ibv_cq_ex_to_cq(cq);
	wq = ibv_create_wq(ctx, &attr);
	printf("%s %d\n", name, wq ? 0 : errno);
	if (wq)
		ibv_destroy_wq(wq);
	ibv_destroy_cq(ibv_cq_ex_to_cq(cq));
}

/* The register goes on by itself, and is never ahead. */
static void tell_register(void)
{
	struct ibv_values_ex first = {.comp_mask = IBV_VALUES_MASK_RAW_CLOCK}, then = first;
	struct timespec nap = {0, 20000000};
	int64_t before, after, step;
	int ret = ibv_query_rt_values_ex(ctx, &first);

	printf("raw-clock %d\n", ret);
	if (ret)
		return;
	before = now(CLOCK_MONOTONIC);
	nanosleep(&nap, NULL);
	then.comp_mask = IBV_VALUES_MASK_RAW_CLOCK;
	if (ibv_query_rt_values_ex(ctx, &then))
		return;
	after = now(CLOCK_MONOTONIC);
	step = then.raw_clock.tv_nsec - first.raw_clock.tv_nsec;
	printf("raw-clock-runs %d\n", step > 10000000 && step < after - before + 20000000);
}

/* What the kernel's page makes of the register: the time of day. */
static void tell_clock_info(void)
{
	struct ibv_values_ex raw = {.comp_mask = IBV_VALUES_MASK_RAW_CLOCK};
	struct mlx5dv_clock_info info;
	int64_t off;

	if (mlx5dv_get_clock_info(ctx, &info) || ibv_query_rt_values_ex(ctx, &raw)) {
		printf("clock-info 0\n");
		return;
	}
	off = (int64_t)mlx5dv_ts_to_ns(&info, (uint64_t)raw.raw_clock.tv_nsec) -
	      now(CLOCK_REALTIME);
	printf("clock-info %d\n", off > -50000000 && off < 50000000);
}

static void tell_clocks(void)
{
	const uint64_t raw = IBV_WC_EX_WITH_COMPLETION_TIMESTAMP,
		       wall = IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK;

	tell_queue("queue", 0);
	tell_queue("queue-raw", raw);
	tell_queue("queue-wall", wall);
	tell_queue("queue-both", raw | wall);
	tell_receive_queue("receive-raw", raw);
	tell_receive_queue("receive-wall", wall);
	tell_register();
	tell_clock_info();
}

int main(int argc, char **argv)
{
	ctx = open_named(argc > 1 ? argv[1] : NULL);
	pd = ctx ? ibv_alloc_pd(ctx) : NULL;
	if (!pd)
		return 1;
	tell_device();
	tell_caps();
	tell_doorbells();
	tell_clocks();
	return ibv_dealloc_pd(pd) || ibv_close_device(ctx);
}

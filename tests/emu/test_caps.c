/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that differ from the emulated one: without DevX, without enhanced multi-packet WQEs, with
 * shorter ones, or with headers wanted inline. What the device says of itself is changed on its way
 * to the library by the linker (--wrap); the emulated device takes all the WQEs that follow from
 * it.
 */
#include <config.h>

#include <endian.h>
#include <errno.h>

#include <infiniband/mlx5dv.h>

#include "dq_kit.h"
#include "relaxed.h"
#include "txq.h"

/* What the answers say instead; below 0: as the device said it. */
static struct {
	bool no_devx, no_empw, no_striding;
	int max_wqe, inline_mode, vport_mode;
	unsigned asked;
	const struct mlx5dv_striding_rq_caps *striding;
	bool no_real_time, no_clock, no_pacing, no_burst;
} say = {.max_wqe = -1, .inline_mode = -1, .vport_mode = -1};

int __real_mlx5dv_query_device(struct ibv_context *ctx, struct mlx5dv_context *attr);
int __wrap_mlx5dv_query_device(struct ibv_context *ctx, struct mlx5dv_context *attr);
struct ibv_context *__real_mlx5dv_open_device(struct ibv_device *dev,
					      struct mlx5dv_context_attr *attr);
struct ibv_context *__wrap_mlx5dv_open_device(struct ibv_device *dev,
					      struct mlx5dv_context_attr *attr);
int __wrap_mlx5dv_devx_general_cmd(struct ibv_context *ctx, const void *in, size_t inlen, void *out,
				   size_t outlen);

int __wrap_mlx5dv_query_device(struct ibv_context *ctx, struct mlx5dv_context *attr)
{
	int ret = __real_mlx5dv_query_device(ctx, attr);

	if (say.no_empw)
		attr->flags &= ~(uint64_t)MLX5DV_CONTEXT_FLAGS_ENHANCED_MPW;
	if (say.no_striding)
		attr->comp_mask &= ~(uint64_t)MLX5DV_CONTEXT_MASK_STRIDING_RQ;
	if (say.striding)
		attr->striding_rq_caps = *say.striding;
	return ret;
}

/* Pacing goes by functions of the context, which verbs.h calls inline. */
static int (*query_ex)(struct ibv_context *ctx, const struct ibv_query_device_ex_input *input,
		       struct ibv_device_attr_ex *attr, size_t size);
static int (*rate_limit)(struct ibv_qp *qp, struct ibv_qp_rate_limit_attr *attr);

static int query_without_pacing(struct ibv_context *ctx,
				const struct ibv_query_device_ex_input *input,
				struct ibv_device_attr_ex *attr, size_t size)
{
	int ret = query_ex(ctx, input, attr, size);

	memset(&attr->packet_pacing_caps, 0, sizeof(attr->packet_pacing_caps));
	return ret;
}

static int limit_without_burst(struct ibv_qp *qp, struct ibv_qp_rate_limit_attr *attr)
{
	return attr->max_burst_sz ? EINVAL : rate_limit(qp, attr);
}

struct ibv_context *__wrap_mlx5dv_open_device(struct ibv_device *dev,
					      struct mlx5dv_context_attr *attr)
{
	struct ibv_context *ctx = say.no_devx ? NULL : __real_mlx5dv_open_device(dev, attr);
	struct verbs_context *ops = ctx ? verbs_get_ctx(ctx) : NULL;

	if (ops && say.no_pacing) {
		query_ex = ops->query_device_ex;
		ops->query_device_ex = query_without_pacing;
	}
	if (ops && say.no_burst) {
		rate_limit = ops->modify_qp_rate_limit;
		ops->modify_qp_rate_limit = limit_without_burst;
	}
	if (!ctx)
		errno = EPERM;
	return ctx;
}

/* PRM: QUERY_HCA_CAP of the general and the Ethernet group, QUERY_NIC_VPORT_CONTEXT. */
int __wrap_mlx5dv_devx_general_cmd(struct ibv_context *ctx, const void *in, size_t inlen, void *out,
				   size_t outlen)
{
	const uint8_t *cmd = in;
	uint8_t *answer = (uint8_t *)out + 16;
	unsigned opcode = (unsigned)cmd[0] << 8 | cmd[1], group = cmd[7] >> 1;

	(void)ctx;
	say.asked++;
	cr_assert(inlen == 16 && outlen >= 16 + 256);
	if (say.no_devx)
		return EOPNOTSUPP;
	memset(out, 0, outlen);
	if (opcode == 0x100 && group == 0 && say.max_wqe >= 0) {
		answer[0x290 / 8] = (uint8_t)(say.max_wqe >> 8);
		answer[0x290 / 8 + 1] = (uint8_t)say.max_wqe;
	} else if (opcode == 0x100 && group == 1) {
		/* bits 18 and 19 from the most significant one */
		answer[2] = (uint8_t)((say.inline_mode >= 0 ? say.inline_mode : 2) << 4);
	} else if (opcode == 0x754) {
		/* bits 5 to 7 */
		answer[0] = (uint8_t)say.vport_mode;
	}
	return 0;
}

struct ibv_cq_ex *__real_mlx5dv_create_cq(struct ibv_context *ctx, struct ibv_cq_init_attr_ex *attr,
					  struct mlx5dv_cq_init_attr *more);
struct ibv_cq_ex *__wrap_mlx5dv_create_cq(struct ibv_context *ctx, struct ibv_cq_init_attr_ex *attr,
					  struct mlx5dv_cq_init_attr *more);
int __real_mlx5dv_get_clock_info(struct ibv_context *ctx, struct mlx5dv_clock_info *info);
int __wrap_mlx5dv_get_clock_info(struct ibv_context *ctx, struct mlx5dv_clock_info *info);

struct ibv_cq_ex *__wrap_mlx5dv_create_cq(struct ibv_context *ctx, struct ibv_cq_init_attr_ex *attr,
					  struct mlx5dv_cq_init_attr *more)
{
	errno = EOPNOTSUPP;
	if (say.no_real_time && attr->wc_flags == IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK)
		return NULL;
	return __real_mlx5dv_create_cq(ctx, attr, more);
}

int __wrap_mlx5dv_get_clock_info(struct ibv_context *ctx, struct mlx5dv_clock_info *info)
{
	return say.no_clock ? EINVAL : __real_mlx5dv_get_clock_info(ctx, info);
}

static dq_tx_write_fn empw_writer(void)
{
#ifdef __x86_64__
	if (dq_simd_has(DQ_SIMD_AVX2))
		return dq_tx_write_empw_avx2;
	if (dq_simd_has(DQ_SIMD_SSE42))
		return dq_tx_write_empw_sse42;
#endif
	return dq_tx_write_empw_portable;
}

static dq_tx_write_fn send_writer(void)
{
#ifdef __x86_64__
	if (dq_simd_has(DQ_SIMD_AVX2))
		return dq_tx_write_send_avx2;
	if (dq_simd_has(DQ_SIMD_SSE42))
		return dq_tx_write_send_sse42;
#endif
	return dq_tx_write_send_portable;
}

/* Frames of all sizes, in bursts of all sizes, arrive as they were sent, in WQEs of this kind. */
static void check_traffic(dq_tx_write_fn write, uint32_t max_ptrs)
{
	struct daqiri *dq = kit_open_text(ONE_WAY("64"));
	struct daqiri_txq *tx = daqiri_txq_get(daqiri_port_find(dq, "a"), 0);
	struct daqiri_rxq *rx = daqiri_rxq_get(daqiri_port_find(dq, "b"), 0);
	struct kit_burst burst = {.min = 60, .max = 1514, .dst = MAC_B};

	cr_assert_eq(tx->write, write);
	cr_assert_eq(tx->max_ptrs, max_ptrs);
	for (burst.n = 1; burst.n <= 64; burst.n++) {
		kit_send(tx, &burst);
		kit_expect(rx, &burst);
		burst.first += burst.n;
	}
	kit_wait_sent(tx, 64 * 65 / 2);
	daqiri_close(dq);
}

Test(caps, a_device_that_grants_no_devx_is_used_without)
{
	say.no_devx = true;
	check_traffic(empw_writer(), 58);
	cr_assert_gt(say.asked, 0u);
}

Test(caps, a_device_without_empw_gets_a_wqe_for_each_packet)
{
	say.no_empw = true;
	check_traffic(send_writer(), 58);
}

Test(caps, a_device_with_short_wqes_gets_short_ones)
{
	say.max_wqe = 128;
	check_traffic(empw_writer(), 6);
}

Test(caps, a_device_that_wants_headers_inline_gets_them)
{
	say.inline_mode = 0;
	check_traffic(dq_tx_write_send_inline, 58);
}

Test(caps, frames_are_copied_only_into_wqes_of_several_packets)
{
	say.inline_mode = 0;
	cr_assert_eq(kit_try_text(PORTS "[txq a 0]\nregions = tx\ntx_inline = 64\n"), -EOPNOTSUPP);
	assert_detail("[txq a 0] tx_inline=64: mlx5_0 takes no multi-packet sends");
	say.inline_mode = -1;
	say.max_wqe = 128;
	cr_assert_eq(kit_try_text(PORTS "[txq a 0]\nregions = tx\ntx_inline = 100\n"), -EINVAL);
	assert_detail("tx_inline=100: the WQEs of mlx5_0 hold at most 92 bytes");
}

Test(caps, the_vport_may_want_headers_inline_or_not)
{
	say.inline_mode = 1;
	say.vport_mode = 1;
	check_traffic(dq_tx_write_send_inline, 58);
	say.vport_mode = 0;
	check_traffic(empw_writer(), 58);
}

Test(caps, a_vport_that_wants_more_than_the_l2_header_is_refused_with_the_cure)
{
	say.inline_mode = 1;
	say.vport_mode = 2;
	cr_assert_eq(kit_try_text(ONE_WAY("64")), -EOPNOTSUPP);
	assert_detail("devlink dev eswitch set pci/");
	assert_detail("inline-mode");
}

/* ---- time stamps ----------------------------------------------------------------------------- */

#define TIMED                                                                                      \
	"[port b]\naddress = " MAC_B                                                               \
	"\n[rxq b 0]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\nmetadata = timestamp\n"

Test(caps, where_the_real_time_is_refused_there_is_the_counter)
{
	struct daqiri_rxq_info info = {.size = sizeof(info)};
	struct daqiri *dq;

	say.no_real_time = true;
	dq = kit_open_text(TIMED);
	cr_assert_eq(daqiri_rxq_info(daqiri_rxq_get(daqiri_port_find(dq, "b"), 0), &info), 0);
	cr_expect_str_eq(info.clock, "free");
#if HAVE_DECL_MLX5DV_CONTEXT_FLAGS_REAL_TIME_TS
	cr_expect_str_eq(info.clock_why, "the device refuses real-time stamps");
#endif
	daqiri_close(dq);
	cr_expect_eq(kit_try_text(TIMED "clock = real\n"), -EOPNOTSUPP);
	assert_detail("[rxq b 0] clock=real: ");
}

Test(caps, a_counter_that_the_kernel_does_not_explain_is_refused)
{
	say.no_clock = true;
	cr_expect_eq(kit_try_text(TIMED "clock = free\n"), -EINVAL);
	assert_detail(
		"[rxq b 0] metadata=timestamp: the kernel does not tell what the counter of mlx5_");
}

/* ---- registration ---------------------------------------------------------------------------- */

static struct {
	unsigned calls, relaxed; /* with IBV_ACCESS_RELAXED_ORDERING */
} registered;

struct ibv_mr *__real_ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
				       unsigned access);
struct ibv_mr *__wrap_ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
				       unsigned access);
struct ibv_mr *__wrap_ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
				       unsigned access)
{
	registered.calls++;
	registered.relaxed += !!(access & IBV_ACCESS_RELAXED_ORDERING);
	return __real_ibv_reg_mr_iova2(pd, addr, length, iova, access);
}

static void opened_with(const char *relaxed)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "[region r]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n%s[port a]\naddress "
		 "= " MAC_A "\n[txq a 0]\nregions = r\n",
		 relaxed);
	registered.calls = registered.relaxed = 0;
	daqiri_close(kit_open_text(text));
	cr_assert_eq(registered.calls, 1u);
}

Test(caps, relaxed_ordering_is_what_memory_is_registered_with)
{
	opened_with("relaxed_ordering = on\n");
	cr_expect_eq(registered.relaxed, 1u);
	opened_with("relaxed_ordering = off\n");
	cr_expect_eq(registered.relaxed, 0u);
	opened_with(""); /* as the platform has it */
	cr_expect_eq(registered.relaxed, (unsigned)dq_relaxed_here());
}

/* ---- paced send queues ----------------------------------------------------------------------- */

#define PACED(keys)                                                                                \
	"[port a]\naddress = " MAC_A                                                               \
	"\n[txq a 0]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n" keys

/* Older kernels do not tell, and do it all the same. */
Test(caps, pacing_that_a_device_does_not_tell_of_is_tried)
{
	struct daqiri_txq_info info = {.size = sizeof(info)};
	struct daqiri_txq *q;
	struct daqiri *dq;

	say.no_pacing = true;
	dq = kit_open_text(PACED("pacing_mbps = 500\n"));
	q = daqiri_txq_get(daqiri_port_find(dq, "a"), 0);
	cr_assert_eq(daqiri_txq_info(q, &info), 0);
	cr_expect_eq(info.pacing_mbps, 500u);
	cr_expect_eq(info.pacing_min_kbps, 0u);
	cr_expect_eq(info.pacing_max_kbps, 0u);
	cr_expect_eq(daqiri_txq_set_pacing(q, 700, 0, 0), 0, "%s", daqiri_error_detail());
	cr_assert_eq(daqiri_txq_info(q, &info), 0);
	cr_expect_eq(info.pacing_mbps, 700u);
	daqiri_close(dq);
}

Test(caps, a_burst_that_a_device_does_not_take_is_named)
{
	struct daqiri_txq_info info = {.size = sizeof(info)};
	struct daqiri_txq *q;
	struct daqiri *dq;

	say.no_burst = true;
	cr_assert_eq(kit_try_text(PACED("pacing_mbps = 500\npacing_burst = 9000\n")), -EINVAL);
	assert_detail(
		"[txq a 0] pacing_burst=9000, pacing_size=0: mlx5_0 takes none of these: use 0");
	dq = kit_open_text(PACED("pacing_mbps = 500\n"));
	q = daqiri_txq_get(daqiri_port_find(dq, "a"), 0);
	cr_assert_eq(daqiri_txq_set_pacing(q, 600, 9000, 0), -EINVAL);
	cr_assert_eq(daqiri_txq_info(q, &info), 0);
	cr_expect_eq(info.pacing_mbps, 500u, "nothing is half-applied");
	daqiri_close(dq);
}

/* ---- striding receive queues ----------------------------------------------------------------- */

#define STRIDING(buf_size)                                                                         \
	"[port b]\naddress = " MAC_B                                                               \
	"\n[rxq b 0]\nkind = host\nnum_bufs = 2048\nbuf_size = " buf_size "\nrx_mode = striding\n"

static void refused(const char *text, const char *detail)
{
	cr_assert_eq(kit_try_text(text), -EOPNOTSUPP);
	assert_detail("[rxq b 0] rx_mode=striding: ");
	assert_detail(detail);
	assert_detail("use rx_mode=cyclic");
}

Test(caps, a_device_without_striding_queues_says_so)
{
	struct mlx5dv_striding_rq_caps caps = {6, 13, 3, 16, 1u << IBV_QPT_UD};

	say.no_striding = true;
	refused(STRIDING("2048"), "mlx5_1 has no striding receive queues for raw packets");
	say.no_striding = false;
	say.striding = &caps;
	refused(STRIDING("2048"), "mlx5_1 has no striding receive queues for raw packets");
}

Test(caps, strides_that_a_device_has_not_are_refused)
{
	struct mlx5dv_striding_rq_caps caps = {8, 10, 3, 16, 1u << IBV_QPT_RAW_PACKET};

	say.striding = &caps;
	refused(STRIDING("2048"), "buf_size=2048 and align=64 make strides of 2048 bytes, and "
				  "those of mlx5_1 are 256 to 1024");
	refused(STRIDING("9216"), "make strides of 2048 bytes");
	caps.min_single_stride_log_num_of_bytes = 12;
	caps.max_single_stride_log_num_of_bytes = 13;
	refused(STRIDING("2048"), "are 4096 to 8192");
}

Test(caps, a_wqe_has_64_strides_or_as_few_as_the_device_allows)
{
	struct mlx5dv_striding_rq_caps caps = {6, 13, 7, 16, 1u << IBV_QPT_RAW_PACKET};
	struct daqiri_rxq_info info = {.size = sizeof(info)};
	struct daqiri *dq;

	say.striding = &caps;
	dq = kit_open_text(STRIDING("1536"));
	cr_assert_eq(daqiri_rxq_info(daqiri_rxq_get(daqiri_port_find(dq, "b"), 0), &info), 0);
	cr_assert_eq(info.depth, 2048u * 3); /* strides of 512, 128 in a WQE */
	daqiri_close(dq);
	caps.max_single_wqe_log_num_of_strides = 5;
	refused(STRIDING("2048"), "mlx5_1 has too few strides in a WQE for a frame of buf_size");
}

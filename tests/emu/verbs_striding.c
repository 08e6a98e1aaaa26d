/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Striding receive queues through unmodified libibverbs and libmlx5. A model of the PRM's rules
 * runs beside: each completion must name the stride and the WQE that the model says.
 */
#include "kit_cqe.h"

#include <errno.h>

#define LEN(byte_cnt)	  ((byte_cnt)&0xffff)
#define STRIDES(byte_cnt) ((byte_cnt) >> 16 & 0x7fff)
#define FILLER		  0x80000000u
#define WINDOW		  8u /* frames under way */
#define MTU_FRAME	  1514u

static struct kit k;
static struct ibv_cq *tx_cq;
static struct ibv_qp *tx;

static void setup(void)
{
	kit_open(&k);
	tx_cq = kit_cq(&k, &k.a, 64);
	tx = kit_raw(&k, &k.a, tx_cq);
}

static void teardown(void)
{
	kit_close(&k);
}

/* What daqiri-emu --stride-min was given. */
static unsigned stride_min(void)
{
	const char *env = getenv("TEST_STRIDE_MIN");

	return env ? (unsigned)atoi(env) : 3;
}

TestSuite(striding, .init = setup, .fini = teardown, .timeout = 60);

static void set_mtu(const char *netdev, unsigned mtu)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/mtu", netdev);
	file = fopen(path, "w");
	cr_assert_not_null(file, "%s", strerror(errno));
	fprintf(file, "%u\n", mtu);
	cr_assert_eq(fclose(file), 0);
}

/* ---- the model ------------------------------------------------------------------------------- */

struct model {
	struct kit_mpw m;
	uint32_t wqe, used; /* the next stride */
	unsigned fillers, wraps, multi;
};

static void model_new(struct model *o, unsigned depth, unsigned log_stride, unsigned log_strides)
{
	memset(o, 0, sizeof(*o));
	o->m = (struct kit_mpw){.cq = kit_cq(&k, &k.b, 256),
				.depth = depth,
				.log_stride = log_stride,
				.log_strides = log_strides};
	kit_mpw(&k, &k.b, &o->m);
	kit_mpw_post(&o->m, depth);
}

static struct mlx5_cqe64 *next_cqe(struct model *o)
{
	struct mlx5_cqe64 *cqe = kit_cqe(&o->m.cqes, 2000);

	cr_assert_not_null(cqe, "no completion");
	cr_assert_eq(mlx5dv_get_cqe_opcode(cqe), MLX5_CQE_RESP_SEND, "opcode %u, syndrome %x",
		     mlx5dv_get_cqe_opcode(cqe), ((struct mlx5_err_cqe *)(void *)cqe)->syndrome);
	cr_assert_eq(be16toh(cqe->wqe_counter), o->used, "wrong stride");
	cr_assert_eq(be16toh(cqe->wqe_id), (uint16_t)o->wqe, "wrong WQE");
	return cqe;
}

static void take_strides(struct model *o, unsigned n)
{
	o->used += n;
	if (o->used < 1u << o->m.log_strides)
		return;
	o->used = 0;
	o->wqe++;
	o->wraps += o->wqe % o->m.depth == 0;
}

static const uint8_t *place(const struct model *o)
{
	size_t wqe = o->wqe % o->m.depth;

	return o->m.mem + (wqe << (o->m.log_stride + o->m.log_strides)) +
	       ((size_t)o->used << o->m.log_stride) + o->m.shift;
}

/* The frame's completion, and the filler's before it where the frame does not fit. */
static void expect(struct model *o, const struct frame *f)
{
	unsigned need = (f->len + o->m.shift + (1u << o->m.log_stride) - 1) >> o->m.log_stride;
	unsigned left = (1u << o->m.log_strides) - o->used;
	struct mlx5_cqe64 *cqe = next_cqe(o);
	uint32_t wqe = o->wqe;

	if (need > left) {
		cr_assert(be32toh(cqe->byte_cnt) & FILLER, "no filler");
		cr_assert_eq(STRIDES(be32toh(cqe->byte_cnt)), left);
		kit_cqe_done(&o->m.cqes, 1);
		o->fillers++;
		take_strides(o, left);
		cqe = next_cqe(o);
	}
	cr_assert_eq(be32toh(cqe->byte_cnt), need << 16 | f->len);
	cr_assert_arr_eq(place(o), f->b, f->len);
	kit_cqe_done(&o->m.cqes, 1);
	o->multi += need > 1;
	take_strides(o, need);
	kit_mpw_post(&o->m, o->wqe - wqe);
}

/* n frames of lengths that look random, WINDOW at once. */
static void traffic(struct model *o, unsigned n, unsigned min, unsigned max)
{
	static struct frame f[WINDOW];
	uint32_t seed = 1 + o->m.log_stride;

	for (unsigned i = 0; i < n; i += WINDOW) {
		for (unsigned j = 0; j < WINDOW; j++) {
			seed = seed * 1664525 + 1013904223;
			kit_frame(&k, &f[j], min + (seed >> 8) % (max - min + 1));
			f[j].b[20] = (uint8_t)(i + j);
			kit_send(tx, &k.a, &f[j], j, IBV_SEND_SIGNALED);
		}
		for (unsigned j = 0; j < WINDOW; j++)
			kit_expect(tx_cq, IBV_WC_SUCCESS);
		for (unsigned j = 0; j < WINDOW; j++)
			expect(o, &f[j]);
	}
}

/* ---- what the card says ---------------------------------------------------------------------- */

Test(striding, the_device_tells_its_limits)
{
	struct mlx5dv_context dv = {.comp_mask = MLX5DV_CONTEXT_MASK_STRIDING_RQ};
	struct ibv_device_attr_ex attr;

	cr_assert_eq(mlx5dv_query_device(k.b.ctx, &dv), 0);
	cr_assert(dv.comp_mask & MLX5DV_CONTEXT_MASK_STRIDING_RQ);
	cr_expect_eq(dv.striding_rq_caps.min_single_stride_log_num_of_bytes, 6);
	cr_expect_eq(dv.striding_rq_caps.max_single_stride_log_num_of_bytes, 13);
	cr_expect_eq(dv.striding_rq_caps.min_single_wqe_log_num_of_strides, stride_min());
	cr_expect_eq(dv.striding_rq_caps.max_single_wqe_log_num_of_strides, 16);
	cr_expect_eq(dv.striding_rq_caps.supported_qpts, 1u << IBV_QPT_RAW_PACKET);
	cr_assert_eq(ibv_query_device_ex(k.b.ctx, NULL, &attr), 0);
	cr_expect(attr.device_cap_flags_ex & IBV_DEVICE_PCI_WRITE_END_PADDING);
	cr_expect_eq(attr.raw_packet_caps & IBV_RAW_PACKET_CAP_SCATTER_FCS, 0);
}

/* ---- frames ---------------------------------------------------------------------------------- */

Test(striding, frames_of_every_stride_size_lie_where_their_completions_say)
{
	unsigned log, fillers = 0, multi = 0;

	for (log = 6; log <= 13; log++) {
		struct model o;

		model_new(&o, 4, log, log < 9 ? 12 - log : 3);
		/* sizes that often do not fit into what is left */
		traffic(&o, 40 * WINDOW, 60, MTU_FRAME);
		cr_expect_gt(o.wraps, 3, "stride 2^%u: %u times round", log, o.wraps);
		fillers += o.fillers;
		multi += o.multi;
		kit_close(&k);
		setup();
	}
	cr_expect_gt(fillers, 100);
	cr_expect_gt(multi, 100);
}

Test(striding, every_number_of_strides_works)
{
	unsigned log;

	for (log = 3; log <= 16; log++) {
		struct model o;

		model_new(&o, 2, log < 5 ? 9 : 6, log);
		traffic(&o, 4 * WINDOW, 60, 400);
		cr_expect(o.wqe > 0 || log > 6);
		kit_close(&k);
		setup();
	}
}

Test(striding, a_frame_may_take_many_strides)
{
	struct model o;

	set_mtu("emu0", 9000);
	set_mtu("emu1", 9000);
	model_new(&o, 4, 6, 9);
	traffic(&o, 40 * WINDOW, 60, 9014);
	cr_expect_gt(o.multi, 100);
	cr_expect_gt(o.fillers, 10);
	cr_expect_gt(o.wraps, 3);
	set_mtu("emu0", 1500);
	set_mtu("emu1", 1500);
}

Test(striding, frames_that_fill_a_wqe_leave_no_filler)
{
	struct model o;

	model_new(&o, 4, 8, 3);
	traffic(&o, 16 * WINDOW, 193, 256);
	cr_expect_eq(o.fillers, 0);
	cr_expect_eq(o.wraps, 4);
}

Test(striding, two_byte_shift_moves_frames_and_counts_in_their_strides)
{
	struct model o = {.m = {.cq = kit_cq(&k, &k.b, 256),
				.depth = 4,
				.log_stride = 6,
				.log_strides = 5,
				.shift = 2}};

	kit_mpw(&k, &k.b, &o.m);
	kit_mpw_post(&o.m, 4);
	traffic(&o, 8 * WINDOW, 62, 64); /* 62 bytes still fit into one stride */
	cr_expect_gt(o.multi, 10);
	cr_expect_lt(o.multi, 8 * WINDOW);
}

/* ---- what goes wrong ------------------------------------------------------------------------- */

static void send_one(struct frame *f, unsigned len)
{
	kit_frame(&k, f, len);
	kit_send(tx, &k.a, f, 0, IBV_SEND_SIGNALED);
	kit_expect(tx_cq, IBV_WC_SUCCESS);
}

static void expect_error(struct model *o, unsigned syndrome)
{
	struct mlx5_cqe64 *cqe = kit_cqe(&o->m.cqes, 2000);

	cr_assert_not_null(cqe);
	cr_expect_eq(mlx5dv_get_cqe_opcode(cqe), MLX5_CQE_RESP_ERR);
	cr_expect_eq(((struct mlx5_err_cqe *)(void *)cqe)->syndrome, syndrome);
	cr_expect_eq(be16toh(cqe->wqe_id), (uint16_t)o->wqe);
	cr_expect_eq(STRIDES(be32toh(cqe->byte_cnt)), (1u << o->m.log_strides) - o->used);
	kit_cqe_done(&o->m.cqes, 1);
	o->wqe++;
	o->used = 0;
}

Test(striding, a_frame_longer_than_a_wqe_costs_it_and_the_queue_goes_on)
{
	struct frame f;
	struct model o;

	model_new(&o, 4, 6, 3);
	send_one(&f, 513);
	expect_error(&o, MLX5_CQE_SYNDROME_LOCAL_LENGTH_ERR);
	traffic(&o, WINDOW, 60, 64);
}

Test(striding, a_wqe_with_less_memory_than_its_strides_is_a_length_error)
{
	struct mlx5_wqe_data_seg *seg;
	struct frame f;
	struct model o;

	model_new(&o, 4, 6, 3);
	seg = (struct mlx5_wqe_data_seg *)(void *)((uint8_t *)o.m.dv.buf + 16);
	seg->byte_count = htobe32(100);
	send_one(&f, 64);
	expect(&o, &f);
	send_one(&f, 64);
	expect_error(&o, MLX5_CQE_SYNDROME_LOCAL_LENGTH_ERR);
	cr_expect_eq(o.m.mem[100], 0x5a, "written behind the memory");
}

Test(striding, a_wrong_key_stops_the_queue)
{
	struct mlx5_wqe_data_seg *seg;
	struct frame f;
	struct model o;

	model_new(&o, 2, 6, 3);
	seg = (struct mlx5_wqe_data_seg *)(void *)((uint8_t *)o.m.dv.buf + 16);
	seg->lkey ^= htobe32(1);
	send_one(&f, 64);
	expect_error(&o, MLX5_CQE_SYNDROME_LOCAL_PROT_ERR);
	expect_error(&o, MLX5_CQE_SYNDROME_WR_FLUSH_ERR);
	send_one(&f, 64);
	cr_expect_null(kit_cqe(&o.m.cqes, 50), "a stopped queue received");
}

Test(striding, a_frame_without_a_wqe_is_lost_behind_the_filler)
{
	struct frame f;
	struct model o;
	struct mlx5_cqe64 *cqe;

	model_new(&o, 2, 6, 3);
	for (unsigned i = 0; i < 2; i++) {
		send_one(&f, 257); /* five strides; the next frame needs as many */
		cqe = next_cqe(&o);
		if (i) {
			cr_expect(be32toh(cqe->byte_cnt) & FILLER);
			kit_cqe_done(&o.m.cqes, 1);
			take_strides(&o, 3);
			cqe = next_cqe(&o);
		}
		cr_expect_eq(be32toh(cqe->byte_cnt), 5u << 16 | 257);
		kit_cqe_done(&o.m.cqes, 1);
		take_strides(&o, 5);
	}
	send_one(&f, 257);
	cqe = next_cqe(&o);
	cr_expect_eq(be32toh(cqe->byte_cnt), FILLER | 3u << 16);
	kit_cqe_done(&o.m.cqes, 1);
	take_strides(&o, 3);
	cr_expect_null(kit_cqe(&o.m.cqes, 50), "a frame without a buffer came");
	kit_mpw_post(&o.m, 2);
	traffic(&o, WINDOW, 60, 64);
}

Test(striding, sizes_that_no_card_has_are_refused)
{
	struct ibv_cq *cq = kit_cq(&k, &k.b, 16);
	const struct kit_mpw wrong[] = {
		{.depth = 4, .log_stride = 5, .log_strides = 9},
		{.depth = 4, .log_stride = 14, .log_strides = 9},
		{.depth = 4, .log_stride = 6, .log_strides = stride_min() - 1},
		{.depth = 4, .log_stride = 6, .log_strides = 17},
		{.depth = 65536, .log_stride = 6, .log_strides = 9},
	};

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		errno = 0;
		cr_expect_null(kit_mpw_wq(&k, &k.b, cq, &wrong[i]), "case %u", i);
		cr_expect_eq(errno, EINVAL, "case %u: %s", i, strerror(errno));
	}
}

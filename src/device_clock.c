/* SPDX-License-Identifier: Apache-2.0 */
#include "device_clock.h"

#include <errno.h>
#include <time.h>

__extension__ typedef __int128 int128;

/*
 * A line that is drawn anew may lie before times that were told, by what the clock's rate was
 * corrected since: then it is held at the last one, and drawn again with each row until it has
 * caught up. What is more than that is a clock that somebody has set back, which is followed.
 */
enum { HELD_NS = 1000000, READS = 10 };

/* So that 1 ms can be told in cycles, and 32 bits times mult fit in 64. */
static int check(const struct mlx5dv_clock_info *info)
{
	return info->mult && info->shift <= 32 && info->mask >= UINT32_MAX ? 0 : -EPROTO;
}

/*
 * libmlx5 looks ten times in a row and gives up with EBUSY, while the kernel, which writes for some
 * nanoseconds, may have lost its core.
 */
static int read_at_last(dq_clock_read_fn read, struct ibv_context *ctx,
			struct mlx5dv_clock_info *info)
{
	const struct timespec pause = {.tv_nsec = 100000};
	int ret = read(ctx, info);

	for (int i = 0; ret == EBUSY && i < READS; i++) {
		nanosleep(&pause, NULL);
		ret = read(ctx, info);
	}
	return -ret;
}

int dq_clock_init(struct dq_clock *c, dq_clock_read_fn read, struct ibv_context *ctx)
{
	struct mlx5dv_clock_info info = {0};
	int ret = read_at_last(read, ctx, &info);

	if (!ret)
		ret = check(&info);
	if (ret)
		return ret;
	*c = (struct dq_clock){.read = read,
			       .ctx = ctx,
			       .info = info,
			       .millisecond = (1000000ull << info.shift) / info.mult};
	dq_clock_draw(c, info.last_cycles);
	return 0;
}

/* Cycles from last_cycles to the time stamp: it lies at most half a round behind or ahead. */
static int128 cycles_since(const struct mlx5dv_clock_info *info, uint64_t stamp)
{
	uint64_t ahead = (stamp - info->last_cycles) & info->mask;

	return ahead > info->mask / 2 ? (int128)ahead - info->mask - 1 : (int128)ahead;
}

/* The kernel's own line, timecounter_cyc2time(), from another point on and to the last bit. */
static void move(struct dq_clock *c, uint64_t stamp)
{
	const struct mlx5dv_clock_info *info = &c->info;
	int128 parts = (cycles_since(info, stamp) - DQ_CLOCK_BACK) * info->mult + info->frac;

	c->cycles = (uint32_t)stamp - DQ_CLOCK_BACK;
	c->ns = info->nsec + (uint64_t)(parts >> info->shift);
	c->frac = (uint64_t)parts & ((1ull << info->shift) - 1);
	c->mult = info->mult;
	c->shift = info->shift;
}

__attribute__((cold)) void dq_clock_draw(struct dq_clock *c, uint64_t stamp)
{
	struct mlx5dv_clock_info info;
	uint64_t behind;
	bool held;

	/* What a failed read has left in info may be of two times. */
	if (!c->read(c->ctx, &info))
		c->info = info;
	move(c, stamp);
	behind = c->told - dq_clock_ns(c, stamp);
	held = behind - 1 < HELD_NS;
	if (held)
		c->ns += behind;
	c->drawn = stamp;
	c->period = held ? 0 : c->millisecond;
}

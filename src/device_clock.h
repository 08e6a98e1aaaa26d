/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nanoseconds of a device's free-running counter, of what the kernel tells in a page that it shares
 * (struct mlx5dv_clock_info): at last_cycles it was nsec, and how many nanoseconds a cycle takes.
 * It corrects these as the clock is disciplined, and in any case before the counter, of which only
 * the bits of mask are compared, has come half way round.
 *
 * Each queue has a clock of its own, which only its thread touches: a straight line through what
 * the kernel told last. It is drawn anew from a time stamp on that lies more than a period beyond
 * the one that it was drawn for, and so never by packet, nor with a system call.
 */
#ifndef DQ_DEVICE_CLOCK_H
#define DQ_DEVICE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <infiniband/mlx5dv.h>

#define DQ_CLOCK_BACK (1u << 30) /* cycles that the line begins before the time stamp it is for */
#define DQ_CLOCK_SPAN (1u << 31) /* cycles behind that, for which 32 bits of a stamp do */

/* mlx5dv_get_clock_info(), but for tests. */
typedef int (*dq_clock_read_fn)(struct ibv_context *ctx, struct mlx5dv_clock_info *info);

struct dq_clock {
	/* The line: ns + (((uint32_t)(stamp - cycles) * mult + frac) >> shift) */
	uint64_t ns, frac;
	uint32_t cycles;
	uint32_t mult, shift;

	uint64_t drawn;	 /* the time stamp that the line is for */
	uint64_t period; /* cycles behind it after which it is drawn anew; 0: it always is */
	uint64_t told;	 /* the latest time: none before it is told */

	uint64_t millisecond;	       /* in cycles */
	struct mlx5dv_clock_info info; /* as read last */
	dq_clock_read_fn read;
	struct ibv_context *ctx;
};

/*
 * Reads the page for the first time, again for a millisecond or so while the kernel writes it. 0,
 * or the negative errno of read.
 */
int dq_clock_init(struct dq_clock *c, dq_clock_read_fn read, struct ibv_context *ctx);

/* Draws the line for this time stamp: while the kernel writes the page, from what it was before. */
void dq_clock_draw(struct dq_clock *c, uint64_t stamp);

static inline void dq_clock_follow(struct dq_clock *c, uint64_t stamp)
{
	if (__builtin_expect(stamp - c->drawn >= c->period, 0))
		dq_clock_draw(c, stamp);
}

/*
 * Whether the line serves for a row of time stamps. One that took longer than that is rare, and
 * told packet by packet.
 */
static inline bool dq_clock_covers(struct dq_clock *c, uint64_t first, uint64_t last)
{
	dq_clock_follow(c, first);
	return last - c->drawn < DQ_CLOCK_SPAN;
}

static inline uint64_t dq_clock_ns(const struct dq_clock *c, uint64_t stamp)
{
	return c->ns + (((uint64_t)((uint32_t)stamp - c->cycles) * c->mult + c->frac) >> c->shift);
}

/* The time of one stamp, whenever the last one was. */
static inline uint64_t dq_clock_tell(struct dq_clock *c, uint64_t stamp)
{
	dq_clock_follow(c, stamp);
	c->told = dq_clock_ns(c, stamp);
	return c->told;
}

/*
 * Nothing had come: the next time stamp may be of any time. Without this the counter's wrap could
 * make one look recent.
 */
static inline void dq_clock_idle(struct dq_clock *c)
{
	c->period = 0;
}

#endif

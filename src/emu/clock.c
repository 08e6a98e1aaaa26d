/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <stdatomic.h>
#include <time.h>

/* As the kernel's cyclecounter has them (mlx5_init_timer_clock); a cycle is a nanosecond. */
#define SHIFT	    21u
#define MASK	    ((1ULL << 41) - 1)
#define OVERFLOW_NS (MASK / 2)
#define UPDATE_NS   1000000000u /* the kernel's own update, so that changes of the time show */

static LIST_HEAD(, emu_clock_pages) clocks = LIST_HEAD_INITIALIZER(clocks);
static uint64_t next_update;

static uint64_t time_of_day(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* As mlx5_update_clock_info_page() does it; the program reads sign before and after. */
static void update_info(struct emu_clock_info *info, uint64_t ns, uint64_t day)
{
	uint32_t sign = __atomic_load_n(&info->sign, __ATOMIC_RELAXED);

	__atomic_store_n(&info->sign, sign | 1, __ATOMIC_RELAXED);
	/* release: who sees a new number sees the odd sign; pairs with the program's first read */
	atomic_thread_fence(memory_order_release);
	info->nsec = day;
	info->cycles = ns & MASK;
	info->frac = 0;
	info->mult = 1u << SHIFT;
	info->shift = SHIFT;
	info->mask = MASK;
	info->overflow_period = OVERFLOW_NS;
	/* release: who sees this sign sees all numbers */
	__atomic_store_n(&info->sign, (sign | 1) + 1, __ATOMIC_RELEASE);
}

static void set_core(struct emu_clock_pages *clock, uint64_t ns)
{
	/* one store: the reader looks at the high half before and after the low one */
	if (clock->core)
		__atomic_store_n(clock->core, (EMU_FORCE uint64_t)emu_to_be64(ns),
				 __ATOMIC_RELEASE);
}

void emu_clock_add(struct emu_clock_pages *clock)
{
	struct timespec ts;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	set_core(clock, ns);
	update_info(clock->info, ns, time_of_day());
	LIST_INSERT_HEAD(&clocks, clock, link);
}

void emu_clock_remove(struct emu_clock_pages *clock)
{
	LIST_REMOVE(clock, link);
}

void emu_clock_forget(void)
{
	LIST_INIT(&clocks);
}

void emu_clock_tick(uint64_t ns)
{
	struct emu_clock_pages *clock;
	uint64_t day;

	LIST_FOREACH (clock, &clocks, link)
		set_core(clock, ns);
	if (ns < next_update)
		return;
	next_update = ns + UPDATE_NS;
	day = time_of_day();
	LIST_FOREACH (clock, &clocks, link)
		update_info(clock->info, ns, day);
}

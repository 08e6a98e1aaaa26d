/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <stdatomic.h>
#include <time.h>

/* As the kernel's cyclecounter has them (mlx5_init_timer_clock); a cycle is a nanosecond. */
#define SHIFT	  21u
#define BITS	  41u /* that the kernel compares at most */
#define UPDATE_NS 1000000000u

#define PPM	50 /* of drift */
#define MILLION 1000000

/* A clock that is so far from the time of day was set: the page follows. */
#define SET_NS 50000000u

static LIST_HEAD(, emu_clock_pages) clocks = LIST_HEAD_INITIALIZER(clocks);
static uint64_t next_update;

static int drift_ppm(void)
{
	static const int ppm[] = {
		[EMU_DRIFT_NONE] = 0, [EMU_DRIFT_FAST] = PPM, [EMU_DRIFT_SLOW] = -PPM};

	return ppm[emu_settings.clock_drift];
}

uint64_t emu_clock_count(uint64_t ns)
{
	uint64_t cycles = ns + (uint64_t)((int64_t)ns * drift_ppm() / MILLION);

	return cycles & ((1ULL << emu_settings.clock_bits) - 1);
}

/* Nanoseconds of a cycle, after the drift was found and corrected. */
static uint32_t kernel_mult(void)
{
	uint64_t rate = (uint64_t)(MILLION + drift_ppm());

	return (uint32_t)((((uint64_t)MILLION << SHIFT) + rate / 2) / rate);
}

static uint64_t kernel_mask(void)
{
	unsigned bits = emu_settings.clock_bits < BITS ? emu_settings.clock_bits : BITS;

	return (1ULL << bits) - 1;
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The time of day at ns. The clocks are read again where the thread lost its core in between. */
static uint64_t day_at(uint64_t ns)
{
	uint64_t before, day;
	int tries = 8;

	do {
		before = read_clock(CLOCK_MONOTONIC);
		day = read_clock(CLOCK_REALTIME);
	} while (read_clock(CLOCK_MONOTONIC) - before > SET_NS / 10 && --tries);
	return day - (before - ns);
}

/* timecounter_read(): what it was, and the cycles since; unless the time of day was set. */
static void count_on(struct emu_clock_info *info, uint64_t cycles, uint64_t day)
{
	uint64_t parts = ((cycles - info->cycles) & info->mask) * info->mult + info->frac;
	uint64_t ns = info->nsec + (parts >> SHIFT);

	info->frac = parts & ((1u << SHIFT) - 1);
	if (ns - day > SET_NS && day - ns > SET_NS) {
		ns = day;
		info->frac = 0;
	}
	info->nsec = ns;
	info->cycles = cycles;
}

/* As mlx5_update_clock_info_page() does it; the program reads sign before and after. */
static void update_info(struct emu_clock_info *info, uint64_t ns, uint64_t day)
{
	uint32_t sign = __atomic_load_n(&info->sign, __ATOMIC_RELAXED);

	__atomic_store_n(&info->sign, sign | 1, __ATOMIC_RELAXED);
	/* release: who sees a new number sees the odd sign; pairs with the program's first read */
	atomic_thread_fence(memory_order_release);
	info->mult = kernel_mult();
	info->shift = SHIFT;
	info->mask = kernel_mask();
	info->overflow_period = info->mask / 2;
	count_on(info, emu_clock_count(ns) & info->mask, day);
	/* release: who sees this sign sees all numbers */
	__atomic_store_n(&info->sign, (sign | 1) + 1, __ATOMIC_RELEASE);
}

static void set_core(struct emu_clock_pages *clock, uint64_t ns)
{
	/* one store: the reader looks at the high half before and after the low one */
	if (clock->core)
		__atomic_store_n(clock->core, (EMU_FORCE uint64_t)emu_to_be64(emu_clock_count(ns)),
				 __ATOMIC_RELEASE);
}

void emu_clock_add(struct emu_clock_pages *clock)
{
	uint64_t ns = read_clock(CLOCK_MONOTONIC);

	set_core(clock, ns);
	update_info(clock->info, ns, day_at(ns));
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
	day = day_at(ns);
	LIST_FOREACH (clock, &clocks, link)
		update_info(clock->info, ns, day);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What time it is for the device: read once a burst, and different for every CQE. Engine's thread.
 */
#include <time.h>

#include "clock.h"
#include "emu_dev.h"

static struct {
	bool mono_read, real_read;
	uint64_t mono, real;
} now;

void emu_time_expire(void)
{
	now.mono_read = false;
	now.real_read = false;
}

static uint64_t read_mono(void)
{
	struct timespec ts;
	uint64_t ns;

	if (now.mono_read)
		return now.mono;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	now.mono = ns > now.mono ? ns : now.mono; /* a burst may have counted ahead */
	now.mono_read = true;
	return now.mono;
}

static uint64_t read_real(void)
{
	struct timespec ts;

	if (!now.real_read) {
		clock_gettime(CLOCK_REALTIME, &ts);
		now.real = (uint64_t)ts.tv_sec << 32 | (uint64_t)ts.tv_nsec;
		now.real_read = true;
	}
	return now.real;
}

uint64_t emu_time_ns(void)
{
	return read_mono();
}

uint64_t emu_time_clock(bool realtime)
{
	return realtime ? read_real() : emu_clock_count(read_mono());
}

/* --break clock-back, clock-rate: else the right time */
static uint64_t broken_time(void)
{
	static unsigned count;
	uint64_t t = read_mono();

	now.mono++;
	if (emu_broken(CLOCK_BACK) && ++count % 63 == 0)
		return emu_clock_count(t - 1000000000);
	return emu_clock_count(emu_broken(CLOCK_RATE) ? t + t / 2 : t);
}

/* The free-running counter ticks in nanoseconds: device_frequency_khz is 1000000. */
uint64_t emu_time_cqe(bool realtime)
{
	if (emu_settings.broken && !realtime)
		return broken_time();
	if (!realtime) {
		read_mono();
		return emu_clock_count(now.mono++);
	}
	read_real();
	if ((uint32_t)now.real < 999999999u)
		now.real++;
	return now.real;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cuFFT for tests: libcufft.so.12. It tells what it was asked for, and computes nothing. */
#include "fake_cuda.h"

enum { PLANS = 16, INVALID = 4 };

static struct {
	int points, count;
	void *stream;
} plans[PLANS];

FAKE_EXPORT int cufftPlan1d(int *plan, int points, int type, int count);
FAKE_EXPORT int cufftPlan1d(int *plan, int points, int type, int count)
{
	static int n;

	if (!fake_current() || type != 0x29 || n == PLANS || fake_fails("fft"))
		return INVALID;
	*plan = n++;
	plans[*plan].points = points;
	plans[*plan].count = count;
	fake_log("fft plan %d points %d count %d", *plan, points, count);
	return 0;
}

FAKE_EXPORT int cufftSetStream(int plan, void *stream);
FAKE_EXPORT int cufftSetStream(int plan, void *stream)
{
	plans[plan].stream = stream;
	return 0;
}

FAKE_EXPORT int cufftExecC2C(int plan, void *in, void *out, int direction);
FAKE_EXPORT int cufftExecC2C(int plan, void *in, void *out, int direction)
{
	size_t size = 8 * (size_t)plans[plan].points * (size_t)plans[plan].count;

	if (!fake_current() || !plans[plan].stream || direction != -1 || fake_fails("exec"))
		return INVALID;
	if (!fake_bytes((uint64_t)(uintptr_t)in, size) ||
	    !fake_bytes((uint64_t)(uintptr_t)out, size))
		return INVALID;
	fake_log("fft %d", plan);
	return 0;
}

FAKE_EXPORT int cufftDestroy(int plan);
FAKE_EXPORT int cufftDestroy(int plan)
{
	fake_log("fft plan %d ends", plan);
	return 0;
}

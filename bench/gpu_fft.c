/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "gpu_fft.h"
#include "msg.h"

/* cufft.h */
enum { CUFFT_C2C = 0x29, CUFFT_FORWARD = -1 };

static struct {
	int (*plan)(int *plan, int points, int type, int count);
	int (*set_stream)(int plan, struct CUstream_st *stream);
	int (*exec)(int plan, void *in, void *out, int direction);
	int (*destroy)(int plan);
} fft;

static int find(void *lib, const char *name, void *function)
{
	void *symbol = dlsym(lib, name);

	memcpy(function, &symbol, sizeof(symbol));
	return symbol ? 0 : perf_fail("--workload fft: this libcufft lacks %s", name);
}

static int load(void)
{
	static const char *const names[] = {"libcufft.so.12", "libcufft.so.11", "libcufft.so.10",
					    "libcufft.so"};
	void *lib = NULL;

	if (fft.plan)
		return 0;
	for (unsigned i = 0; !lib && i < sizeof(names) / sizeof(names[0]); i++)
		lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return perf_fail("--workload fft: cuFFT is not here (libcufft.so.12, .11 or .10 of "
				 "the CUDA toolkit): install it, or use --workload copy");
	if (find(lib, "cufftSetStream", &fft.set_stream) || find(lib, "cufftExecC2C", &fft.exec) ||
	    find(lib, "cufftDestroy", &fft.destroy))
		return -1;
	return find(lib, "cufftPlan1d", &fft.plan);
}

int perf_fft_plan(int *plan, unsigned points, unsigned count, struct CUstream_st *stream)
{
	int error;

	if (load())
		return -1;
	error = fft.plan(plan, (int)points, CUFFT_C2C, (int)count);
	if (error) {
		*plan = -1;
		return perf_fail("--workload fft: cufftPlan1d(%u points, %u at once): error %d",
				 points, count, error);
	}
	error = fft.set_stream(*plan, stream);
	return error ? perf_fail("--workload fft: cufftSetStream: error %d", error) : 0;
}

void perf_fft_free(int plan)
{
	if (plan >= 0)
		fft.destroy(plan);
}

int perf_fft_start(int plan, unsigned long long in, unsigned long long out)
{
	return fft.exec(plan, (void *)(uintptr_t)in, (void *)(uintptr_t)out, CUFFT_FORWARD);
}

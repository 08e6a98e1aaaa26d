/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What daqiri-perf's kernels cost on this machine's GPU, beside a copy of as many bytes by the
 * driver: make bench-gpu. No NIC is involved, real or emulated.
 *     gpu-bench [FRAMES]    frames of a launch, 65536 unless given
 * Every frame that was written is checked, and a wrong one ends the program with 1.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "gpu_abi.h"
#include "gpu_driver.h"
#include "msg.h"

enum { ID = 0x1234, LAPS = 20, WARM = 3 };

static struct {
	unsigned (*elapsed)(float *ms, struct CUevent_st *from, struct CUevent_st *to);
	unsigned (*copy)(unsigned long long to, unsigned long long from, size_t n,
			 struct CUstream_st *stream);
	unsigned (*clear)(unsigned long long at, unsigned char byte, size_t n);
} more;

/* One row of the table. */
struct row {
	const struct perf_gpu *gpu;
	struct CUstream_st *stream;
	struct CUevent_st *from, *to;
	uint32_t n, size, stride;
	struct perf_shared pkts, results;
	unsigned long long slots, packed, constants;
};

static int load_more(void)
{
	/* never closed: perf_gpu_open() has loaded it for good */
	void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
	void *elapsed = lib ? dlsym(lib, "cuEventElapsedTime") : NULL;
	void *copy = lib ? dlsym(lib, "cuMemcpyDtoDAsync_v2") : NULL;
	void *clear = lib ? dlsym(lib, "cuMemsetD8_v2") : NULL;

	memcpy(&more.elapsed, &elapsed, sizeof(elapsed));
	memcpy(&more.copy, &copy, sizeof(copy));
	memcpy(&more.clear, &clear, sizeof(clear));
	/* cppcheck-suppress resourceLeak */
	return elapsed && copy && clear ? 0 : perf_fail("this libcuda.so.1 is too old");
}

static void describe(const struct row *r)
{
	struct daqiri_pkt *pkts = r->pkts.host;

	for (uint32_t i = 0; i < r->n; i++)
		pkts[i] = (struct daqiri_pkt){.addr = r->slots + (uint64_t)i * r->stride,
					      .len = r->size};
}

/* Headers of the one size, then the one stream that is expected. */
static int make_constants(struct row *r)
{
	struct perf_flow flow = {.vlan = -1, .src_ip = {198, 18, 0, 1}, .dst_ip = {198, 18, 0, 2}};
	struct {
		struct perf_headers headers;
		struct perf_gpu_expect expect;
	} c;

	memset(&c, 0, sizeof(c));
	perf_headers_build(&c.headers, &flow, r->size);
	c.expect.id = ID;
	c.expect.dst_lo = 5000;
	c.expect.dst_hi = 5000;
	memcpy(c.expect.dst_ip, flow.dst_ip, sizeof(flow.dst_ip));
	return perf_gpu_memory(&r->constants, &c, sizeof(c));
}

/* The gaps between frames are copied with them: compute-sanitizer wants them written. */
static int make(struct row *r)
{
	size_t bytes = (size_t)r->n * r->stride;

	return perf_shared_make(&r->pkts, r->n * sizeof(struct daqiri_pkt)) ||
	       perf_shared_make(&r->results, r->n * sizeof(struct perf_gpu_result)) ||
	       perf_gpu_memory(&r->slots, NULL, bytes) || more.clear(r->slots, 0, bytes) ||
	       perf_gpu_memory(&r->packed, NULL, bytes) || make_constants(r);
}

static void unmake(struct row *r)
{
	perf_shared_free(&r->pkts);
	perf_shared_free(&r->results);
	perf_cuda()->cuMemFree_v2(r->slots);
	perf_cuda()->cuMemFree_v2(r->packed);
	perf_cuda()->cuMemFree_v2(r->constants);
}

static unsigned fill(struct row *r)
{
	struct perf_gpu_fill p = {.pkts = r->pkts.gpu,
				  .headers = r->constants,
				  .n = r->n,
				  .n_sizes = 1,
				  .n_src = 64,
				  .n_dst = 1,
				  .src_lo = 4000,
				  .dst_lo = 5000,
				  .stream = ID,
				  .type = PERF_DATA};

	return perf_gpu_launch(r->gpu, PERF_KERNEL_FILL, r->n, &p, r->stream);
}

static unsigned check(struct row *r)
{
	struct perf_gpu_check p = {.pkts = r->pkts.gpu,
				   .results = r->results.gpu,
				   .expects = r->constants + sizeof(struct perf_headers),
				   .n = r->n,
				   .n_expects = 1,
				   .mode = PERF_GPU_FULL};

	return perf_gpu_launch(r->gpu, PERF_KERNEL_CHECK, r->n, &p, r->stream);
}

static unsigned gather(struct row *r)
{
	struct perf_gpu_gather p = {.pkts = r->pkts.gpu,
				    .out = r->packed,
				    .n = r->n,
				    .skip = 60,
				    .length = r->size > 68 ? (r->size - 60) / 8 * 8 : 8};

	return perf_gpu_launch(r->gpu, PERF_KERNEL_GATHER, r->n, &p, r->stream);
}

static unsigned copy(struct row *r)
{
	return more.copy(r->packed, r->slots, (size_t)r->n * r->size, r->stream);
}

/* Microseconds of one; below 0 after a message. */
static double time_of(struct row *r, unsigned (*work)(struct row *r))
{
	const struct perf_cuda *cu = perf_cuda();
	unsigned error = 0;
	float ms = 0;

	for (int i = 0; !error && i < WARM + LAPS; i++) {
		if (i == WARM)
			error = cu->cuEventRecord(r->from, r->stream);
		if (!error)
			error = work(r);
	}
	if (!error)
		error = cu->cuEventRecord(r->to, r->stream);
	if (!error)
		error = cu->cuStreamSynchronize(r->stream);
	if (!error)
		error = more.elapsed(&ms, r->from, r->to);
	if (error)
		return perf_cuda_fail("a kernel", error);
	return (double)ms * 1e3 / LAPS;
}

static int judge(const struct row *r)
{
	const struct perf_gpu_result *res = r->results.host;

	for (uint32_t i = 0; i < r->n; i++)
		if (res[i].judgement != PERF_GPU_GOOD || res[i].seq != i || res[i].stream != ID)
			return perf_fail("frame %u of %u bytes: judgement %u, number %llu", i,
					 r->size, res[i].judgement, (unsigned long long)res[i].seq);
	return 0;
}

static int run(struct row *r)
{
	static const struct {
		const char *name;
		unsigned (*work)(struct row *r);
		unsigned passes; /* over the frames' bytes */
	} works[] = {
		{"fill", fill, 1}, {"check", check, 1}, {"gather", gather, 2}, {"copy", copy, 2}};

	for (unsigned i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		double us = time_of(r, works[i].work);

		if (us < 0 || (works[i].work == check && judge(r)))
			return -1;
		printf("%-6s  %5u bytes  %6u frames  %9.2f us  %8.1f Mframes/s  %7.1f GB/s\n",
		       works[i].name, r->size, r->n, us, r->n / us,
		       (double)works[i].passes * r->n * r->size / us / 1e3);
	}
	return 0;
}

/* Within the GPU's context. */
static int table(struct row *r, uint32_t n)
{
	static const uint32_t sizes[] = {64, 256, 1500, 8000};
	uint32_t counts[2] = {256, n};
	int ret = 0;

	for (unsigned i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]) && !ret; i++) {
		r->size = sizes[i / 2];
		r->stride = (r->size + 63) / 64 * 64;
		r->n = counts[i % 2];
		ret = make(r);
		if (!ret) {
			describe(r);
			ret = run(r);
		}
		unmake(r);
	}
	return ret;
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 65536;
	struct row r = {0};
	const struct perf_cuda *cu = perf_cuda();
	int ret = -1;

	if (!n || !perf_gpu_built())
		return perf_fail("no frames, or built without CUDA kernels") ? 2 : 0;
	r.gpu = perf_gpu_open(0);
	if (!r.gpu || load_more())
		return 77;
	perf_gpu_enter(r.gpu);
	if (!cu->cuStreamCreate(&r.stream, PERF_CU_NON_BLOCKING) &&
	    !cu->cuEventCreate(&r.from, 0) && !cu->cuEventCreate(&r.to, 0)) {
		printf("# %s\n", r.gpu->name);
		ret = table(&r, n);
	}
	if (r.from)
		cu->cuEventDestroy_v2(r.from);
	if (r.to)
		cu->cuEventDestroy_v2(r.to);
	if (r.stream)
		cu->cuStreamDestroy_v2(r.stream);
	perf_gpu_leave();
	perf_gpu_close_all();
	return ret ? 1 : 0;
}

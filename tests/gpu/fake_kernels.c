/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules and launches: the kernels of daqiri-perf, their bodies compiled for this CPU. What a
 * stream is given waits, as on a GPU: it is done when the program asks for the second time whether
 * it is, or waits for the stream.
 */
#define _GNU_SOURCE
#include "fake_cuda.h"

#include <stdlib.h>
#include <string.h>

static __thread bool fault;

/* As a GPU has it; an address that is nobody's is an error of the launch. */
static void *reach(uint64_t addr, size_t n)
{
	static uint8_t nowhere[1 << 16];
	uint8_t *at = fake_bytes(addr, n);

	fault |= !at;
	return at ? at : nowhere;
}

#define perf_at(addr, n) reach(addr, n)
#include "gpu_body.h"

enum { WAITING = 64, PARAMS = 128 };

struct kernel {
	const char *name;
	size_t params;
	void (*run)(const void *params);
};

static void check(const void *params)
{
	const struct perf_gpu_check *p = params;

	for (uint32_t i = 0; i < p->n; i++)
		perf_gpu_check_one(p, i);
}

static void fill(const void *params)
{
	const struct perf_gpu_fill *p = params;

	for (uint32_t i = 0; i < p->n; i++)
		perf_gpu_fill_one(p, i);
}

static void gather(const void *params)
{
	const struct perf_gpu_gather *p = params;

	for (uint32_t i = 0; i < p->n; i++)
		perf_gpu_gather_one(p, i);
}

static const struct kernel kernels[] = {
	{"perf_gpu_check", sizeof(struct perf_gpu_check), check},
	{"perf_gpu_fill", sizeof(struct perf_gpu_fill), fill},
	{"perf_gpu_gather", sizeof(struct perf_gpu_gather), gather},
};

struct event {
	bool done;
	unsigned asked;
	struct stream *stream;
};

/* A launch, or an event that is reached. */
struct work {
	const struct kernel *kernel;
	struct event *event;
	uint64_t params[PARAMS / 8];
};

struct stream {
	unsigned n, error;
	struct work work[WAITING];
};

/* ---- modules --------------------------------------------------------------------------------- */

FAKE_EXPORT unsigned cuModuleLoadData(void **module, const void *image);
FAKE_EXPORT unsigned cuModuleLoadData(void **module, const void *image)
{
	if (!fake_current())
		return FAKE_INVALID_CONTEXT;
	if (fake_fails("module") || !strstr(image, ".version") || !strstr(image, ".target sm_7"))
		return FAKE_INVALID_IMAGE;
	*module = strdup(image);
	fake_log("module");
	return *module ? FAKE_OK : FAKE_OUT_OF_MEMORY;
}

FAKE_EXPORT unsigned cuModuleUnload(void *module);
FAKE_EXPORT unsigned cuModuleUnload(void *module)
{
	free(module);
	fake_log("module ends");
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuModuleGetFunction(const void **function, void *module, const char *name);
FAKE_EXPORT unsigned cuModuleGetFunction(const void **function, void *module, const char *name)
{
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		if (strcmp(kernels[i].name, name) != 0 || !strstr(module, name))
			continue;
		*function = &kernels[i];
		return FAKE_OK;
	}
	return FAKE_NOT_FOUND;
}

/* ---- streams --------------------------------------------------------------------------------- */

/* All that waits, up to an event; NULL: everything. */
static void catch_up(struct stream *s, const struct event *until)
{
	unsigned n = 0;
	bool reached = false;

	fake_copies_end(s);
	while (n < s->n && !reached) {
		struct work *w = &s->work[n++];

		if (w->event) {
			w->event->done = true;
			reached = w->event == until;
			continue;
		}
		fault = false;
		w->kernel->run(w->params);
		if (fault || fake_fails("kernel"))
			s->error = FAKE_ILLEGAL_ADDRESS;
	}
	s->n -= n;
	memmove(s->work, s->work + n, s->n * sizeof(s->work[0]));
}

static unsigned add(struct stream *s, const struct work *w)
{
	if (s->n == WAITING)
		catch_up(s, NULL);
	s->work[s->n++] = *w;
	return s->error;
}

FAKE_EXPORT unsigned cuStreamCreate(struct stream **stream, unsigned flags);
FAKE_EXPORT unsigned cuStreamCreate(struct stream **stream, unsigned flags)
{
	(void)flags;
	if (!fake_current())
		return FAKE_INVALID_CONTEXT;
	*stream = calloc(1, sizeof(**stream));
	return *stream ? FAKE_OK : FAKE_OUT_OF_MEMORY;
}

FAKE_EXPORT unsigned cuStreamDestroy_v2(struct stream *stream);
FAKE_EXPORT unsigned cuStreamDestroy_v2(struct stream *stream)
{
	free(stream);
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuStreamSynchronize(struct stream *stream);
FAKE_EXPORT unsigned cuStreamSynchronize(struct stream *stream)
{
	if (!fake_current())
		return FAKE_INVALID_CONTEXT;
	catch_up(stream, NULL);
	return stream->error;
}

FAKE_EXPORT unsigned cuEventCreate(struct event **event, unsigned flags);
FAKE_EXPORT unsigned cuEventCreate(struct event **event, unsigned flags)
{
	(void)flags;
	if (!fake_current())
		return FAKE_INVALID_CONTEXT;
	*event = calloc(1, sizeof(**event));
	return *event ? FAKE_OK : FAKE_OUT_OF_MEMORY;
}

FAKE_EXPORT unsigned cuEventDestroy_v2(struct event *event);
FAKE_EXPORT unsigned cuEventDestroy_v2(struct event *event)
{
	free(event);
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuEventRecord(struct event *event, struct stream *stream);
FAKE_EXPORT unsigned cuEventRecord(struct event *event, struct stream *stream)
{
	*event = (struct event){.stream = stream};
	return add(stream, &(struct work){.event = event});
}

FAKE_EXPORT unsigned cuEventQuery(struct event *event);
FAKE_EXPORT unsigned cuEventQuery(struct event *event)
{
	if (!event->done && !event->asked++)
		return FAKE_NOT_READY;
	if (!event->done)
		catch_up(event->stream, event);
	return event->stream ? event->stream->error : FAKE_OK;
}

/* All takes a microsecond. */
FAKE_EXPORT unsigned cuEventElapsedTime(float *ms, struct event *from, struct event *to);
FAKE_EXPORT unsigned cuEventElapsedTime(float *ms, struct event *from, struct event *to)
{
	*ms = 0.001f;
	return from->done && to->done ? FAKE_OK : FAKE_NOT_READY;
}

FAKE_EXPORT unsigned cuMemsetD8_v2(unsigned long long at, unsigned char byte, size_t n);
FAKE_EXPORT unsigned cuMemsetD8_v2(unsigned long long at, unsigned char byte, size_t n)
{
	uint8_t *bytes = fake_bytes(at, n);

	if (!bytes)
		return FAKE_INVALID_VALUE;
	memset(bytes, byte, n);
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuMemcpyDtoDAsync_v2(unsigned long long to, unsigned long long from, size_t n,
					  struct stream *stream);
FAKE_EXPORT unsigned cuMemcpyDtoDAsync_v2(unsigned long long to, unsigned long long from, size_t n,
					  struct stream *stream)
{
	catch_up(stream, NULL);
	if (!fake_bytes(to, n) || !fake_bytes(from, n))
		return FAKE_INVALID_VALUE;
	memcpy(fake_bytes(to, n), fake_bytes(from, n), n);
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuLaunchKernel(const struct kernel *kernel, unsigned grid_x, unsigned grid_y,
				    unsigned grid_z, unsigned block_x, unsigned block_y,
				    unsigned block_z, unsigned shared, struct stream *stream,
				    void **params, void **extra);
FAKE_EXPORT unsigned cuLaunchKernel(const struct kernel *kernel, unsigned grid_x, unsigned grid_y,
				    unsigned grid_z, unsigned block_x, unsigned block_y,
				    unsigned block_z, unsigned shared, struct stream *stream,
				    void **params, void **extra)
{
	struct work w = {.kernel = kernel};

	(void)shared;
	if (!fake_current())
		return FAKE_INVALID_CONTEXT;
	if (fake_fails("launch") || !grid_x || grid_y != 1 || grid_z != 1 || !block_x ||
	    block_x > 1024 || block_y != 1 || block_z != 1 || extra)
		return FAKE_INVALID_VALUE;
	memcpy(w.params, params[0], kernel->params);
	return add(stream, &w);
}

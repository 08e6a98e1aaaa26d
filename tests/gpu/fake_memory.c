/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: each allocation is a sealed memfd, mapped once for the driver's own copies. The address
 * that programs get is reserved and cannot be touched.
 */
#define _GNU_SOURCE
#include "fake_cuda.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALLOCATIONS = 256 };

struct allocation {
	uint64_t addr, size;  /* as the program has it */
	uint64_t base, whole; /* the pages that it lies in */
	uint8_t *bytes;	      /* of base, for us */
	int fd, device;
	bool host, sync;
};

static struct allocation allocations[ALLOCATIONS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct allocation *find(uint64_t addr)
{
	for (int i = 0; i < ALLOCATIONS; i++)
		if (allocations[i].whole && addr >= allocations[i].addr &&
		    addr - allocations[i].addr < allocations[i].size)
			return &allocations[i];
	return NULL;
}

static struct allocation *unused(void)
{
	for (int i = 0; i < ALLOCATIONS; i++)
		if (!allocations[i].whole)
			return &allocations[i];
	return NULL;
}

static uint64_t total(int device)
{
	uint64_t sum = 0;

	for (int i = 0; i < ALLOCATIONS; i++)
		if (!allocations[i].host && allocations[i].device == device)
			sum += allocations[i].whole;
	return sum;
}

/* ---- a GPU's --------------------------------------------------------------------------------- */

static bool back(struct allocation *a)
{
	void *at;

	a->fd = memfd_create("fake-gpu", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (a->fd < 0 || ftruncate(a->fd, (off_t)a->whole) ||
	    fcntl(a->fd, F_ADD_SEALS, F_SEAL_SHRINK))
		return false;
	a->bytes = mmap(NULL, a->whole, PROT_READ | PROT_WRITE, MAP_SHARED, a->fd, 0);
	at = mmap(NULL, a->whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	a->base = (uint64_t)(uintptr_t)at;
	return a->bytes != MAP_FAILED && at != MAP_FAILED;
}

static unsigned make(unsigned long long *ptr, size_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), skew = fake_number("FAKE_CUDA_SKEW", 0);
	struct CUctx_st *ctx = fake_current();
	struct allocation *a = unused();

	if (!ctx || !a || !size)
		return ctx ? FAKE_INVALID_VALUE : FAKE_INVALID_CONTEXT;
	if (fake_fails("alloc") || size > fake_gpu(ctx->device)->memory - total(ctx->device))
		return FAKE_OUT_OF_MEMORY;
	*a = (struct allocation){.size = size, .device = ctx->device};
	a->whole = (size + skew + page - 1) & ~(page - 1);
	if (!back(a)) {
		a->whole = 0;
		return FAKE_OUT_OF_MEMORY;
	}
	a->addr = a->base + skew;
	*ptr = a->addr;
	fake_log("alloc %zu on %d", size, ctx->device);
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuMemAlloc_v2(unsigned long long *ptr, size_t size);
FAKE_EXPORT unsigned cuMemAlloc_v2(unsigned long long *ptr, size_t size)
{
	unsigned error;

	pthread_mutex_lock(&lock);
	error = make(ptr, size);
	pthread_mutex_unlock(&lock);
	return error;
}

FAKE_EXPORT unsigned cuMemFree_v2(unsigned long long ptr);
FAKE_EXPORT unsigned cuMemFree_v2(unsigned long long ptr)
{
	struct allocation *a;

	pthread_mutex_lock(&lock);
	a = find(ptr);
	if (a && a->addr == ptr && !a->host) {
		munmap((void *)(uintptr_t)a->base, a->whole);
		munmap(a->bytes, a->whole);
		close(a->fd);
		fake_log("free %zu on %d", (size_t)a->size, a->device);
		a->whole = 0;
	}
	pthread_mutex_unlock(&lock);
	if (!fake_current())
		return FAKE_INVALID_CONTEXT;
	return a ? FAKE_OK : FAKE_INVALID_VALUE;
}

FAKE_EXPORT unsigned cuMemGetInfo_v2(size_t *available, size_t *bytes);
FAKE_EXPORT unsigned cuMemGetInfo_v2(size_t *available, size_t *bytes)
{
	struct CUctx_st *ctx = fake_current();

	if (!ctx)
		return FAKE_INVALID_CONTEXT;
	*bytes = fake_gpu(ctx->device)->memory;
	*available = *bytes - total(ctx->device);
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuMemGetHandleForAddressRange(void *handle, unsigned long long ptr,
						   size_t size, unsigned type,
						   unsigned long long flags);
FAKE_EXPORT unsigned cuMemGetHandleForAddressRange(void *handle, unsigned long long ptr,
						   size_t size, unsigned type,
						   unsigned long long flags)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned error = FAKE_INVALID_VALUE;
	struct allocation *a = NULL;

	(void)flags;
	if (!fake_current())
		return FAKE_INVALID_CONTEXT;
	if (fake_fails("export"))
		return FAKE_NOT_SUPPORTED;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < ALLOCATIONS; i++)
		if (allocations[i].whole && ptr == allocations[i].base)
			a = &allocations[i];
	/* whole pages of one allocation; a memfd can be handed out whole only */
	if (type == 1 && a && !a->host && size == a->whole && !((ptr | size) & (page - 1))) {
		*(int *)handle = fcntl(a->fd, F_DUPFD_CLOEXEC, 0);
		fake_log("export %zu", size);
		error = fake_gpu(a->device)->dmabuf ? FAKE_OK : FAKE_NOT_SUPPORTED;
	}
	pthread_mutex_unlock(&lock);
	return error;
}

/* ---- the host's ------------------------------------------------------------------------------ */

FAKE_EXPORT unsigned cuMemHostAlloc(void **ptr, size_t size, unsigned flags);
FAKE_EXPORT unsigned cuMemHostAlloc(void **ptr, size_t size, unsigned flags)
{
	struct CUctx_st *ctx = fake_current();
	struct allocation *a;
	void *at;

	if (!ctx)
		return FAKE_INVALID_CONTEXT;
	if (fake_fails("pinned"))
		return FAKE_OUT_OF_MEMORY;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
		  -1, 0);
	if (at == MAP_FAILED)
		return FAKE_OUT_OF_MEMORY;
	pthread_mutex_lock(&lock);
	a = unused();
	*a = (struct allocation){.addr = (uint64_t)(uintptr_t)at,
				 .base = (uint64_t)(uintptr_t)at,
				 .size = size,
				 .whole = size,
				 .bytes = at,
				 .device = ctx->device,
				 .host = true};
	pthread_mutex_unlock(&lock);
	fake_log("pin %zu flags %u", size, flags);
	*ptr = at;
	return FAKE_OK;
}

FAKE_EXPORT unsigned cuMemFreeHost(void *ptr);
FAKE_EXPORT unsigned cuMemFreeHost(void *ptr)
{
	struct allocation *a;

	pthread_mutex_lock(&lock);
	a = find((uint64_t)(uintptr_t)ptr);
	if (a && a->host) {
		munmap(a->bytes, a->whole);
		fake_log("unpin %zu", (size_t)a->size);
		a->whole = 0;
	}
	pthread_mutex_unlock(&lock);
	return a ? FAKE_OK : FAKE_INVALID_VALUE;
}

FAKE_EXPORT unsigned cuMemHostGetDevicePointer_v2(unsigned long long *ptr, void *host,
						  unsigned flags);
FAKE_EXPORT unsigned cuMemHostGetDevicePointer_v2(unsigned long long *ptr, void *host,
						  unsigned flags)
{
	(void)flags;
	*ptr = (uint64_t)(uintptr_t)host;
	return FAKE_OK;
}

/* ---- of an address --------------------------------------------------------------------------- */

/* enum CUpointer_attribute_enum */
static unsigned tell(void *data, unsigned attribute, const struct allocation *a)
{
	switch (attribute) {
	case 2: /* MEMORY_TYPE: CU_MEMORYTYPE_HOST, _DEVICE; 0: not known */
		*(unsigned *)data = !a->size ? 0 : a->host ? 1 : 2;
		return FAKE_OK;
	case 8: /* IS_MANAGED */
		*(unsigned *)data = 0;
		return FAKE_OK;
	case 9: /* DEVICE_ORDINAL */
		*(int *)data = a->device;
		return FAKE_OK;
	case 11: /* RANGE_START_ADDR */
		*(unsigned long long *)data = a->addr;
		return FAKE_OK;
	case 12: /* RANGE_SIZE */
		*(size_t *)data = a->size;
		return FAKE_OK;
	default:
		return FAKE_INVALID_VALUE;
	}
}

FAKE_EXPORT unsigned cuPointerGetAttributes(unsigned n, unsigned *attributes, void **data,
					    unsigned long long ptr);
FAKE_EXPORT unsigned cuPointerGetAttributes(unsigned n, unsigned *attributes, void **data,
					    unsigned long long ptr)
{
	static const struct allocation unknown;
	unsigned error = FAKE_OK;
	const struct allocation *a;

	pthread_mutex_lock(&lock);
	a = find(ptr);
	for (unsigned i = 0; i < n && !error; i++)
		error = tell(data[i], attributes[i], a ? a : &unknown);
	pthread_mutex_unlock(&lock);
	return error;
}

FAKE_EXPORT unsigned cuPointerSetAttribute(const void *value, unsigned attribute,
					   unsigned long long ptr);
FAKE_EXPORT unsigned cuPointerSetAttribute(const void *value, unsigned attribute,
					   unsigned long long ptr)
{
	struct allocation *a;

	if (fake_fails("sync"))
		return FAKE_NOT_SUPPORTED;
	pthread_mutex_lock(&lock);
	a = find(ptr);
	if (a && attribute == 6) /* SYNC_MEMOPS */
		a->sync = *(const unsigned *)value;
	pthread_mutex_unlock(&lock);
	fake_log("attribute %u = %u", attribute, *(const unsigned *)value);
	return a && attribute == 6 ? FAKE_OK : FAKE_INVALID_VALUE;
}

/* ---- copies ---------------------------------------------------------------------------------- */

/* Where the driver itself has n bytes at an address; NULL: the range is no allocation's. */
static uint8_t *bytes_at(uint64_t ptr, size_t n)
{
	const struct allocation *a = find(ptr);

	if (!a || n > a->size || ptr - a->addr > a->size - n)
		return NULL;
	return a->bytes + (ptr - a->base);
}

uint8_t *fake_bytes(uint64_t ptr, size_t n)
{
	uint8_t *at;

	pthread_mutex_lock(&lock);
	at = bytes_at(ptr, n);
	pthread_mutex_unlock(&lock);
	return at;
}

static unsigned copy(unsigned long long device, void *host, size_t n, bool to_device)
{
	unsigned error = FAKE_INVALID_VALUE;
	uint8_t *at;

	if (!fake_current())
		return FAKE_INVALID_CONTEXT;
	if (fake_fails("memcpy"))
		return FAKE_UNKNOWN;
	pthread_mutex_lock(&lock);
	at = bytes_at(device, n);
	if (at) {
		memcpy(to_device ? at : host, to_device ? host : at, n);
		error = FAKE_OK;
	}
	pthread_mutex_unlock(&lock);
	return error;
}

/*
 * Asynchronous copies are made when their stream is waited for, and not before. What goes to a GPU
 * is taken at once, as the driver takes memory that is not page-locked.
 */
#define WAITING 256u

static struct later {
	void *stream, *host;
	unsigned long long device;
	size_t n;
	bool to_device;
} later[WAITING];
static unsigned n_later;

static void end_copy(const struct later *l)
{
	uint8_t *at = bytes_at(l->device, l->n);

	if (at)
		memcpy(l->to_device ? at : l->host, l->to_device ? l->host : at, l->n);
	if (l->to_device)
		free(l->host);
}

FAKE_EXPORT void fake_copies_end(const void *stream)
{
	unsigned left = 0, done = 0;

	/* FAKE_CUDA_SLOW: microseconds that a program has to look too early. */
	if (n_later)
		usleep((useconds_t)fake_number("FAKE_CUDA_SLOW", 0));
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < n_later; i++) {
		if (later[i].stream != stream) {
			later[left++] = later[i];
			continue;
		}
		end_copy(&later[i]);
		done++;
	}
	n_later = left;
	pthread_mutex_unlock(&lock);
	if (done)
		fake_log("copies %u", done);
}

static unsigned copy_later(struct later l)
{
	void *from = l.host;
	bool there;

	if (!l.stream)
		return FAKE_INVALID_VALUE;
	if (!fake_current())
		return FAKE_INVALID_CONTEXT;
	if (fake_fails("memcpy"))
		return FAKE_UNKNOWN;
	if (n_later == WAITING)
		fake_copies_end(l.stream);
	if (l.to_device) {
		l.host = malloc(l.n);
		memcpy(l.host, from, l.n);
	}
	pthread_mutex_lock(&lock);
	there = bytes_at(l.device, l.n) && n_later < WAITING;
	if (there)
		later[n_later++] = l;
	pthread_mutex_unlock(&lock);
	if (!there && l.to_device)
		free(l.host);
	return there ? FAKE_OK : FAKE_INVALID_VALUE;
}

FAKE_EXPORT unsigned cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t n,
					  void *stream);
FAKE_EXPORT unsigned cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t n,
					  void *stream)
{
	return copy_later((struct later){stream, (void *)(uintptr_t)from, to, n, true});
}

FAKE_EXPORT unsigned cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t n,
					  void *stream);
FAKE_EXPORT unsigned cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t n, void *stream)
{
	return copy_later((struct later){stream, to, from, n, false});
}

FAKE_EXPORT unsigned cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t n);
FAKE_EXPORT unsigned cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t n)
{
	return copy(to, (void *)(uintptr_t)from, n, true);
}

FAKE_EXPORT unsigned cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t n);
FAKE_EXPORT unsigned cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t n)
{
	return copy(from, to, n, false);
}

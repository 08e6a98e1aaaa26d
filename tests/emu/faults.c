/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <numa.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <infiniband/mlx5dv.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/rdma_user_ioctl_cmds.h>

#include "faults.h"

static struct fault *armed;
static struct fault_held held;

void fault_arm(struct fault *fault)
{
	armed = fault;
	if (!fault)
		return;
	fault->seen = 0;
	fault->name[0] = '\0';
}

struct fault_held fault_held(void)
{
	return held;
}

bool fault_fails(enum fault_kind kind, const char *name)
{
	if (!armed || armed->kind != kind)
		return false;
	armed->seen++;
	if (armed->lasting ? armed->seen < armed->nth : armed->seen != armed->nth)
		return false;
	if (!armed->name[0])
		snprintf(armed->name, sizeof(armed->name), "%s", name);
	errno = armed->err;
	return true;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void *count(void *mem)
{
	held.allocations += mem != NULL;
	return mem;
}

#define WRAP_ALLOC(type, name, params, args)                                                       \
	type __real_##name params;                                                                 \
	type __wrap_##name params;                                                                 \
	type __wrap_##name params                                                                  \
	{                                                                                          \
		return fault_fails(FAULT_ALLOC, #name) ? NULL : count(__real_##name args);         \
	}

WRAP_ALLOC(void *, malloc, (size_t size), (size))
WRAP_ALLOC(void *, calloc, (size_t n, size_t size), (n, size))
WRAP_ALLOC(void *, aligned_alloc, (size_t align, size_t size), (align, size))
WRAP_ALLOC(char *, strdup, (const char *text), (text))
WRAP_ALLOC(char *, strndup, (const char *text, size_t size), (text, size))
FAULT_WRAP(FAULT_ALLOC, struct bitmask *, numa_allocate_nodemask, (void), (), NULL)

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
	void *mem;

	if (fault_fails(FAULT_ALLOC, "realloc"))
		return NULL;
	mem = __real_realloc(old, size);
	held.allocations += mem && !old;
	return mem;
}

void __real_free(void *mem);
void __wrap_free(void *mem);
void __wrap_free(void *mem)
{
	held.allocations -= mem != NULL;
	__real_free(mem);
}

/* ---- files ----------------------------------------------------------------------------------- */

FAULT_WRAP(FAULT_FILE, DIR *, opendir, (const char *path), (path), NULL)
FAULT_WRAP(FAULT_FILE, FILE *, fopen, (const char *path, const char *mode), (path, mode), NULL)
FAULT_WRAP(FAULT_FILE, ssize_t, read, (int fd, void *buf, size_t size), (fd, buf, size), -1)
FAULT_WRAP(FAULT_FILE, ssize_t, write, (int fd, const void *buf, size_t size), (fd, buf, size), -1)
FAULT_WRAP(FAULT_FILE, ssize_t, readlink, (const char *path, char *buf, size_t size),
	   (path, buf, size), -1)

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags);
int __wrap_open(const char *path, int flags)
{
	return fault_fails(FAULT_FILE, "open") ? -1 : __real_open(path, flags);
}

int __real_fcntl(int fd, int cmd, ...);
int __wrap_fcntl(int fd, int cmd, int arg);
int __wrap_fcntl(int fd, int cmd, int arg)
{
	return fault_fails(FAULT_FILE, "fcntl") ? -1 : __real_fcntl(fd, cmd, arg);
}

/* ---- mappings and ioctls, also those of libibverbs and libmlx5 ------------------------------- */

/* Of the library, which lies in the program, or of the verbs libraries; not of the device. */
static bool is_ours(void *caller)
{
	static const void *program;
	Dl_info info;

	if (!program && dladdr((void *)(uintptr_t)fault_arm, &info))
		program = info.dli_fbase;
	return dladdr(caller, &info) &&
	       (info.dli_fbase == program || strstr(info.dli_fname, "libmlx5") ||
		strstr(info.dli_fname, "libibverbs"));
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	static void *(*next)(void *, size_t, int, int, int, off_t);
	bool ours = is_ours(__builtin_return_address(0));
	void *mem;

	if (!next)
		next = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
	if (ours && fault_fails(FAULT_MMAP, "mmap"))
		return MAP_FAILED;
	mem = next(addr, len, prot, flags, fd, offset);
	held.mappings += ours && mem != MAP_FAILED && !(flags & MAP_FIXED);
	return mem;
}

int munmap(void *addr, size_t len)
{
	static int (*next)(void *, size_t);

	if (!next)
		next = (int (*)(void *, size_t))dlsym(RTLD_NEXT, "munmap");
	held.mappings -= is_ours(__builtin_return_address(0));
	return next(addr, len);
}

/* The object and method of a command, or the number of one of the older kind. */
static void name_command(const struct ib_uverbs_ioctl_hdr *hdr, char *name, size_t size)
{
	snprintf(name, size, "object %#x method %#x", hdr->object_id, hdr->method_id);
	for (unsigned i = 0; i < hdr->num_attrs; i++)
		if (hdr->object_id == UVERBS_OBJECT_DEVICE &&
		    hdr->method_id == UVERBS_METHOD_INVOKE_WRITE &&
		    hdr->attrs[i].attr_id == UVERBS_ATTR_WRITE_CMD)
			snprintf(name, size, "command %llu",
				 (unsigned long long)hdr->attrs[i].data & 0xff);
}

int ioctl(int fd, unsigned long request, ...)
{
	static int (*next)(int, unsigned long, ...);
	char name[64];
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!next)
		next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
	if (request == RDMA_VERBS_IOCTL) {
		name_command(arg, name, sizeof(name));
		if (fault_fails(FAULT_IOCTL, name))
			return -1;
	}
	return next(fd, request, arg);
}

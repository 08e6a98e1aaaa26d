/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap(): of a uverbs file only what the driver lets be mapped. All other calls pass, also those
 * that come before the dynamic linker can be asked for the next mmap(), as an allocator's may.
 */
#include "preload.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *(*next)(void *, size_t, int, int, int, off_t);

static __attribute__((constructor)) void find_next(void)
{
	next = EMU_REAL(mmap);
}

static void *map(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	const struct emu_file *file = flags & MAP_ANONYMOUS ? NULL : emu_file_peek(fd);
	const struct emu_mapping m = {len, prot, flags, (uint64_t)offset};
	int ret = 0;

	if (file && file->kind == EMU_FILE_UVERBS)
		ret = emu_uverbs_mmap(fd, &m);
	if (ret) {
		errno = -ret;
		return MAP_FAILED;
	}
	if (next)
		return next(addr, len, prot, flags, fd, offset);
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

EMU_EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return map(addr, len, prot, flags, fd, offset);
}

EMU_EXPORT void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset)
{
	return map(addr, len, prot, flags, fd, offset);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "dmabuf.h"

#include "preload.h"
#include "uverbs_mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Linux 5.1; older C libraries do not name it. */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* The size of a dma-buf, by what the kernel tells of its descriptors: dma_buf_show_fdinfo(). */
static int exported_size(int fd, uint64_t *size)
{
	char name[64], line[256];
	unsigned long long bytes = 0;
	bool exported = false;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	f = fopen(name, "re");
	if (!f)
		return -EINVAL;
	while (fgets(line, sizeof(line), f)) {
		exported |= !strncmp(line, "exp_name:", strlen("exp_name:"));
		if (sscanf(line, "size: %llu", &bytes) == 1)
			*size = bytes;
	}
	fclose(f);
	return exported ? 0 : -EINVAL;
}

/* --dmabuf memfd: what udmabuf_create() of Linux makes a dma-buf of. It never becomes shorter. */
static int sealed_size(int fd, uint64_t *size)
{
	int seals = EMU_REAL(fcntl)(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EINVAL;
	if (fstat(fd, &st))
		return -EINVAL;
	*size = (uint64_t)st.st_size;
	return 0;
}

/* dma_buf_get() */
static int find(int fd, uint64_t *size, bool *sealed)
{
	const struct emu_file *file = emu_file_peek(fd);
	int flags = EMU_REAL(fcntl)(fd, F_GETFL);

	if (flags < 0 || (flags & O_PATH) || (file && file->kind == EMU_FILE_PRIVATE))
		return -EBADF;
	*sealed = emu_settings.dmabuf != EMU_DMABUF_REAL && !sealed_size(fd, size);
	return *sealed ? 0 : exported_size(fd, size);
}

static int map(struct emu_dmabuf *buf, int fd, bool writable)
{
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	void *at = mmap(NULL, buf->size, prot, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return errno == ENOMEM ? -ENOMEM : -EOPNOTSUPP;
	madvise(at, buf->size, MADV_DONTFORK); /* in a child there is no such region */
	buf->map = at;
	return 0;
}

/* How the program has opened it is nothing to a card, which needs no descriptor. */
static int map_sealed(struct emu_dmabuf *buf, int fd, bool writable)
{
	char name[64];
	int own, ret;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	own = EMU_REAL(open)(name, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (own < 0)
		return -EOPNOTSUPP;
	ret = map(buf, own, writable);
	EMU_REAL(close)(own);
	return ret;
}

int emu_dmabuf_attach(struct emu_dmabuf *buf, const struct emu_dmabuf_part *part, uint8_t **at)
{
	uint64_t size = 0;
	bool sealed;
	int ret;

	if (part->offset + part->length < part->offset)
		return -EINVAL;
	ret = find(part->fd, &size, &sealed);
	if (ret)
		return ret;
	if (!part->length || part->offset + part->length > size)
		return -EINVAL;
	buf->size = size;
	if (sealed && emu_settings.dmabuf == EMU_DMABUF_OPAQUE)
		return -EOPNOTSUPP;
	ret = (sealed ? map_sealed : map)(buf, part->fd, part->writable);
	if (ret)
		return ret;
	*at = buf->map + part->offset;
	/* the exporter has the pages, before a card is told of them */
	if (emu_mapped((uintptr_t)*at, part->length, part->writable)) {
		emu_dmabuf_detach(buf);
		return -ENOMEM;
	}
	return 0;
}

void emu_dmabuf_detach(struct emu_dmabuf *buf)
{
	if (buf->map)
		munmap(buf->map, buf->size);
	*buf = (struct emu_dmabuf){0};
}

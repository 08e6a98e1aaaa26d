/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that another driver shares by a file, and how this device comes to its bytes: by a mapping
 * of the file. A buffer whose exporter lets nobody map it, as those of many GPUs, is refused here:
 * uverbs_mem.c then asks the CUDA driver for its bytes.
 */
#ifndef EMU_DMABUF_H
#define EMU_DMABUF_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: none. */
struct emu_dmabuf {
	uint8_t *map; /* of the whole buffer, which stays as long as this does */
	uint64_t size;
};

struct emu_dmabuf_part {
	int fd;
	uint64_t offset, length;
	bool writable;
};

/*
 * Where the part lies in this process, in at. 0, or what ib_umem_dmabuf_get() of Linux answers;
 * -EOPNOTSUPP for a buffer whose bytes cannot be reached: its size is known all the same.
 */
int emu_dmabuf_attach(struct emu_dmabuf *buf, const struct emu_dmabuf_part *part, uint8_t **at);
void emu_dmabuf_detach(struct emu_dmabuf *buf);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A context's pages of the clock, in its uverbs file, where the program maps them from. */
#include "uverbs_clock.h"

#include "clock.h"
#include "pages.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct emu_ctx_clock {
	struct emu_clock_pages clock;
	void *core, *info; /* our mappings */
};

static void *map(const struct emu_ctx *ctx, uint32_t command, size_t page)
{
	off_t offset = (off_t)((uint64_t)command << 8) * (off_t)page;
	off_t end = lseek(ctx->memfd, 0, SEEK_END);
	void *at;

	if (end < offset + (off_t)page && ftruncate(ctx->memfd, offset + (off_t)page))
		return NULL;
	at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, ctx->memfd, offset);
	/* cppcheck-suppress memleak ; the caller unmaps it */
	return at == MAP_FAILED ? NULL : at;
}

bool emu_ctx_has_core_clock(void)
{
	return sysconf(_SC_PAGESIZE) <= (long)EMU_UAR_SIZE;
}

int emu_ctx_clock_open(struct emu_ctx *ctx)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct emu_ctx_clock *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->info = map(ctx, EMU_MMAP_CLOCK_INFO, page);
	if (!c->info)
		goto err_free;
	if (emu_ctx_has_core_clock()) {
		c->core = map(ctx, EMU_MMAP_CORE_CLOCK, page);
		if (!c->core)
			goto err_unmap;
	}
	c->clock.core = c->core;
	c->clock.info = c->info;
	emu_engine_pause();
	emu_clock_add(&c->clock);
	emu_engine_resume();
	ctx->clock = c;
	return 0;

err_unmap:
	munmap(c->info, page);
err_free:
	free(c);
	return -ENOMEM;
}

void emu_ctx_clock_close(struct emu_ctx *ctx)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct emu_ctx_clock *c = ctx->clock;

	if (!c)
		return;
	emu_engine_pause();
	emu_clock_remove(&c->clock);
	emu_engine_resume();
	munmap(c->info, page);
	if (c->core)
		munmap(c->core, page);
	free(c);
	ctx->clock = NULL;
}

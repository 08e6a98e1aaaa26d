/* SPDX-License-Identifier: Apache-2.0 */
/* Doorbell pages: objects of the mlx5 driver, mapped by the program from its uverbs file. */
#include "uverbs_uar.h"

#include "pages.h"

#include <errno.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <rdma/mlx5_user_ioctl_verbs.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of one context; a real card has some thousand. */
#define MAX_UARS 4096u

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* index: of the first of the card's doorbell pages in it */
static uint64_t mmap_offset(uint32_t index)
{
	return emu_uar_mmap_offset(index / emu_uars_in(page_size()), page_size());
}

struct emu_uar *emu_uar_find(struct emu_ctx *ctx, uint32_t index)
{
	struct emu_uar *uar;

	LIST_FOREACH(uar, &ctx->dev->uars, link) {
		if (uar->ctx == ctx && emu_uar_holds(uar->index, index, page_size()))
			return uar;
	}
	return NULL;
}

bool emu_uar_at(const struct emu_ctx *ctx, uint64_t offset)
{
	struct emu_uar *uar;

	LIST_FOREACH (uar, &ctx->dev->uars, link) {
		if (uar->ctx == ctx && mmap_offset(uar->index) == offset)
			return true;
	}
	return false;
}

void emu_uar_get(struct emu_uar *uar)
{
	uar->users++;
	emu_object_get(uar->obj);
}

void emu_uar_put(struct emu_uar *uar)
{
	uar->users--;
	emu_object_put(uar->obj);
}

static void uar_destroy(struct emu_object *obj)
{
	struct emu_uar *uar = obj->impl;

	emu_engine_pause();
	LIST_REMOVE(uar, link);
	emu_engine_resume();
	munmap(uar->page, (size_t)page_size());
	free(uar);
}

/* The file is sparse: it grows only as far as pages are handed out. */
static int map_page(const struct emu_ctx *ctx, struct emu_uar *uar, uint64_t offset)
{
	size_t size = (size_t)page_size();
	off_t end = lseek(ctx->memfd, 0, SEEK_END);
	void *page;

	if (end < (off_t)(offset + size) && ftruncate(ctx->memfd, (off_t)(offset + size)))
		return -ENOMEM;
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ctx->memfd, (off_t)offset);
	if (page == MAP_FAILED)
		return -ENOMEM;
	uar->page = page;
	return 0;
}

static struct emu_uar *uar_new(struct emu_ctx *ctx, bool write_combining)
{
	struct emu_uar *uar = calloc(1, sizeof(*uar));

	if (!uar)
		return NULL;
	uar->ctx = ctx;
	uar->write_combining = write_combining;
	uar->n_uars = emu_uars_in(page_size());
	/* page 0 is never given: programs take 0 for none (mlx5_base.py of rdma-core's tests) */
	uar->index = emu_uars_in(page_size());
	while (emu_uar_find(ctx, uar->index))
		uar->index += emu_uars_in(page_size());
	if (uar->index / emu_uars_in(page_size()) >= MAX_UARS ||
	    map_page(ctx, uar, mmap_offset(uar->index)))
		goto err_free;
	uar->obj = emu_object_new(ctx, EMU_TYPE_UAR, uar, uar_destroy);
	if (!uar->obj)
		goto err_unmap;
	emu_uar_init(uar);
	emu_engine_pause();
	LIST_INSERT_HEAD(&ctx->dev->uars, uar, link);
	emu_engine_resume();
	return uar;

err_unmap:
	munmap(uar->page, (size_t)page_size());
err_free:
	free(uar);
	return NULL;
}

static int uar_alloc(struct emu_call *call)
{
	uint64_t type = emu_attr_value(call, MLX5_IB_ATTR_UAR_OBJ_ALLOC_TYPE), offset;
	uint32_t length = (uint32_t)page_size();
	struct emu_uar *uar;

	if (type > MLX5_IB_UAPI_UAR_ALLOC_TYPE_NC)
		return -EOPNOTSUPP;
	/* mlx5_ib's wc_support: the machine's pages cannot be write-combining, as in many guests */
	if (type == MLX5_IB_UAPI_UAR_ALLOC_TYPE_BF && !emu_settings.wc)
		return -EOPNOTSUPP;
	uar = uar_new(call->ctx, type == MLX5_IB_UAPI_UAR_ALLOC_TYPE_BF);
	if (!uar)
		return -ENOMEM;
	offset = mmap_offset(uar->index);
	emu_attr_put_new(call, MLX5_IB_ATTR_UAR_OBJ_ALLOC_HANDLE, uar->obj->handle);
	emu_attr_put(call, MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_OFFSET, &offset, sizeof(offset));
	emu_attr_put(call, MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_LENGTH, &length, sizeof(length));
	emu_attr_put(call, MLX5_IB_ATTR_UAR_OBJ_ALLOC_PAGE_ID, &uar->index, sizeof(uar->index));
	return 0;
}

static int uar_free(struct emu_call *call)
{
	struct emu_object *obj = NULL;
	int ret = emu_attr_object(call, MLX5_IB_ATTR_UAR_OBJ_DESTROY_HANDLE, EMU_TYPE_UAR, &obj);

	return ret ? ret : emu_object_destroy(obj);
}

static const struct emu_attr_spec alloc_specs[] = {
	{ MLX5_IB_ATTR_UAR_OBJ_ALLOC_HANDLE, EMU_ATTR_NEW, EMU_MUST, 0, 0 },
	{ MLX5_IB_ATTR_UAR_OBJ_ALLOC_TYPE, EMU_ATTR_IN, EMU_MUST, 8, 8 },
	{ MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_OFFSET, EMU_ATTR_OUT, EMU_MUST, 8, 8 },
	{ MLX5_IB_ATTR_UAR_OBJ_ALLOC_MMAP_LENGTH, EMU_ATTR_OUT, EMU_MUST, 4, 4 },
	{ MLX5_IB_ATTR_UAR_OBJ_ALLOC_PAGE_ID, EMU_ATTR_OUT, EMU_MUST, 4, 4 },
};

static const struct emu_attr_spec destroy_specs[] = {
	{ MLX5_IB_ATTR_UAR_OBJ_DESTROY_HANDLE, EMU_ATTR_OBJECT, EMU_MUST, 0, 0 },
};

static const struct emu_method methods[] = {
	{ MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_ALLOC, false, uar_alloc,
	  EMU_SPECS(alloc_specs) },
	{ MLX5_IB_OBJECT_UAR, MLX5_IB_METHOD_UAR_OBJ_DESTROY, false, uar_free,
	  EMU_SPECS(destroy_specs) },
};

const struct emu_table emu_uar_table = { methods, EMU_COUNT(methods), NULL, 0 };

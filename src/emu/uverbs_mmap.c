/* SPDX-License-Identifier: Apache-2.0 */
/* What of a uverbs file can be mapped, and how: mlx5_ib_mmap() of Linux. */
#include "clock.h"
#include "pages.h"
#include "preload.h"
#include "uverbs.h"
#include "uverbs_clock.h"
#include "uverbs_uar.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* enum mlx5_ib_mmap_cmd; the rest is in clock.h and pages.h */
enum {
	MMAP_REGULAR_PAGE = 0,
	MMAP_CONTIGUOUS_PAGES = 1,
	MMAP_WC_PAGE = 2,
	MMAP_NC_PAGE = 3,
	MMAP_ALLOC_WC = 6
};

static bool is_shared(const struct emu_mapping *m)
{
	return (m->flags & MAP_TYPE) != MAP_PRIVATE;
}

/* rdma_user_mmap_io() */
static int check_page(const struct emu_mapping *m, uint64_t page)
{
	return (m->len + page - 1) / page == 1 && is_shared(m) ? 0 : -EINVAL;
}

static int check_core_clock(const struct emu_mapping *m, uint64_t page)
{
	if ((m->len + page - 1) / page != 1)
		return -EINVAL;
	if (m->prot & PROT_WRITE)
		return -EPERM;
	return emu_ctx_has_core_clock() ? check_page(m, page) : -EOPNOTSUPP;
}

static int check_clock_info(const struct emu_mapping *m, uint64_t page)
{
	int ret = check_page(m, page);

	if (ret)
		return ret;
	if (m->offset / page & 0xff) /* MLX5_IB_CLOCK_INFO_V1 = 0 */
		return -EOPNOTSUPP;
	return m->prot & (PROT_WRITE | PROT_EXEC) ? -EPERM : 0;
}

static int check(const struct emu_ctx *ctx, const struct emu_mapping *m)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!ctx->allocated)
		return -EINVAL;
	switch (m->offset / page >> 8 & 0xff) {
	case MMAP_WC_PAGE:
	case MMAP_ALLOC_WC:
		if (!emu_settings.wc)
			return -EPERM;
		return -EINVAL;
	case MMAP_REGULAR_PAGE:
	case MMAP_NC_PAGE:
		return -EINVAL; /* uar_mmap(): this context's doorbell pages are objects */
	case MMAP_CONTIGUOUS_PAGES:
		return -ENOSYS;
	case EMU_MMAP_CORE_CLOCK:
		return check_core_clock(m, page);
	case EMU_MMAP_CLOCK_INFO:
		return check_clock_info(m, page);
	default:
		return emu_uar_at(ctx, m->offset) ? check_page(m, page) : -EINVAL;
	}
}

int emu_uverbs_mmap(int fd, const struct emu_mapping *m)
{
	const struct emu_file *file;
	int ret = -EBADF;

	if (emu_file_foreign())
		return -EIO;
	pthread_mutex_lock(&emu_lock);
	file = emu_file_peek(fd);
	if (file && file->kind == EMU_FILE_UVERBS)
		ret = file->dead ? -EIO : check(file->ctx, m);
	pthread_mutex_unlock(&emu_lock);
	return ret;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What of the uverbs file can be mapped: mlx5_ib_mmap() of the kernel. */
#include <sys/mman.h>

#include "write_kit.h"

TestSuite(mmap, .init = wk_open, .fini = wk_close);

static size_t page;

/* 0, the mapping being gone again, or errno */
static int try(uint64_t offset, size_t len, int prot, int flags)
{
	void *at = mmap(NULL, len, prot, flags, wk_fd, (off_t)offset);

	if (at == MAP_FAILED)
		return errno;
	munmap(at, len);
	return 0;
}

static int try_shared(uint64_t offset, int prot)
{
	return try(offset, page, prot, MAP_SHARED);
}

static void context(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	wk_context();
}

Test(mmap, a_doorbell_page_as_long_as_it_is_one)
{
	struct wk_uar uar;

	context();
	uar = wk_uar_new();
	cr_assert_eq(try_shared(uar.offset, PROT_WRITE), 0);
	cr_assert_eq(try_shared(uar.offset + page, PROT_WRITE), EINVAL);
	wk_uar_free(&uar);
	cr_assert_eq(try_shared(uar.offset, PROT_WRITE), EINVAL);
}

Test(mmap, a_doorbell_page_is_one_page_and_shared)
{
	struct wk_uar uar;

	context();
	uar = wk_uar_new();
	cr_assert_eq(try(uar.offset, 1, PROT_WRITE, MAP_SHARED), 0);
	cr_assert_eq(try(uar.offset, 2 * page, PROT_WRITE, MAP_SHARED), EINVAL);
	cr_assert_eq(try(uar.offset, page, PROT_WRITE, MAP_PRIVATE), EINVAL);
	cr_assert_eq(try(uar.offset, 0, PROT_WRITE, MAP_SHARED), EINVAL);
}

Test(mmap, a_page_of_another_context)
{
	struct wk_uar uar;

	context();
	uar = wk_uar_new();
	wk_close();
	wk_open();
	wk_context();
	cr_assert_eq(try_shared(uar.offset, PROT_WRITE), EINVAL);
}

/* The numbering of old libraries, 0 and 2, 3 and 6, is for contexts without such objects. */
Test(mmap, doorbell_pages_by_number)
{
	context();
	cr_assert_eq(try_shared(0, PROT_WRITE), EINVAL);
	cr_assert_eq(try_shared(2 * 256 * page, PROT_WRITE), EINVAL);
	cr_assert_eq(try_shared(3 * 256 * page, PROT_WRITE), EINVAL);
	cr_assert_eq(try_shared(6 * 256 * page, PROT_WRITE), EINVAL);
	cr_assert_eq(try_shared(256 * page, PROT_WRITE), ENOSYS);
	cr_assert_eq(try_shared(200 * 256 * page, PROT_WRITE), EINVAL);
}

Test(mmap, the_clocks_are_read_only)
{
	context();
	if (page == 4096) {
		cr_assert_eq(try_shared(5 * 256 * page, PROT_READ), 0);
		cr_assert_eq(try_shared(5 * 256 * page, PROT_READ | PROT_WRITE), EPERM);
		cr_assert_eq(try(5 * 256 * page, 2 * page, PROT_READ, MAP_SHARED), EINVAL);
	}
	cr_assert_eq(try_shared(7 * 256 * page, PROT_READ), 0);
	cr_assert_eq(try_shared(7 * 256 * page, PROT_READ | PROT_WRITE), EPERM);
	cr_assert_eq(try_shared((7 * 256 + 1) * page, PROT_READ), EOPNOTSUPP);
	cr_assert_eq(try(7 * 256 * page, page, PROT_READ, MAP_PRIVATE), EINVAL);
}

Test(mmap, nothing_before_the_context)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	cr_assert_eq(try_shared(7 * 256 * page, PROT_READ), EINVAL);
}

Test(mmap, what_is_no_uverbs_file_is_left_alone)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, wk_fd, 0);

	cr_assert_neq(at, MAP_FAILED);
	memset(at, 1, 4096);
	cr_assert_eq(munmap(at, 4096), 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Page arithmetic of the library and of the emulated device, on 4, 16 and 64 KiB pages. */
#include <criterion/criterion.h>

#include "emu/pages.h"
#include "memory.h"

static const uint64_t pages[] = {4096, 16384, 65536};
static const uint32_t uars[] = {1, 4, 16};

Test(pages, lengths_are_rounded_to_whole_pages)
{
	for (int i = 0; i < 3; i++) {
		uint64_t p = pages[i];

		cr_assert_eq(dq_pages_for(0, p), 0);
		cr_assert_eq(dq_pages_for(1, p), 1);
		cr_assert_eq(dq_pages_for(p, p), 1);
		cr_assert_eq(dq_pages_for(p + 1, p), 2);
		cr_assert_eq(dq_whole_pages(3 * p - 1, p), 3 * p);
		/* the largest length does not go round */
		cr_assert_eq(dq_pages_for(UINT64_MAX, p), UINT64_MAX / p + 1);
	}
}

Test(pages, huge_sizes_of_every_base_page_have_the_kernels_flag)
{
	/* asm-generic/hugetlb_encode.h: base-two logarithm << 26 */
	cr_assert_eq((unsigned)dq_huge_flag(64ull << 10), 16u << 26);
	cr_assert_eq((unsigned)dq_huge_flag(2ull << 20), 21u << 26);
	cr_assert_eq((unsigned)dq_huge_flag(32ull << 20), 25u << 26);
	cr_assert_eq((unsigned)dq_huge_flag(512ull << 20), 29u << 26);
	cr_assert_eq((unsigned)dq_huge_flag(1ull << 30), 30u << 26);
	cr_assert_eq((unsigned)dq_huge_flag(16ull << 30), 34u << 26);
}

Test(pages, a_mapped_page_holds_doorbell_pages_of_4_kib)
{
	for (int i = 0; i < 3; i++) {
		uint32_t n = emu_uars_in(pages[i]);

		cr_assert_eq(n, uars[i]);
		cr_assert(emu_uar_holds(3 * n, 3 * n, pages[i]));
		cr_assert(emu_uar_holds(3 * n, 4 * n - 1, pages[i]));
		cr_assert_not(emu_uar_holds(3 * n, 4 * n, pages[i]));
		cr_assert_not(emu_uar_holds(3 * n, 3 * n - 1, pages[i]));
	}
}

Test(pages, mmap_offsets_are_whole_pages_and_carry_the_index)
{
	for (int i = 0; i < 3; i++) {
		uint64_t p = pages[i];

		cr_assert_eq(emu_uar_mmap_offset(0, p), 0x900 * p);
		cr_assert_eq(emu_uar_mmap_offset(0xff, p), 0x9ff * p);
		cr_assert_eq(emu_uar_mmap_offset(0x100, p), 0x10900 * p);
		cr_assert_eq(emu_uar_mmap_offset(0x234, p), 0x20934 * p);
	}
}

Test(pages, what_is_pinned_are_the_pages_touched)
{
	for (int i = 0; i < 3; i++) {
		uint64_t p = pages[i], span[2];

		cr_assert(emu_page_span(5 * p, p, p, span));
		cr_assert(span[0] == 5 * p && span[1] == 6 * p);
		cr_assert(emu_page_span(5 * p - 1, 2, p, span));
		cr_assert(span[0] == 4 * p && span[1] == 6 * p);
		cr_assert_not(emu_page_span(5 * p, 0, p, span));
		cr_assert_not(emu_page_span(UINT64_MAX - p, 2 * p, p, span));
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* On which machines NICs reorder their writes by default. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "relaxed.h"

Test(relaxed, not_on_haswell_and_broadwell)
{
	static const unsigned slow[] = {0x3c, 0x3f, 0x45, 0x46, 0x3d, 0x47, 0x4f, 0x56};

	for (unsigned i = 0; i < 8; i++) {
		cr_expect_not(dq_relaxed_cpu(6, slow[i]), "%#x", slow[i]);
		cr_expect(dq_relaxed_cpu(0xf, slow[i]), "AMD's %#x", slow[i]);
	}
}

Test(relaxed, on_other_x86_servers)
{
	cr_expect(dq_relaxed_cpu(6, 0x3e)); /* Ivy Bridge */
	cr_expect(dq_relaxed_cpu(6, 0x55)); /* Skylake */
	cr_expect(dq_relaxed_cpu(6, 0x8f)); /* Sapphire Rapids */
	cr_expect(dq_relaxed_cpu(0xf, 1));  /* AMD EPYC */
	cr_expect(dq_relaxed_cpu(6, 0x13f));
}

#define BOARD(text) dq_relaxed_board(text, sizeof(text))

Test(relaxed, not_on_tegra)
{
	cr_expect_not(BOARD("nvidia,p3740-0002+p3701-0008\0nvidia,p3701-0008\0nvidia,tegra234"));
	cr_expect_not(BOARD("nvidia,tegra264"));
	cr_expect_not(dq_relaxed_board("nvidia,tegra", 12));
}

Test(relaxed, on_other_boards_and_where_there_is_no_device_tree)
{
	cr_expect(dq_relaxed_board("", 0));
	cr_expect(BOARD("some,board\0nvidia,grace"));
	cr_expect(BOARD("like-nvidia,tegra"));
	cr_expect(dq_relaxed_board("nvidia,tegr", 11));
}

/* The file as a kernel has it: it is read as a whole, whatever is in it. */
Test(relaxed, by_the_device_tree_file)
{
#define TREE(text, want) {text, sizeof(text), want}
	static const struct {
		const char *bytes;
		size_t size;
		bool want;
	} trees[] = {TREE("nvidia,p3701-0008\0nvidia,tegra234", false),
		     TREE("some,board\0nvidia,grace", true),
		     {"", 0, true}};
	char path[] = "/tmp/relaxed-XXXXXX";
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	for (unsigned i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		cr_assert_eq(pwrite(fd, trees[i].bytes, trees[i].size, 0), (ssize_t)trees[i].size);
		cr_assert_eq(ftruncate(fd, (off_t)trees[i].size), 0);
		cr_expect_eq(dq_relaxed_tree(path), trees[i].want, "%u", i);
	}
	close(fd);
	unlink(path);
	cr_expect(dq_relaxed_tree(path), "no such file: no device tree");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a kernel module gives NICs a GPU's memory, on machines of all kinds: files are as a test
 * says. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gpu.h"

static const char *module,
	*symbols; /* the one that is loaded; lines of kallsyms, NULL: not there */

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
	if (strncmp(path, "/sys/module/", 12) != 0)
		return __real_access(path, mode);
	return module && !strcmp(path + 12, module) ? 0 : -1;
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
	FILE *f;

	if (strcmp(path, "/proc/kallsyms") != 0)
		return __real_fopen(path, mode);
	f = symbols ? tmpfile() : NULL;
	if (f) {
		fputs(symbols, f);
		rewind(f);
	}
	return f;
}

static const char with_it[] = "0000000000000000 T ib_register_device\t[ib_core]\n"
			      "0000000000000000 T ib_register_peer_memory_client\t[ib_core]\n";
static const char without[] = "0000000000000000 T ib_register_device\t[ib_core]\n"
			      "0000000000000000 t my_ib_register_peer_memory_client\n";

Test(peermem, a_loaded_module_is_enough)
{
	module = "nvidia_peermem";
	cr_expect_null(dq_peermem_lack());
	module = "nv_peer_mem"; /* of older MLNX_OFED */
	cr_expect_null(dq_peermem_lack());
}

Test(peermem, one_that_could_be_loaded_is_told_from_one_that_could_not)
{
	module = "mlx5_ib";
	symbols = with_it;
	cr_expect(
		strstr(dq_peermem_lack(), "nvidia_peermem is not loaded (modprobe nvidia_peermem)"),
		"%s", dq_peermem_lack());
	symbols = without;
	cr_expect(strstr(dq_peermem_lack(),
			 "nvidia_peermem cannot be loaded: this kernel's ib_core has "
			 "no peer-memory interface"),
		  "%s", dq_peermem_lack());
	symbols = NULL; /* hidden: as well as not there */
	cr_expect(strstr(dq_peermem_lack(), "cannot be loaded"), "%s", dq_peermem_lack());
}

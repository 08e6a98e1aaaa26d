/* SPDX-License-Identifier: Apache-2.0 */
#include "relaxed.h"

#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

bool dq_relaxed_cpu(unsigned family, unsigned model)
{
	/* Haswell: 3c, 3f (server), 45, 46; Broadwell: 3d, 47, 4f (server), 56 (D). */
	static const unsigned char slow[] = {0x3c, 0x3f, 0x45, 0x46, 0x3d, 0x47, 0x4f, 0x56};

	return family != 6 || model > 0xff || !memchr(slow, (int)model, sizeof(slow));
}

bool dq_relaxed_board(const char *compatible, size_t size)
{
	static const char tegra[] = "nvidia,tegra";

	for (size_t at = 0; at < size; at += strnlen(compatible + at, size - at) + 1)
		if (size - at >= sizeof(tegra) - 1 &&
		    !memcmp(compatible + at, tegra, sizeof(tegra) - 1))
			return false;
	return true;
}

bool dq_relaxed_tree(const char *path)
{
	char compatible[512];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, compatible, sizeof(compatible));

	if (fd >= 0)
		close(fd);
	return n >= 0 && dq_relaxed_board(compatible, (size_t)n);
}

bool dq_relaxed_here(void)
{
#if defined(__x86_64__)
	unsigned eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
		return false;
	return dq_relaxed_cpu(eax >> 8 & 0xf, (eax >> 4 & 0xf) | (eax >> 12 & 0xf0));
#elif defined(__aarch64__)
	return dq_relaxed_tree("/proc/device-tree/compatible");
#else
	return false;
#endif
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_cuda.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIB ((uint64_t)1 << 30)

/* As their drivers (580) report them. */
static const struct fake_gpu h100 = {.name = "NVIDIA H100 PCIe",
				     .pci = "0000:17:00.0",
				     .dmabuf = true,
				     .ordering = 100,
				     .flush_options = 3,
				     .memory = 80 * GIB,
				     .bar1 = 128 * GIB};
static const struct fake_gpu a6000 = {.name = "NVIDIA RTX A6000",
				      .pci = "0000:65:00.0",
				      .dmabuf = false,
				      .ordering = 0,
				      .flush_options = 1,
				      .memory = 48 * GIB,
				      .bar1 = GIB / 4};
static const struct fake_gpu gb10 = {.name = "NVIDIA GB10",
				     .pci = "000f:01:00.0",
				     .integrated = true,
				     .ordering = 0,
				     .flush_options = 0,
				     .memory = 120 * GIB};

static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word), len;

	for (; list && *list; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		if (len == n && !memcmp(list, word, n))
			return true;
	}
	return false;
}

bool fake_is(const char *machine)
{
	const char *name = getenv("FAKE_CUDA");

	return listed(name ? name : "h100", machine);
}

bool fake_fails(const char *what)
{
	return listed(getenv("FAKE_CUDA_FAIL"), what);
}

uint64_t fake_number(const char *variable, uint64_t otherwise)
{
	const char *value = getenv(variable);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

void fake_log(const char *fmt, ...)
{
	const char *name = getenv("FAKE_CUDA_LOG");
	FILE *f = name ? fopen(name, "ae") : NULL;
	va_list ap;

	if (!f)
		return;
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fputc('\n', f);
	fclose(f);
}

int fake_gpu_count(void)
{
	if (fake_is("none"))
		return 0;
	return fake_is("mixed") ? 2 : 1;
}

const struct fake_gpu *fake_gpu(int device)
{
	static struct fake_gpu out[FAKE_GPUS];

	if (device < 0 || device >= fake_gpu_count())
		return NULL;
	if (fake_is("gb10") || (fake_is("mixed") && !device))
		out[device] = gb10;
	else
		out[device] = fake_is("a6000") || fake_is("mixed") ? a6000 : h100;
	if (!out[device].integrated)
		out[device].bar1 = fake_number("FAKE_CUDA_BAR1", out[device].bar1);
	out[device].memory = fake_number("FAKE_CUDA_MEMORY", out[device].memory);
	out[device].ordering = (int)fake_number("FAKE_CUDA_ORDER", (uint64_t)out[device].ordering);
	out[device].flush_options =
		(int)fake_number("FAKE_CUDA_FLUSH", (uint64_t)out[device].flush_options);
	return &out[device];
}

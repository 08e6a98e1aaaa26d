/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pci.h"

enum { VENDOR_NVIDIA = 0x10de, CLASS_DISPLAY = 0x03 };

/* The entry of facts.json's NAME.gpus for a PCI address, and its place there. */
static json_t *fact_of(struct tune_machine *m, const char *name, const char *addr, int *place)
{
	json_t *list = tune_fact(m->facts, name, "gpus"), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		const char *pci = json_string_value(json_object_get(one, "pci"));

		if (!pci || strcasecmp(pci, addr))
			continue;
		*place = (int)i;
		return one;
	}
	return NULL;
}

static void read_name(struct tune_machine *m, struct tune_gpu *gpu)
{
	char buf[1024], *p;

	tune_text(m->root, buf, sizeof(buf), "proc/driver/nvidia/gpus/%s/information",
		  gpu->pci.addr);
	p = strstr(buf, "Model:");
	if (!p)
		return;
	p += strlen("Model:");
	p += strspn(p, " \t");
	p[strcspn(p, "\n")] = 0;
	tune_put(gpu->name, sizeof(gpu->name), p);
}

/* What NVIDIA calls BAR 1 is the second memory region; a 64-bit one takes two of the six places. */
static void read_bar1(struct tune_machine *m, struct tune_bus *bus, struct tune_gpu *gpu)
{
	char buf[2048], *line, *save = NULL;
	unsigned long long first, last;
	unsigned place = 0, regions = 0;

	gpu->bar1 = gpu->bar1_largest = TUNE_UNKNOWN;
	tune_text(m->root, buf, sizeof(buf), "sys/bus/pci/devices/%s/resource", gpu->pci.addr);
	for (line = strtok_r(buf, "\n", &save); line && place < 6;
	     line = strtok_r(NULL, "\n", &save), place++) {
		if (sscanf(line, "%llx %llx", &first, &last) != 2 || !last || last < first)
			continue;
		if (++regions != 2 || last - first >= 1ULL << 48)
			continue;
		gpu->bar1 = (long long)(last - first + 1);
		gpu->bar1_sizes = tune_bus_bar_sizes(bus, gpu->pci.addr, place);
	}
	for (unsigned i = 0; i < 28; i++) /* bits 31:4 of the capability register */
		if (gpu->bar1_sizes >> i & 1)
			gpu->bar1_largest = 1LL << (20 + i);
}

static void take_facts(struct tune_machine *m, struct tune_gpu *gpu)
{
	int place = TUNE_UNKNOWN;
	json_t *nvml = fact_of(m, "nvml", gpu->pci.addr, &place);
	json_t *cuda = fact_of(m, "cuda", gpu->pci.addr, &place);
	int mib = tune_fact_int(nvml, "bar1_mib");

	tune_fact_put(nvml, "name", gpu->name, sizeof(gpu->name));
	tune_fact_put(nvml, "uuid", gpu->uuid, sizeof(gpu->uuid));
	gpu->index = tune_fact_int(nvml, "index");
	gpu->ordinal = place;
	gpu->persistence = tune_fact_int(nvml, "persistence");
	gpu->idle = tune_fact_int(nvml, "idle");
	gpu->clock_sm = tune_fact_int(nvml, "clock_sm_mhz");
	gpu->clock_mem = tune_fact_int(nvml, "clock_mem_mhz");
	gpu->max_sm = tune_fact_int(nvml, "max_sm_mhz");
	gpu->max_mem = tune_fact_int(nvml, "max_mem_mhz");
	gpu->integrated = tune_fact_int(cuda, "integrated");
	gpu->gpudirect = tune_fact_int(cuda, "gpudirect_rdma");
	gpu->dmabuf = tune_fact_int(cuda, "dmabuf");
	if (gpu->bar1 == TUNE_UNKNOWN && mib != TUNE_UNKNOWN)
		gpu->bar1 = (long long)mib << 20;
}

static int read_gpu(struct tune_machine *m, struct tune_bus *bus, const struct tune_pci *pci)
{
	struct tune_gpu *gpu = TUNE_GROW(m, gpu, n_gpus);

	if (!gpu)
		return -ENOMEM;
	gpu->pci = *pci;
	read_name(m, gpu);
	read_bar1(m, bus, gpu);
	take_facts(m, gpu);
	return 0;
}

int tune_read_gpus(struct tune_machine *m)
{
	static const struct tune_bus_kind gpus = {VENDOR_NVIDIA, CLASS_DISPLAY, read_gpu};

	return tune_bus_each(m, &gpus);
}

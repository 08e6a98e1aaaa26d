/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "pci.h"

/* Calls judge for each GPU that counts; says so where there is none. */
static void each_gpu(const struct tune_judge *j,
		     void (*judge)(const struct tune_judge *j, const struct tune_gpu *gpu))
{
	bool any = false;

	for (unsigned i = 0; i < j->m->n_gpus; i++) {
		if (!tune_wanted_this_gpu(j->m, j->w, &j->m->gpu[i]))
			continue;
		any = true;
		judge(j, &j->m->gpu[i]);
	}
	if (!any)
		tune_nothing(j, TUNE_SKIP,
			     j->m->n_gpus ? "no GPU of the configuration" : "no NVIDIA GPU");
}

/* "5.15.0-1010-nvidia" is at least 5.12: the first kernel that registers dma-bufs (mlx5, with ODP).
 */
static bool kernel_has_dmabuf(const char *release)
{
	unsigned major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 5 || (major == 5 && minor >= 12);
}

bool tune_gpu_dmabuf(const struct tune_machine *m, const struct tune_gpu *gpu)
{
	return m->open_modules && kernel_has_dmabuf(m->kernel) && gpu->dmabuf != 0;
}

bool tune_gpu_reachable(const struct tune_machine *m, const struct tune_gpu *gpu)
{
	return !tune_gpu_integrated(m, gpu) && (m->peermem || tune_gpu_dmabuf(m, gpu));
}

static void no_gpudirect(const struct tune_judge *j, const struct tune_gpu *gpu)
{
	const char *why = "neither dma-buf nor peermem";
	struct tune_row *row;

	if (!j->m->nvidia)
		why = "the GPU's driver is not loaded";
	row = tune_row(j, tune_wanted_on_gpu(j->m, j->w, gpu) ? TUNE_FAIL : TUNE_WARN,
		       gpu->pci.addr, "%s", why);
	if (j->m->nvidia && !j->m->open_modules)
		tune_note(row, "dma-buf needs the open kernel modules");
	else if (j->m->nvidia && !kernel_has_dmabuf(j->m->kernel))
		tune_note(row, "dma-buf needs kernel 5.12");
	else if (j->m->nvidia && gpu->dmabuf == 0)
		tune_note(row, "CUDA says that it exports no dma-buf");
	tune_want(row, "dma-buf or peermem");
	tune_fix(row, j->m->nvidia ? "apt-get install nvidia-open; or modprobe nvidia_peermem"
				   : "modprobe nvidia");
}

static void judge_gpu(const struct tune_judge *j, const struct tune_gpu *gpu)
{
	if (tune_gpu_integrated(j->m, gpu)) {
		bool needed = tune_wanted_on_gpu(j->m, j->w, gpu);
		struct tune_row *row = tune_row(
			j, needed ? TUNE_FAIL : TUNE_OK, gpu->pci.addr,
			"integrated: no dma-buf and no peermem; use kind=host_pinned, or huge");

		if (needed)
			tune_fix(row, "in the configuration: kind = host_pinned instead of device");
	} else if (tune_gpu_dmabuf(j->m, gpu)) {
		tune_row(j, TUNE_OK, gpu->pci.addr, "dma-buf%s: kind=device works",
			 gpu->dmabuf == 1 ? ""
					  : " (kernel and driver have it; CUDA was not asked)");
	} else if (j->m->peermem) {
		tune_row(j, TUNE_OK, gpu->pci.addr, "peermem: kind=device works");
	} else {
		no_gpudirect(j, gpu);
	}
}

/* A region whose GPU is not here: the library would not open it. */
static bool judge_named(const struct tune_judge *j)
{
	bool any = false;

	for (unsigned i = 0; i < j->w->n_regions; i++) {
		const struct tune_wanted_region *r = &j->w->region[i];
		char object[64];
		struct tune_row *row;

		if ((strcmp(r->kind, "device") && strcmp(r->kind, "host_pinned")) ||
		    tune_wanted_region_gpu(j->m, j->w, r))
			continue;
		any = true;
		snprintf(object, sizeof(object), "region %s", r->name);
		row = tune_row(j, TUNE_FAIL, object, "no GPU %s here",
			       *r->affinity ? r->affinity : "at all");
		tune_want(row, "a GPU of this machine");
		tune_fix(row, "in the configuration: affinity = number, PCI address or UUID of "
			      "nvidia-smi -L; or kind = host, huge");
	}
	return any;
}

void tune_judge_gpudirect(const struct tune_judge *j)
{
	if (!judge_named(j) || j->m->n_gpus)
		each_gpu(j, judge_gpu);
}

static const struct tune_gpu *first_discrete(const struct tune_judge *j)
{
	for (unsigned i = 0; i < j->m->n_gpus; i++)
		if (!tune_gpu_integrated(j->m, &j->m->gpu[i]) &&
		    tune_wanted_this_gpu(j->m, j->w, &j->m->gpu[i]))
			return &j->m->gpu[i];
	return NULL;
}

static bool any_used(const struct tune_judge *j)
{
	for (unsigned i = 0; i < j->m->n_gpus; i++)
		if (tune_wanted_this_gpu(j->m, j->w, &j->m->gpu[i]))
			return true;
	return false;
}

void tune_judge_peermem(const struct tune_judge *j)
{
	const struct tune_gpu *gpu = first_discrete(j);
	struct tune_row *row;

	if (!any_used(j)) {
		tune_nothing(j, TUNE_SKIP,
			     j->m->n_gpus ? "no GPU of the configuration" : "no NVIDIA GPU");
	} else if (!gpu) {
		tune_nothing(j, TUNE_NA,
			     "integrated GPU: modprobe gives EINVAL, there is no BAR1 to map");
	} else if (j->m->peermem) {
		tune_row(j, TUNE_OK, "nvidia_peermem", "loaded");
	} else if (tune_gpu_dmabuf(j->m, gpu)) {
		tune_row(j, TUNE_OK, "nvidia_peermem",
			 "not loaded, and not needed: dma-buf is there");
	} else {
		row = tune_row(j, tune_wanted_gpu(j->w) ? TUNE_FAIL : TUNE_WARN, "nvidia_peermem",
			       "not loaded");
		tune_want(row, "loaded, or dma-buf");
		if (j->m->peer_api == 0) {
			tune_note(row, "ib_core lacks the peer-memory API: it cannot be loaded");
			tune_fix(row, "install doca-ofed, reboot, then rebuild the NVIDIA modules: "
				      "dkms autoinstall");
		} else {
			tune_fix(row, "modprobe nvidia_peermem; echo nvidia_peermem > "
				      "/etc/modules-load.d/nvidia_peermem.conf");
		}
	}
}

/* The NIC nearest to a GPU, of those that count. */
static const struct tune_nic *nearest(const struct tune_judge *j, const struct tune_gpu *gpu)
{
	const struct tune_nic *best = NULL;

	for (unsigned i = 0; i < j->m->n_nics; i++) {
		const struct tune_nic *nic = &j->m->nic[i];

		if (!tune_wanted_nic(j->w, nic))
			continue;
		if (!best || tune_pci_relation(&gpu->pci, &nic->pci) <
				     tune_pci_relation(&gpu->pci, &best->pci))
			best = nic;
	}
	return best;
}

/* Behind a switch: its port above, one below it, and the root port. */
static bool behind_switch(const struct tune_pci *pci)
{
	return pci->n_up >= 3;
}

/* Whether there is a switch that the two could share. */
static bool could_share(const struct tune_judge *j, const struct tune_gpu *gpu,
			const struct tune_nic *nic)
{
	return j->m->platform == TUNE_PLATFORM_IGX || behind_switch(&gpu->pci) ||
	       behind_switch(&nic->pci);
}

static void judge_pair(const struct tune_judge *j, const struct tune_gpu *gpu,
		       const struct tune_nic *nic)
{
	enum tune_relation r = tune_pci_relation(&gpu->pci, &nic->pci);
	bool shorter = r >= TUNE_PHB && could_share(j, gpu, nic);
	struct tune_row *row =
		tune_row(j, r == TUNE_SYS || shorter ? TUNE_WARN : TUNE_OK, gpu->pci.addr,
			 "%s to %s", tune_relation_name(r), tune_nic_name(nic));

	if (shorter) {
		tune_want(row, "PIX or PXB");
		tune_fix(row, "move NIC or GPU to slots of the same PCIe switch");
	} else if (r == TUNE_SYS) {
		tune_want(row, "PIX or PXB; at least the same NUMA node");
		tune_fix(row, "move the NIC or the GPU to a slot of the same processor, or switch");
	} else if (r >= TUNE_PHB) {
		tune_note(row, "the best that a machine without a PCIe switch can do");
	}
}

/* The ports whose packets go to this GPU; false: none. */
static bool judge_pairs(const struct tune_judge *j, const struct tune_gpu *gpu)
{
	const struct tune_nic *last = NULL;
	bool any = false;

	for (unsigned i = 0; i < j->w->n_regions; i++) {
		const struct tune_wanted_region *r = &j->w->region[i];
		const struct tune_nic *nic = tune_wanted_region_nic(j->m, j->w, r);

		if (!nic || nic == last || strcmp(r->kind, "device") ||
		    tune_wanted_region_gpu(j->m, j->w, r) != gpu)
			continue;
		judge_pair(j, gpu, nic);
		last = nic;
		any = true;
	}
	return any;
}

static void judge_way(const struct tune_judge *j, const struct tune_gpu *gpu)
{
	const struct tune_nic *nic = nearest(j, gpu);

	if (tune_gpu_integrated(j->m, gpu))
		tune_row(j, TUNE_NA, gpu->pci.addr,
			 "integrated GPU: no PCIe path of its own to the NIC");
	else if (!nic)
		tune_row(j, TUNE_SKIP, gpu->pci.addr, "no NIC of the configuration");
	else if (!judge_pairs(j, gpu))
		judge_pair(j, gpu, nic);
}

void tune_judge_topo(const struct tune_judge *j)
{
	if (!j->m->n_nics && j->m->n_gpus)
		tune_nothing(j, TUNE_SKIP, "no NIC");
	else
		each_gpu(j, judge_way);
}

enum { SM_SLACK = 500, MEM_SLACK = 1 }; /* MHz: boost clocks and rounding, as the guide has it */

static void judge_clocks(const struct tune_judge *j, const struct tune_gpu *gpu)
{
	bool sm = gpu->clock_sm >= gpu->max_sm - SM_SLACK;
	bool mem_known = gpu->clock_mem > 0 && gpu->max_mem > 0;
	bool mem = !mem_known || gpu->clock_mem >= gpu->max_mem - MEM_SLACK;
	bool off = gpu->persistence == 0;
	struct tune_row *row;

	row = tune_row(j, sm && mem && !off ? TUNE_OK : TUNE_WARN, gpu->pci.addr, "SM %d of %d MHz",
		       gpu->clock_sm, gpu->max_sm);
	if (mem_known && !tune_gpu_integrated(j->m, gpu))
		tune_note(row, "memory %d of %d MHz", gpu->clock_mem, gpu->max_mem);
	if (off)
		tune_note(row, "persistence mode off");
	if (row->status == TUNE_OK)
		return;
	if (gpu->idle == 1 && !(sm && mem))
		tune_note(row, "not locked: this is its idle clock");
	tune_want(row, "clocks locked at the maximum, persistence mode on");
	tune_fix(row, "nvidia-smi -i %s -pm 1; nvidia-smi -i %s -lgc %d", gpu->pci.addr,
		 gpu->pci.addr, gpu->max_sm);
	if (mem_known && !tune_gpu_integrated(j->m, gpu)) {
		size_t len = strlen(row->fix);

		snprintf(row->fix + len, sizeof(row->fix) - len, "; nvidia-smi -i %s -lmc %d",
			 gpu->pci.addr, gpu->max_mem);
	}
}

static void judge_clock(const struct tune_judge *j, const struct tune_gpu *gpu)
{
	if (gpu->clock_sm > 0 && gpu->max_sm > 0)
		judge_clocks(j, gpu);
	else
		tune_row(j, TUNE_SKIP, gpu->pci.addr, "unknown: NVML tells no clock");
}

void tune_judge_gpu_clock(const struct tune_judge *j)
{
	each_gpu(j, judge_clock);
}

#define GIB (1LL << 30)

/* " 256M 512M 1G", of a mask whose bit n is 2^n MiB; "": none. */
static void print_sizes(unsigned mask, char *buf, size_t size)
{
	size_t len = 0;

	*buf = 0;
	for (unsigned i = 0; i < 28 && len < size; i++)
		if (mask >> i & 1)
			len += (size_t)snprintf(buf + len, size - len, " %u%c", 1u << i % 10,
						"MGT"[i / 10]);
}

static void judge_bar1(const struct tune_judge *j, const struct tune_gpu *gpu)
{
	bool blackwell = strstr(gpu->name, "Blackwell") && strstr(gpu->name, "Server Edition");
	long long need = blackwell ? 32 * GIB : GIB;
	long long regions = (long long)tune_wanted_on_gpu(j->m, j->w, gpu);
	struct tune_row *row;
	char sizes[128];

	if (regions > need)
		need = regions;
	row = tune_row(j, gpu->bar1 >= need ? TUNE_OK : TUNE_WARN, gpu->pci.addr, "%lld MiB",
		       gpu->bar1 >> 20);
	print_sizes(gpu->bar1_sizes, sizes, sizeof(sizes));
	if (*sizes)
		tune_note(row, "resizable to%s", sizes);
	if (gpu->bar1 >= need)
		return;
	tune_want(row, "at least %lld MiB", (need + (1 << 20) - 1) >> 20);
	if (gpu->bar1_largest >= need)
		tune_fix(row,
			 "enable Resizable BAR in the firmware set-up; for GPUs that NVIDIA lists, "
			 "its Display Mode Selector (read its warnings first)");
	else
		tune_fix(row,
			 "NVIDIA's Display Mode Selector, if it lists this GPU and the firmware "
			 "has Resizable BAR (read its warnings first)");
}

static void judge_bar(const struct tune_judge *j, const struct tune_gpu *gpu)
{
	if (tune_gpu_integrated(j->m, gpu))
		tune_row(j, TUNE_NA, gpu->pci.addr, "integrated GPU: no BAR1 to enlarge");
	else if (gpu->bar1 == TUNE_UNKNOWN)
		tune_row(j, TUNE_SKIP, gpu->pci.addr, "unknown");
	else
		judge_bar1(j, gpu);
}

void tune_judge_bar1(const struct tune_judge *j)
{
	each_gpu(j, judge_bar);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "plan.h"

static void lock_clocks(struct tune_planner *p, const struct tune_gpu *gpu)
{
	const char *a = gpu->pci.addr;
	char back[64];

	/* where the platform has no persistence mode the clocks lock all the same */
	if (gpu->persistence != 1) {
		snprintf(back, sizeof(back), "nvidia-smi -i %s -pm 0", a);
		tune_plan_run(p, back, "nvidia-smi -i %s -pm 1", a)->may_fail = true;
	}
	snprintf(back, sizeof(back), "nvidia-smi -i %s -rgc", a);
	tune_plan_run(p, back, "nvidia-smi -i %s -lgc %d", a, gpu->max_sm);
	if (gpu->max_mem <= 0 || tune_gpu_integrated(p->m, gpu))
		return;
	snprintf(back, sizeof(back), "nvidia-smi -i %s -rmc", a);
	tune_plan_run(p, back, "nvidia-smi -i %s -lmc %d", a, gpu->max_mem);
}

void tune_plan_gpu_clock(struct tune_planner *p)
{
	unsigned n = 0;

	if (*p->value && strcmp(p->value, "max")) {
		tune_plan_refuse(p, "%s: must be max", p->value);
		return;
	}
	for (unsigned i = 0; i < p->m->n_gpus; i++) {
		if (p->m->gpu[i].max_sm <= 0)
			continue;
		n++;
		lock_clocks(p, &p->m->gpu[i]);
	}
	if (n)
		tune_plan_at_boot(p, "max");
	else
		tune_plan_refuse(p, "no GPU whose clocks NVML tells");
}

static const struct tune_gpu *discrete(const struct tune_machine *m)
{
	for (unsigned i = 0; i < m->n_gpus; i++)
		if (!tune_gpu_integrated(m, &m->gpu[i]))
			return &m->gpu[i];
	return NULL;
}

void tune_plan_peermem(struct tune_planner *p)
{
	static const char path[] = "etc/modules-load.d/daqiri.conf";
	char text[128];

	if (!p->m->n_gpus) {
		tune_plan_refuse(p, "no NVIDIA GPU");
		return;
	}
	if (!discrete(p->m)) {
		tune_plan_say(p, "peermem: n-a on an integrated GPU: loading it gives EINVAL");
		return;
	}
	if (p->m->peer_api == 0 && !p->m->peermem) {
		tune_plan_refuse(p, "ib_core lacks the peer-memory API: install doca-ofed, reboot, "
				    "then dkms autoinstall");
		return;
	}
	if (!p->m->peermem)
		tune_plan_run(p, "modprobe -r nvidia_peermem", "modprobe nvidia_peermem");
	if (!p->persist)
		return;
	snprintf(text, sizeof(text), "%snvidia_peermem\n", tune_mark);
	if (tune_plan_foreign(p, path))
		tune_plan_refuse(p, "/%s is not daqiri-tune's: add nvidia_peermem to it", path);
	else
		tune_plan_file(p, path, 0644, text);
}

/* A display manager has processes in its control group. */
static bool display_server(const struct tune_machine *m)
{
	static const char *const units[] = {"gdm", "gdm3", "lightdm", "sddm", "display-manager"};
	char buf[64];

	for (unsigned i = 0; i < 5; i++)
		if (!tune_text(m->root, buf, sizeof(buf),
			       "sys/fs/cgroup/system.slice/%s.service/cgroup.procs", units[i]) &&
		    *buf)
			return true;
	return false;
}

/* Every module of NVIDIA's that is loaded, those that use others first. */
static void module_list(const struct tune_machine *m, char *out, size_t size)
{
	static const char *const last[] = {"nvidia_modeset", "nvidia"};
	struct tune_names names;
	size_t len = 0;

	*out = 0;
	tune_list(m->root, &names, "sys/module");
	for (unsigned i = 0; i < names.n && len < size; i++)
		if (!strncmp(names.name[i], "nvidia", 6) && strcmp(names.name[i], last[0]) &&
		    strcmp(names.name[i], last[1]))
			len += (size_t)snprintf(out + len, size - len, " %s", names.name[i]);
	tune_names_free(&names);
	for (unsigned i = 0; i < 2 && len < size; i++)
		if (tune_machine_module(m, last[i]))
			len += (size_t)snprintf(out + len, size - len, " %s", last[i]);
}

#define MODE_SIZE (8LL << 30) /* of physical_display_enabled_8GB_bar1 */

static void bar1_steps(struct tune_planner *p, const struct tune_gpu *gpu)
{
	char modules[512];
	unsigned n = 0;

	tune_plan_say(p, "bar1-size: %s %s, BAR1 %lld MiB. Nothing is flashed by daqiri-tune.",
		      gpu->pci.addr, *gpu->name ? gpu->name : "NVIDIA GPU",
		      gpu->bar1 > 0 ? gpu->bar1 >> 20 : 0);
	tune_plan_say(p, "WARNING: this writes the card's firmware. Without Resizable BAR in both "
			 "firmware and card it can leave the card unusable.");
	tune_plan_say(p,
		      "%u. Make sure that https://developer.nvidia.com/displaymodeselector lists "
		      "this very card (only that page knows), and download the tool.",
		      ++n);
	if (gpu->bar1_largest == TUNE_UNKNOWN)
		tune_plan_say(
			p, "%u. %s", ++n,
			gpu->pci.pcie.denied
				? "Run this as root: without rights it cannot be told whether "
				  "the card has a Resizable BAR."
				: "The card shows no Resizable BAR capability: turn it on in "
				  "the firmware set-up, reboot, check again, and go no "
				  "further before lspci -vv shows it.");
	else if (gpu->bar1_largest < MODE_SIZE)
		tune_plan_say(p,
			      "%u. The card offers %lld MiB at most, and the mode below is 8 GiB: "
			      "go no further.",
			      ++n, gpu->bar1_largest >> 20);
	if (display_server(p->m))
		tune_plan_say(p, "%u. systemctl isolate multi-user", ++n);
	module_list(p->m, modules, sizeof(modules));
	if (*modules)
		tune_plan_say(p, "%u. rmmod%s", ++n, modules);
	tune_plan_say(p,
		      "%u. ./displaymodeselector --gpumode physical_display_enabled_8GB_bar1 "
		      "(in linux/%s of the archive)",
		      ++n, strcmp(p->m->arch, "x86_64") ? "aarch64" : "x64");
	tune_plan_say(p, "%u. reboot", ++n);
	tune_plan_say(p, "%u. daqiri-tune --check bar1-size", ++n);
}

void tune_plan_bar1(struct tune_planner *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->m->n_gpus; i++) {
		const struct tune_gpu *gpu = &p->m->gpu[i];

		if (tune_gpu_integrated(p->m, gpu))
			tune_plan_say(
				p, "bar1-size: %s: n-a, an integrated GPU has no BAR1 to enlarge",
				gpu->pci.addr);
		else if (gpu->bar1_largest > 0 && gpu->bar1 >= gpu->bar1_largest)
			tune_plan_say(p, "bar1-size: %s: %lld MiB, the largest it offers",
				      gpu->pci.addr, gpu->bar1 >> 20);
		else if (!n++)
			bar1_steps(p, gpu);
	}
	if (!p->m->n_gpus)
		tune_plan_refuse(p, "no NVIDIA GPU");
}

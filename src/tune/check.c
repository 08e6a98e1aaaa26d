/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* In the order in which a machine is set up: the guide's steps first. */
const struct tune_check tune_checks[] = {
	{"platform", "", "NIC, GPU and machine",
	 "The library drives ConnectX-5 and later; what of the guide applies depends on the "
	 "machine.",
	 tune_judge_platform, TUNE_NONE, 0, NULL},
	{"drivers", "", "kernel modules and the mlx5 provider",
	 "Packets go through mlx5_ib and libmlx5: without them there is no device.",
	 tune_judge_drivers, TUNE_NONE, TUNE_ROOT, NULL},
	{"secure-boot", "", "Secure Boot and kernel lockdown",
	 "A locked-down kernel refuses changes of link type, MRRS and BAR1 size.",
	 tune_judge_secure_boot, TUNE_FIRMWARE, TUNE_REBOOT, NULL},
	{"link-layer", "", "Ethernet on every port",
	 "A port in InfiniBand mode carries no Ethernet frames.", tune_judge_link_layer,
	 TUNE_FIRMWARE, TUNE_ROOT | TUNE_REBOOT | TUNE_SECURE_BOOT_OFF, tune_plan_link_layer},
	{"carrier", "", "cable and link", "Without a link nothing is sent or received.",
	 tune_judge_carrier, TUNE_NONE, 0, NULL},
	{"addresses", "", "IP addresses of the ports",
	 "Raw frames need no address, but the peer's MAC address is found by it.",
	 tune_judge_addresses, TUNE_PROFILE, TUNE_ROOT, tune_plan_addresses},
	{"gpudirect", "", "how the NIC reaches GPU memory",
	 "It decides which kind of region holds packets for the GPU.", tune_judge_gpudirect,
	 TUNE_NONE, 0, NULL},
	{"peermem", "", "the nvidia_peermem module",
	 "Where dma-buf is not to be had, the NIC reaches GPU memory by this module only.",
	 tune_judge_peermem, TUNE_UNIT, TUNE_ROOT, tune_plan_peermem},
	{"topo", "schematic", "PCIe path between GPU and NIC",
	 "A path through the processors' interconnect is slower than one through a switch.",
	 tune_judge_topo, TUNE_NONE, 0, NULL},
	{"mps", "", "PCIe max payload size",
	 "Smaller packets on the bus mean more headers; the path's least capable part decides.",
	 tune_judge_mps, TUNE_NONE, 0, NULL},
	{"pcie-link", "", "PCIe speed and width",
	 "A slower or narrower link than the card can do caps its throughput.",
	 tune_judge_pcie_link, TUNE_NONE, 0, NULL},
	{"mrrs", "", "PCIe max read request size",
	 "The NIC reads packets in requests of this size and tracks a limited number of them.",
	 tune_judge_mrrs, TUNE_UDEV, TUNE_ROOT | TUNE_SECURE_BOOT_OFF, tune_plan_mrrs},
	{"hugepages", "", "huge pages, in all and free",
	 "Packet memory on huge pages spares the NIC and the cores address translations.",
	 tune_judge_hugepages, TUNE_BOOTLINE, TUNE_ROOT, tune_plan_hugepages},
	{"cmdline", "", "cores kept free of the kernel's work",
	 "A polling core that the scheduler, a timer or RCU interrupts loses packets.",
	 tune_judge_cmdline, TUNE_BOOTLINE, TUNE_ROOT | TUNE_REBOOT, tune_plan_cmdline},
	{"cpu-freq", "", "CPU frequency governor",
	 "A core that has to wake or speed up first is late for packets.", tune_judge_cpu_freq,
	 TUNE_UNIT, TUNE_ROOT, tune_plan_cpu_freq},
	{"irq", "", "NIC interrupts off isolated cores",
	 "An interrupt on a polling core stops it for microseconds.", tune_judge_irq, TUNE_UNIT,
	 TUNE_ROOT, tune_plan_irq},
	{"gpu-clock", "gpu-clocks", "GPU clocks at their maximum",
	 "A GPU that has to wake or speed up first is late for packets.", tune_judge_gpu_clock,
	 TUNE_UNIT, TUNE_ROOT, tune_plan_gpu_clock},
	{"bar1-size", "", "GPU BAR1 size", "The NIC can reach as much GPU memory as BAR1 shows.",
	 tune_judge_bar1, TUNE_FIRMWARE, TUNE_ROOT | TUNE_REBOOT | TUNE_SECURE_BOOT_OFF,
	 tune_plan_bar1},
	{"mtu", "", "jumbo frames", "The port drops frames above its MTU without a word.",
	 tune_judge_mtu, TUNE_PROFILE, TUNE_ROOT, tune_plan_mtu},
	{"pause", "", "pause frames",
	 "A receiver's pause frames slow the sender with every drop counter at zero.",
	 tune_judge_pause, TUNE_UNIT, TUNE_ROOT, tune_plan_pause},
	{"memlock", "", "memory that a process may lock",
	 "Registered packet memory is locked, and counts against RLIMIT_MEMLOCK.",
	 tune_judge_memlock, TUNE_PROFILE, TUNE_ROOT, tune_plan_memlock},
	{"iommu-acs", "", "IOMMU and PCIe access control",
	 "Translation costs each transfer time; redirection sends GPU traffic through the "
	 "processor.",
	 tune_judge_iommu_acs, TUNE_BOOTLINE, TUNE_ROOT | TUNE_REBOOT, NULL},
	{"numa", "", "ports, cores, memory and GPUs on one node",
	 "What is on another node is reached through the processors' interconnect.",
	 tune_judge_numa, TUNE_NONE, 0, NULL},
	{"clock", "", "the NIC's clock", "Timestamps and timed sends are in this clock's time.",
	 tune_judge_clock, TUNE_FIRMWARE, TUNE_ROOT | TUNE_REBOOT, NULL},
	{"firmware", "", "firmware switches that the configuration needs",
	 "Some features exist only once the card's firmware has been told to offer them.",
	 tune_judge_firmware, TUNE_FIRMWARE, TUNE_ROOT | TUNE_REBOOT, NULL},
};

const unsigned tune_n_checks = sizeof(tune_checks) / sizeof(tune_checks[0]);

static bool among(const char *words, const char *name, size_t len)
{
	for (const char *p = words; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		if (n == len && !strncmp(p, name, len))
			return true;
		p += n;
	}
	return false;
}

const struct tune_check *tune_check_find(const char *name, size_t len)
{
	for (unsigned i = 0; i < tune_n_checks; i++)
		if (among(tune_checks[i].id, name, len) || among(tune_checks[i].alias, name, len))
			return &tune_checks[i];
	return NULL;
}

int tune_check_run(const struct tune_check *check, const struct tune_machine *m,
		   const struct tune_wanted *w, struct tune_rows *rows)
{
	struct tune_judge j = {.m = m, .w = w, .rows = rows};

	rows->check = check;
	check->judge(&j);
	return rows->no_memory ? -ENOMEM : 0;
}

/* What came from a file of several lines stays on one. */
static void one_line(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

struct tune_row *tune_row(const struct tune_judge *j, enum tune_status status, const char *object,
			  const char *fmt, ...)
{
	static struct tune_row spare; /* written to and forgotten: the run fails with -ENOMEM */
	struct tune_row *row = TUNE_GROW(j->rows, row, n_rows);
	va_list ap;

	if (!row) {
		j->rows->no_memory = true;
		row = &spare;
	}
	row->check = j->rows->check;
	row->status = status;
	row->why = row->check->why;
	tune_put(row->object, sizeof(row->object), object);
	one_line(row->object);
	va_start(ap, fmt);
	vsnprintf(row->found, sizeof(row->found), fmt, ap);
	va_end(ap);
	one_line(row->found);
	return row;
}

void tune_want(struct tune_row *row, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(row->want, sizeof(row->want), fmt, ap);
	va_end(ap);
	one_line(row->want);
}

void tune_fix(struct tune_row *row, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(row->fix, sizeof(row->fix), fmt, ap);
	va_end(ap);
	one_line(row->fix);
}

void tune_note(struct tune_row *row, const char *fmt, ...)
{
	size_t len = strlen(row->found);
	va_list ap;

	if (len + 3 >= sizeof(row->found))
		return;
	len += (size_t)snprintf(row->found + len, sizeof(row->found) - len, "; ");
	va_start(ap, fmt);
	vsnprintf(row->found + len, sizeof(row->found) - len, fmt, ap);
	va_end(ap);
	one_line(row->found);
}

void tune_nothing(const struct tune_judge *j, enum tune_status status, const char *found)
{
	tune_row(j, status, "-", "%s", found);
}

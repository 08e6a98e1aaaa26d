/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "machine.h"

static void read_platform(struct tune_machine *m)
{
	char vendor[64];

	tune_text(m->root, vendor, sizeof(vendor), "sys/class/dmi/id/sys_vendor");
	if (tune_text(m->root, m->product, sizeof(m->product), "sys/class/dmi/id/product_name"))
		tune_text(m->root, m->product, sizeof(m->product), "proc/device-tree/model");
	tune_fact_put(json_object_get(m->facts, "system"), "machine", m->arch, sizeof(m->arch));
	m->platform = TUNE_PLATFORM_OTHER;
	if (strcasestr(m->product, "DGX") && strcasestr(m->product, "Spark"))
		m->platform = TUNE_PLATFORM_SPARK;
	else if (strcasestr(m->product, "IGX"))
		m->platform = TUNE_PLATFORM_IGX;
	else if (!strcmp(m->arch, "x86_64"))
		m->platform = TUNE_PLATFORM_X86;
	else if (!*m->product && !*m->arch)
		m->platform = TUNE_PLATFORM_UNKNOWN;
}

static void read_confinement(struct tune_machine *m)
{
	char cpu[8192];

	m->container = tune_exists(m->root, ".dockerenv") ||
		       tune_exists(m->root, "run/.containerenv") ||
		       tune_exists(m->root, "run/systemd/container") ||
		       tune_exists(m->root, "run/secrets/kubernetes.io");
	tune_text(m->root, cpu, sizeof(cpu), "proc/cpuinfo");
	m->vm = strstr(cpu, " hypervisor") || tune_exists(m->root, "sys/hypervisor/type");
}

/* The variable's four bytes of attributes, then its one byte (UEFI 2.10, 3.3). */
static void read_secure_boot(struct tune_machine *m)
{
	char buf[256], *from, *to;
	ssize_t n;

	n = tune_read(m->root, buf, sizeof(buf),
		      "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c");
	if (n == 5)
		tune_put(m->secure_boot, sizeof(m->secure_boot), buf[4] == 1 ? "on" : "off");
	else if (!tune_exists(m->root, "sys/firmware/efi") && tune_exists(m->root, "sys/firmware"))
		tune_put(m->secure_boot, sizeof(m->secure_boot), "no UEFI");
	tune_text(m->root, buf, sizeof(buf), "sys/kernel/security/lockdown");
	from = strchr(buf, '[');
	to = from ? strchr(from, ']') : NULL;
	if (!to)
		return;
	*to = 0;
	tune_put(m->lockdown, sizeof(m->lockdown), from + 1);
}

static void read_driver(struct tune_machine *m)
{
	char buf[1024], *line;

	m->nvidia = tune_machine_module(m, "nvidia");
	m->peermem = tune_machine_module(m, "nvidia_peermem");
	m->peer_api = tune_fact_int(json_object_get(m->facts, "system"), "peer_memory_api");
	tune_text(m->root, buf, sizeof(buf), "proc/driver/nvidia/version");
	line = strstr(buf, "NVRM version:");
	if (!line)
		return;
	line[strcspn(line, "\n")] = 0;
	line += strlen("NVRM version:");
	line += strspn(line, " ");
	tune_put(m->gpu_driver, sizeof(m->gpu_driver), line);
	m->open_modules = strstr(line, "Open Kernel Module") != NULL;
}

static void read_irqbalance(struct tune_machine *m)
{
	char buf[1024], *p;

	/* a service that runs has processes in its control group */
	m->irqbalance = !tune_text(m->root, buf, sizeof(buf),
				   "sys/fs/cgroup/system.slice/irqbalance.service/cgroup.procs") &&
			*buf;
	buf[0] = '\n'; /* the first line begins as the others do */
	tune_text(m->root, buf + 1, sizeof(buf) - 1, "etc/default/irqbalance");
	p = strstr(buf, "\nIRQBALANCE_BANNED_CPULIST=");
	if (!p)
		return;
	p = strchr(p, '=') + 1;
	p += *p == '"';
	p[strcspn(p, "\"\n ")] = 0;
	tune_put(m->irqbalance_banned, sizeof(m->irqbalance_banned), p);
}

static void read_memlock(struct tune_machine *m)
{
	char buf[4096], *p;
	unsigned long long caps;

	m->memlock = -2;
	tune_text(m->root, buf, sizeof(buf), "proc/self/limits");
	p = strstr(buf, "Max locked memory");
	if (p) {
		p += strlen("Max locked memory");
		p += strspn(p, " ");
		if (!strncmp(p, "unlimited", 9))
			m->memlock = -1;
		else if (sscanf(p, "%lld", &m->memlock) != 1 || m->memlock < 0)
			m->memlock = -2;
	}
	tune_text(m->root, buf, sizeof(buf), "proc/self/status");
	p = strstr(buf, "CapEff:");
	if (p && sscanf(p, "CapEff: %llx", &caps) == 1)
		m->ipc_lock = caps >> 14 & 1; /* CAP_IPC_LOCK */
}

void tune_read_system(struct tune_machine *m)
{
	tune_text(m->root, m->kernel, sizeof(m->kernel), "proc/sys/kernel/osrelease");
	read_platform(m);
	read_confinement(m);
	read_secure_boot(m);
	read_driver(m);
	read_irqbalance(m);
	read_memlock(m);
	m->iommu_known = tune_exists(m->root, "sys/class/iommu");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "pci.h"

void tune_judge_secure_boot(const struct tune_judge *j)
{
	const struct tune_machine *m = j->m;
	struct tune_row *row;

	if (!*m->secure_boot && !*m->lockdown) {
		tune_nothing(j, TUNE_SKIP, "unknown");
		return;
	}
	row = tune_row(j, tune_machine_locked(m) ? TUNE_WARN : TUNE_OK, "machine",
		       "Secure Boot: %s", *m->secure_boot ? m->secure_boot : "unknown");
	if (*m->lockdown)
		tune_note(row, "kernel lockdown %s", m->lockdown);
	if (row->status == TUNE_OK)
		return;
	tune_want(row, "off while link type, MRRS or BAR1 size are changed; on again afterwards");
	tune_fix(row, "mokutil --disable-validation, or the firmware set-up; then reboot");
}

/*
 * ACS redirection on a bridge of the path sends what the GPU and the NIC say to each other up to
 * the root: bits 2 and 3 of the control register (PCIe base specification 7.7.8.3).
 */
enum { ACS_REDIRECT = 0x0c };

static bool redirects(const struct tune_pci *pci, char bridges[128])
{
	size_t len = 0;

	*bridges = 0;
	for (unsigned i = 0; i < pci->n_up && len < 100; i++) {
		const struct tune_pcie *p = &pci->up[i].pcie;

		if (p->known && p->acs != TUNE_UNKNOWN && p->acs & ACS_REDIRECT)
			len += (size_t)snprintf(bridges + len, 128 - len, "%s%s", len ? ", " : "",
						pci->up[i].addr);
	}
	return len;
}

static bool behind_one_switch(const struct tune_judge *j, const struct tune_nic *nic)
{
	for (unsigned i = 0; i < j->m->n_gpus; i++)
		if (!tune_gpu_integrated(j->m, &j->m->gpu[i]) &&
		    tune_pci_relation(&j->m->gpu[i].pci, &nic->pci) <= TUNE_PXB)
			return true;
	return false;
}

static void judge_acs(const struct tune_judge *j, const struct tune_nic *nic)
{
	char bridges[128];
	struct tune_row *row;

	if (!behind_one_switch(j, nic) || !redirects(&nic->pci, bridges))
		return;
	row = tune_row(j, TUNE_WARN, tune_nic_name(nic), "ACS redirects at %s", bridges);
	tune_want(row, "no redirection between this NIC and its GPU");
	tune_fix(row,
		 "turn ACS off in the firmware set-up; or, without virtual machines: setpci -s "
		 "BRIDGE ECAP_ACS+6.w=0000:000c");
}

static void judge_iommu(const struct tune_judge *j, const struct tune_nic *nic)
{
	struct tune_row *row;

	if (!*nic->pci.iommu && !j->m->iommu_known) {
		tune_row(j, TUNE_SKIP, tune_nic_name(nic), "unknown");
	} else if (!*nic->pci.iommu) {
		tune_row(j, TUNE_OK, tune_nic_name(nic), "no IOMMU translates for it");
	} else if (!strcmp(nic->pci.iommu, "identity")) {
		tune_row(j, TUNE_OK, tune_nic_name(nic), "IOMMU in passthrough");
	} else if (j->m->vm || j->m->platform == TUNE_PLATFORM_SPARK) {
		tune_row(j, TUNE_OK, tune_nic_name(nic),
			 "IOMMU translates (%s); part of this machine", nic->pci.iommu);
	} else {
		row = tune_row(j, TUNE_WARN, tune_nic_name(nic), "IOMMU translates (%s)",
			       nic->pci.iommu);
		tune_want(row, "passthrough");
		tune_fix(row, "kernel command line: iommu=pt%s; then reboot",
			 j->m->platform == TUNE_PLATFORM_X86 ? "" : " iommu.passthrough=1");
	}
}

void tune_judge_iommu_acs(const struct tune_judge *j)
{
	bool any = false;

	for (unsigned i = 0; i < j->m->n_nics; i++) {
		if (!tune_wanted_nic(j->w, &j->m->nic[i]))
			continue;
		any = true;
		judge_iommu(j, &j->m->nic[i]);
		judge_acs(j, &j->m->nic[i]);
	}
	if (!any)
		tune_nothing(j, TUNE_SKIP, "no NIC");
}

static void judge_port_cores(const struct tune_judge *j, const struct tune_nic *nic,
			     const struct tune_wanted_port *port)
{
	struct tune_cores off = {0};
	char text[128];
	struct tune_row *row;

	for (unsigned i = 0; i < j->m->n_cpus; i++)
		if (tune_cores_has(&port->cores, j->m->cpu[i].id) &&
		    j->m->cpu[i].node != nic->pci.numa)
			tune_cores_add(&off, j->m->cpu[i].id);
	if (tune_cores_empty(&off)) {
		tune_row(j, TUNE_OK, port->name, "%s is on node %d, as its cores are",
			 tune_nic_name(nic), nic->pci.numa);
		return;
	}
	tune_cores_print(&off, text, sizeof(text));
	row = tune_row(j, TUNE_WARN, port->name, "%s is on node %d, cores %s are not",
		       tune_nic_name(nic), nic->pci.numa, text);
	tune_want(row, "cpu_core on node %d", nic->pci.numa);
	tune_fix(row, "in the configuration: cpu_core of the queues of %s", port->name);
}

static void judge_port_regions(const struct tune_judge *j, const struct tune_nic *nic,
			       const struct tune_wanted_port *port)
{
	for (unsigned i = 0; i < j->w->n_regions; i++) {
		const struct tune_wanted_region *r = &j->w->region[i];
		struct tune_row *row;

		if (strcmp(r->port, port->name) || r->node < 0 || r->node == nic->pci.numa)
			continue;
		row = tune_row(j, TUNE_WARN, port->name, "%s is on node %d, region %s on node %d",
			       tune_nic_name(nic), nic->pci.numa, r->name, r->node);
		tune_want(row, "both on one node");
		tune_fix(row, "in the configuration: affinity = %d, or auto", nic->pci.numa);
	}
}

static void judge_gpu_node(const struct tune_judge *j, const struct tune_nic *nic)
{
	struct tune_row *row;

	for (unsigned i = 0; i < j->m->n_gpus; i++)
		if (j->m->gpu[i].pci.numa == nic->pci.numa) {
			tune_row(j, TUNE_OK, tune_nic_name(nic), "node %d, as GPU %s",
				 nic->pci.numa, j->m->gpu[i].pci.addr);
			return;
		}
	if (!j->m->n_gpus) {
		tune_row(j, TUNE_OK, tune_nic_name(nic), "node %d", nic->pci.numa);
		return;
	}
	row = tune_row(j, TUNE_WARN, tune_nic_name(nic), "node %d, no GPU is on it", nic->pci.numa);
	tune_want(row, "NIC and GPU on one node");
	tune_fix(row, "move one of them to a slot of the other's processor");
}

/* The GPUs of a port's regions. */
static void judge_port_gpus(const struct tune_judge *j, const struct tune_nic *nic,
			    const struct tune_wanted_port *port)
{
	for (unsigned i = 0; i < j->w->n_regions; i++) {
		const struct tune_wanted_region *r = &j->w->region[i];
		const struct tune_gpu *gpu = tune_wanted_region_gpu(j->m, j->w, r);
		struct tune_row *row;

		if (!gpu || strcmp(r->port, port->name) || gpu->pci.numa == nic->pci.numa)
			continue;
		row = tune_row(j, TUNE_WARN, port->name,
			       "%s is on node %d, GPU %s of region %s on node %d",
			       tune_nic_name(nic), nic->pci.numa, gpu->pci.addr, r->name,
			       gpu->pci.numa);
		tune_want(row, "both on one node");
		tune_fix(row, "in the configuration: affinity = a GPU of node %d; or another port",
			 nic->pci.numa);
	}
}

void tune_judge_numa(const struct tune_judge *j)
{
	bool any = false;

	if (j->m->n_nodes <= 1) {
		tune_nothing(j, j->m->n_cpus ? TUNE_NA : TUNE_SKIP,
			     j->m->n_cpus ? "one memory node" : "unknown");
		return;
	}
	for (unsigned i = 0; i < j->m->n_nics; i++) {
		const struct tune_nic *nic = &j->m->nic[i];
		const struct tune_wanted_port *port = tune_wanted_port(j->w, nic);

		if (nic->pci.numa == TUNE_UNKNOWN || !tune_wanted_nic(j->w, nic))
			continue;
		any = true;
		if (!port) {
			judge_gpu_node(j, nic);
			continue;
		}
		judge_port_cores(j, nic, port);
		judge_port_regions(j, nic, port);
		judge_port_gpus(j, nic, port);
	}
	if (!any)
		tune_nothing(j, TUNE_SKIP, "no NIC whose node is known");
}

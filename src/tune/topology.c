/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "pci.h"
#include "topology.h"

static const char *speed_name(unsigned code)
{
	static const char *const names[] = {"", "Gen1", "Gen2", "Gen3", "Gen4", "Gen5", "Gen6"};

	return names[code < 7 ? code : 0];
}

/* ", Gen5 x16", as far as it is known. */
static void print_link(FILE *f, const struct tune_pcie *p)
{
	if (!p->known || !p->speed)
		return;
	fprintf(f, ", %s", speed_name(p->speed));
	if (p->width)
		fprintf(f, " x%u", p->width);
}

static void print_node(FILE *f, const struct tune_pci *pci)
{
	if (pci->numa != TUNE_UNKNOWN)
		fprintf(f, ", node %d", pci->numa);
}

/* The bridges of a device that the one printed before it does not have. */
static void print_bridges(FILE *f, const struct tune_pci *pci, const struct tune_pci *before)
{
	bool same = before != NULL;

	for (unsigned i = 0; i < pci->n_up; i++) {
		same = same && i < before->n_up && !strcmp(before->up[i].addr, pci->up[i].addr);
		if (same)
			continue;
		fprintf(f, "%*s%s bridge", (int)i * 2, "", pci->up[i].addr);
		print_link(f, &pci->up[i].pcie);
		fputc('\n', f);
	}
}

static void print_device(FILE *f, const struct tune_pci *pci, const char *what, const char *name)
{
	fprintf(f, "%*s%s %s %s", (int)pci->n_up * 2, "", pci->addr, what, name);
	print_link(f, &pci->pcie);
	print_node(f, pci);
	fputc('\n', f);
}

static const char *gpu_name(const struct tune_gpu *gpu)
{
	return *gpu->name ? gpu->name : "NVIDIA";
}

static void print_matrix(FILE *f, const struct tune_machine *m)
{
	fprintf(f, "\n%-14s", "");
	for (unsigned n = 0; n < m->n_nics; n++)
		fprintf(f, "  %-14s", tune_nic_name(&m->nic[n]));
	fputc('\n', f);
	for (unsigned g = 0; g < m->n_gpus; g++) {
		fprintf(f, "%-14s", m->gpu[g].pci.addr);
		for (unsigned n = 0; n < m->n_nics; n++)
			fprintf(f, "  %-14s",
				tune_gpu_integrated(m, &m->gpu[g])
					? "integrated"
					: tune_relation_name(tune_pci_relation(&m->gpu[g].pci,
									       &m->nic[n].pci)));
		fputc('\n', f);
	}
}

void tune_topology_text(FILE *f, const struct tune_machine *m)
{
	const struct tune_pci *before = NULL;

	for (unsigned i = 0; i < m->n_nics; i++) {
		print_bridges(f, &m->nic[i].pci, before);
		print_device(f, &m->nic[i].pci, "NIC", tune_nic_name(&m->nic[i]));
		before = &m->nic[i].pci;
	}
	for (unsigned i = 0; i < m->n_gpus; i++) {
		print_bridges(f, &m->gpu[i].pci, before);
		print_device(f, &m->gpu[i].pci, "GPU", gpu_name(&m->gpu[i]));
		before = &m->gpu[i].pci;
	}
	if (m->n_nics && m->n_gpus)
		print_matrix(f, m);
	if (!m->n_nics && !m->n_gpus)
		fputs("neither a ConnectX nor an NVIDIA GPU on the PCI bus\n", f);
}

/* Names come from files: what would end a string of dot's does not get into it. */
static void print_quoted(FILE *f, const char *text)
{
	fputc('"', f);
	for (; *text; text++)
		fputc(*text == '"' || *text == '\\' || *text < ' ' ? '_' : *text, f);
	fputc('"', f);
}

static void print_edge(FILE *f, const char *from, const char *to, const struct tune_pcie *p)
{
	fputs("\t", f);
	print_quoted(f, from);
	fputs(" -- ", f);
	print_quoted(f, to);
	if (p->known && p->speed && p->width)
		fprintf(f, " [label=\"%s x%u\"]", speed_name(p->speed), p->width);
	else if (p->known && p->speed)
		fprintf(f, " [label=\"%s\"]", speed_name(p->speed));
	fputs(";\n", f);
}

static void print_path(FILE *f, const struct tune_pci *pci, const char *what, const char *name)
{
	char label[160], node[32] = "node ?";
	const char *from = node;

	if (pci->numa != TUNE_UNKNOWN)
		snprintf(node, sizeof(node), "node %d", pci->numa);
	for (unsigned i = 0; i < pci->n_up; i++) {
		print_edge(f, from, pci->up[i].addr, &pci->up[i].pcie);
		from = pci->up[i].addr;
	}
	snprintf(label, sizeof(label), "%.15s %s %.96s", pci->addr, what, name);
	print_edge(f, from, label, &pci->pcie);
}

void tune_topology_dot(FILE *f, const struct tune_machine *m)
{
	/* strict: edges that paths share are drawn once */
	fputs("strict graph pci {\n\tnode [shape=box];\n", f);
	for (unsigned i = 0; i < m->n_nics; i++)
		print_path(f, &m->nic[i].pci, "NIC", tune_nic_name(&m->nic[i]));
	for (unsigned i = 0; i < m->n_gpus; i++)
		print_path(f, &m->gpu[i].pci, "GPU", gpu_name(&m->gpu[i]));
	fputs("}\n", f);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "pci.h"
#include "topology.h"

enum { COLUMNS = 10, CELL = 64 };

static const char *const head[COLUMNS] = {"RDMA", "PCI",  "NETDEV",   "MAC", "LINK",
					  "MTU",  "PHYS", "FIRMWARE", "GPU", "REGION"};

static const struct tune_gpu *nearest(const struct tune_machine *m, const struct tune_nic *nic)
{
	const struct tune_gpu *best = NULL;

	for (unsigned i = 0; i < m->n_gpus; i++)
		if (!best || tune_pci_relation(&m->gpu[i].pci, &nic->pci) <
				     tune_pci_relation(&best->pci, &nic->pci))
			best = &m->gpu[i];
	return best;
}

static void put(char *cell, const char *text)
{
	tune_put(cell, CELL, *text ? text : "-");
}

static void put_gpu(const struct tune_machine *m, const struct tune_nic *nic, char cell[2][CELL])
{
	const struct tune_gpu *gpu = nearest(m, nic);

	put(cell[0], "");
	put(cell[1], "huge");
	if (!gpu)
		return;
	if (tune_gpu_integrated(m, gpu)) {
		snprintf(cell[0], CELL, "%s integrated", gpu->pci.addr);
		put(cell[1], "host_pinned");
		return;
	}
	snprintf(cell[0], CELL, "%s %s", gpu->pci.addr,
		 tune_relation_name(tune_pci_relation(&gpu->pci, &nic->pci)));
	put(cell[1], tune_gpu_reachable(m, gpu) ? "device" : "host_pinned");
}

static void fill(const struct tune_machine *m, const struct tune_nic *nic, char cell[COLUMNS][CELL])
{
	put(cell[0], nic->rdma);
	put(cell[1], nic->pci.addr);
	put(cell[2], nic->netdev);
	put(cell[3], nic->mac);
	put(cell[4], nic->carrier == 1		     ? "up"
		     : nic->carrier == 0	     ? "down"
		     : !strcmp(nic->state, "ACTIVE") ? "up"
						     : "");
	put(cell[5], "");
	if (nic->mtu > 0)
		snprintf(cell[5], CELL, "%lld", nic->mtu);
	put(cell[6], nic->phys_port);
	put(cell[7], nic->firmware);
	put_gpu(m, nic, cell + 8);
}

static void widen(size_t width[COLUMNS], char cell[COLUMNS][CELL])
{
	for (unsigned i = 0; i < COLUMNS; i++)
		if (strlen(cell[i]) > width[i])
			width[i] = strlen(cell[i]);
}

static void print(FILE *f, const size_t width[COLUMNS], char cell[COLUMNS][CELL])
{
	for (unsigned i = 0; i + 1 < COLUMNS; i++)
		fprintf(f, "%-*s  ", (int)width[i], cell[i]);
	fprintf(f, "%s\n", cell[COLUMNS - 1]);
}

void tune_ports_text(FILE *f, const struct tune_machine *m)
{
	char cell[COLUMNS][CELL];
	size_t width[COLUMNS] = {0};

	for (unsigned i = 0; i < COLUMNS; i++)
		put(cell[i], head[i]);
	widen(width, cell);
	for (unsigned i = 0; i < m->n_nics; i++) {
		fill(m, &m->nic[i], cell);
		widen(width, cell);
	}
	for (unsigned i = 0; i < COLUMNS; i++)
		put(cell[i], head[i]);
	print(f, width, cell);
	for (unsigned i = 0; i < m->n_nics; i++) {
		fill(m, &m->nic[i], cell);
		print(f, width, cell);
	}
}

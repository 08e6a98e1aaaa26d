/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"
#include "ports.h"

#define COLUMNS 10

/* One line of the table, all as text. */
struct row {
	char cell[COLUMNS][64];
};

struct table {
	unsigned n;
	struct row *rows;
};

static const struct row head = { { "RDMA", "PCI", "NETDEV", "MAC", "LINK", "MTU", "PHYS", "NUMA",
				   "FIRMWARE", "KIND" } };

static void put(char *cell, const char *text)
{
	snprintf(cell, 64, "%s", *text ? text : "-");
}

static void fill(struct row *row, const struct daqiri_port_info *p)
{
	if (p->port_num > 1)
		snprintf(row->cell[0], 64, "%.50s/%u", p->rdma, p->port_num);
	else
		put(row->cell[0], p->rdma);
	put(row->cell[1], p->pci);
	put(row->cell[2], p->netdev);
	snprintf(row->cell[3], 64, PERF_MAC, PERF_MAC_ARG(p->mac));
	if (p->speed_bps)
		snprintf(row->cell[4], 64, "%s %gG", p->link_up ? "up" : "down",
			 (double)p->speed_bps / 1e9);
	else
		put(row->cell[4], p->link_up ? "up" : "down");
	if (p->mtu)
		snprintf(row->cell[5], 64, "%u", p->mtu);
	else
		put(row->cell[5], "");
	put(row->cell[6], p->phys_port);
	if (p->numa_node >= 0)
		snprintf(row->cell[7], 64, "%d", p->numa_node);
	else
		put(row->cell[7], "");
	put(row->cell[8], p->firmware);
	put(row->cell[9], p->emulated ? "emulated" : p->ethernet ? "real" : "InfiniBand");
}

static int add(void *arg, const struct daqiri_port_info *p)
{
	struct table *t = arg;
	struct row *more = realloc(t->rows, (t->n + 1) * sizeof(*more));

	if (!more)
		return -1;
	t->rows = more;
	fill(&more[t->n++], p);
	return 0;
}

static void widen(size_t width[COLUMNS], const struct row *row)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		if (strlen(row->cell[i]) > width[i])
			width[i] = strlen(row->cell[i]);
}

static void print(const size_t width[COLUMNS], const struct row *row)
{
	for (unsigned i = 0; i + 1 < COLUMNS; i++)
		printf("%-*s  ", (int)width[i], row->cell[i]);
	printf("%s\n", row->cell[COLUMNS - 1]);
}

int perf_ports_list(void)
{
	struct table t = { 0 };
	size_t width[COLUMNS] = { 0 };
	int ret = daqiri_port_each(add, &t);

	if (ret) {
		free(t.rows);
		perf_fail_library(ret);
		return 1;
	}
	widen(width, &head);
	for (unsigned i = 0; i < t.n; i++)
		widen(width, &t.rows[i]);
	print(width, &head);
	for (unsigned i = 0; i < t.n; i++)
		print(width, &t.rows[i]);
	if (!t.n)
		perf_fail("this machine has no ConnectX port whose driver is loaded; "
			  "daqiri-emu -- daqiri-perf --ports shows emulated ones");
	free(t.rows);
	return 0;
}

int perf_keys_list(void)
{
	struct daqiri_key_info k = { .size = sizeof(k) };

	for (unsigned i = 0; !daqiri_config_key(i, &k); i++) {
		bool required = k.def && !strcmp(k.def, "*");

		printf("[%s] %s", k.section, k.key);
		if (required)
			printf(" (required)");
		else if (k.def && *k.def)
			printf(" (%s)", k.def);
		if (k.allowed && *k.allowed)
			printf(": %s", k.allowed);
		printf("%s\n    %s\n", k.supported ? "" : ": not supported yet", k.doc);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pci.h"

enum { VENDOR_MELLANOX = 0x15b3, CLASS_NETWORK = 0x02 };

/* The first name in a directory of the device; "" none. */
static void first_name(struct tune_machine *m, const char *addr, const char *dir, char out[64])
{
	struct tune_names names;

	*out = 0;
	tune_list(m->root, &names, "sys/bus/pci/devices/%s/%s", addr, dir);
	if (names.n)
		tune_put(out, 64, names.name[0]);
	tune_names_free(&names);
}

/* A port in switchdev mode has interfaces of its functions beside its own. */
static void find_netdev(struct tune_machine *m, struct tune_nic *nic)
{
	struct tune_names names;
	char port[32];

	tune_list(m->root, &names, "sys/bus/pci/devices/%s/net", nic->pci.addr);
	for (unsigned i = 0; i < names.n; i++) {
		if (tune_text(m->root, port, sizeof(port), "sys/class/net/%s/phys_port_name",
			      names.name[i]))
			*port = 0;
		if (!strncmp(port, "pf", 2))
			continue;
		tune_put(nic->netdev, sizeof(nic->netdev), names.name[i]);
		tune_put(nic->phys_port, sizeof(nic->phys_port), port);
		break;
	}
	tune_names_free(&names);
}

static void read_netdev(struct tune_machine *m, struct tune_nic *nic)
{
	long long carrier = TUNE_UNKNOWN;

	if (!*nic->netdev)
		return;
	tune_number(m->root, &nic->mtu, "sys/class/net/%s/mtu", nic->netdev);
	tune_number(m->root, &carrier, "sys/class/net/%s/carrier", nic->netdev);
	nic->carrier = carrier == 0 || carrier == 1 ? (int)carrier : TUNE_UNKNOWN;
	tune_text(m->root, nic->mac, sizeof(nic->mac), "sys/class/net/%s/address", nic->netdev);
}

static void read_rdma(struct tune_machine *m, struct tune_nic *nic)
{
	char buf[64], *p;

	if (!*nic->rdma)
		return;
	tune_text(m->root, nic->firmware, sizeof(nic->firmware), "sys/class/infiniband/%s/fw_ver",
		  nic->rdma);
	tune_text(m->root, nic->board, sizeof(nic->board), "sys/class/infiniband/%s/board_id",
		  nic->rdma);
	tune_text(m->root, nic->link_layer, sizeof(nic->link_layer),
		  "sys/class/infiniband/%s/ports/1/link_layer", nic->rdma);
	tune_text(m->root, buf, sizeof(buf), "sys/class/infiniband/%s/ports/1/state", nic->rdma);
	p = strchr(buf, ':'); /* "4: ACTIVE" */
	tune_put(nic->state, sizeof(nic->state), p ? p + 1 + strspn(p + 1, " ") : buf);
}

static void read_irqs(struct tune_machine *m, struct tune_nic *nic)
{
	struct tune_names names;
	struct tune_cores cores;
	char buf[1024];

	tune_list(m->root, &names, "sys/bus/pci/devices/%s/msi_irqs", nic->pci.addr);
	for (unsigned i = 0; i < names.n && i < TUNE_IRQS; i++) {
		if (tune_text(m->root, buf, sizeof(buf), "proc/irq/%s/smp_affinity_list",
			      names.name[i]) ||
		    tune_cores_parse(&cores, buf) || tune_cores_empty(&cores))
			continue;
		for (unsigned w = 0; w < TUNE_CORES / 64; w++)
			nic->irq_cores.bits[w] |= cores.bits[w];
		nic->n_irqs++;
	}
	tune_names_free(&names);
}

static bool among(const json_t *list, const char *text)
{
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		if (json_is_string(one) && !strcmp(json_string_value(one), text))
			return true;
	}
	return false;
}

/* How many were taken. */
static unsigned take_list(char out[TUNE_ADDRESSES][64], const json_t *list)
{
	unsigned n = 0;
	size_t i;
	json_t *one;

	json_array_foreach(list, i, one)
	{
		if (json_is_string(one) && n < TUNE_ADDRESSES)
			tune_put(out[n++], sizeof(out[0]), json_string_value(one));
	}
	return n;
}

static void take_facts(struct tune_machine *m, struct tune_nic *nic)
{
	json_t *net = tune_fact(m->facts, "net", nic->netdev);
	json_t *rdma = tune_fact(m->facts, "rdma", nic->rdma);
	json_t *addresses = json_object_get(net, "addresses");
	json_t *addresses6 = json_object_get(net, "addresses6");

	nic->max_mtu = tune_fact_int(net, "max_mtu");
	nic->pause_rx = tune_fact_int(net, "pause_rx");
	nic->pause_tx = tune_fact_int(net, "pause_tx");
	nic->listed = json_object_get(m->facts, "rdma") ? rdma != NULL : TUNE_UNKNOWN;
	nic->mlx5 = tune_fact_int(rdma, "mlx5");
	nic->real_time = tune_fact_int(rdma, "real_time");
	nic->flex = tune_fact_int(rdma, "flex_parse_graph");
	nic->addresses_known = json_is_array(addresses);
	nic->n_addresses = take_list(nic->address, addresses);
	for (unsigned i = 0; i < nic->n_addresses; i++)
		nic->dynamic[i] = among(json_object_get(net, "dynamic"), nic->address[i]);
	nic->addresses6_known = json_is_array(addresses6);
	nic->n_addresses6 = take_list(nic->address6, addresses6);
}

static int read_nic(struct tune_machine *m, struct tune_bus *bus, const struct tune_pci *pci)
{
	struct tune_nic *nic = TUNE_GROW(m, nic, n_nics);
	char ptp[64];

	(void)bus;
	if (!nic)
		return -ENOMEM;
	nic->pci = *pci;
	nic->carrier = TUNE_UNKNOWN;
	nic->mtu = TUNE_UNKNOWN;
	nic->vf = tune_exists(m->root, "sys/bus/pci/devices/%s/physfn", pci->addr);
	first_name(m, pci->addr, "infiniband", nic->rdma);
	first_name(m, pci->addr, "infiniband_verbs", nic->uverbs);
	first_name(m, pci->addr, "ptp", ptp);
	tune_put(nic->ptp, sizeof(nic->ptp), ptp);
	find_netdev(m, nic);
	read_netdev(m, nic);
	read_rdma(m, nic);
	read_irqs(m, nic);
	take_facts(m, nic);
	return 0;
}

int tune_read_nics(struct tune_machine *m)
{
	static const struct tune_bus_kind nics = {VENDOR_MELLANOX, CLASS_NETWORK, read_nic};

	return tune_bus_each(m, &nics);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The set-up steps: what is missing here fails. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* PCI device ids of pci.ids; the names are those of the cards' families. */
static const struct {
	unsigned device;
	const char *name;
	bool enough; /* ConnectX-6 Dx or later */
} models[] = {
	{0x1013, "ConnectX-4", false}, {0x1015, "ConnectX-4 Lx", false},
	{0x1017, "ConnectX-5", false}, {0x1019, "ConnectX-5 Ex", false},
	{0x101b, "ConnectX-6", false}, {0x101d, "ConnectX-6 Dx", true},
	{0x101e, "ConnectX VF", true}, {0x101f, "ConnectX-6 Lx", true},
	{0x1021, "ConnectX-7", true},  {0x1023, "ConnectX-8", true},
	{0xa2d2, "BlueField", false},  {0xa2d6, "BlueField-2", true},
	{0xa2dc, "BlueField-3", true},
};

static void judge_model(const struct tune_judge *j, const struct tune_nic *nic)
{
	struct tune_row *row;

	for (unsigned i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		if (models[i].device != nic->pci.device)
			continue;
		row = tune_row(j, models[i].enough ? TUNE_OK : TUNE_WARN, nic->pci.addr, "%s",
			       models[i].name);
		if (*nic->firmware)
			tune_note(row, "firmware %s", nic->firmware);
		if (!models[i].enough)
			tune_want(row, "ConnectX-6 Dx or later");
		return;
	}
	row = tune_row(j, TUNE_WARN, nic->pci.addr, "PCI device 15b3:%04x, which is not known here",
		       nic->pci.device);
	tune_want(row, "ConnectX-6 Dx or later");
}

static void judge_gpu_class(const struct tune_judge *j, const struct tune_gpu *gpu)
{
	const char *name = *gpu->name ? gpu->name : "an NVIDIA GPU";
	struct tune_row *row;

	if (tune_gpu_integrated(j->m, gpu))
		tune_row(j, TUNE_OK, gpu->pci.addr, "%s, integrated: shares the processor's memory",
			 name);
	else if (strstr(name, "GeForce")) {
		row = tune_row(j, TUNE_WARN, gpu->pci.addr, "%s: no GPUDirect RDMA", name);
		tune_want(row, "a data-centre or RTX professional GPU for kind=device");
	} else if (!gpu->gpudirect) {
		row = tune_row(j, TUNE_WARN, gpu->pci.addr,
			       "%s; CUDA says that it has no GPUDirect RDMA", name);
		tune_want(row, "a GPU with GPUDirect RDMA");
	} else {
		tune_row(j, TUNE_OK, gpu->pci.addr, "%s", name);
	}
}

void tune_judge_platform(const struct tune_judge *j)
{
	const struct tune_machine *m = j->m;
	struct tune_row *row =
		tune_row(j, TUNE_OK, "machine", "%s%s%s%s", tune_platform_name(m->platform),
			 *m->product ? " (" : "", m->product, *m->product ? ")" : "");

	if (m->vm)
		tune_note(row, "a virtual machine: PCIe and interrupts are its host's");
	if (m->container)
		tune_note(row, "a container: it can be judged, settings belong on the host");
	for (unsigned i = 0; i < m->n_nics; i++)
		judge_model(j, &m->nic[i]);
	if (!m->n_nics)
		tune_row(j, TUNE_SKIP, "nic", "no ConnectX on the PCI bus");
	for (unsigned i = 0; i < m->n_gpus; i++)
		judge_gpu_class(j, &m->gpu[i]);
	if (!m->n_gpus)
		tune_row(j, TUNE_SKIP, "gpu", "no NVIDIA GPU on the PCI bus");
}

#define REINSTALL                                                                                  \
	"inbox: apt-get install --reinstall libibverbs1 ibverbs-providers; "                       \
	"DOCA: apt-get install --reinstall doca-ofed"

/* libibverbs loads libmlx5-rdmavN.so only where N is its own. */
static void judge_provider(const struct tune_judge *j)
{
	json_t *rdma = json_object_get(j->m->facts, "rdma_core");
	const char *error = tune_fact_text(j->m->facts, "rdma_core", "mlx5_error");
	int library = tune_fact_int(rdma, "private_abi"),
	    provider = tune_fact_int(rdma, "mlx5_abi");
	struct tune_row *row;

	if (library == TUNE_UNKNOWN) {
		tune_row(j, TUNE_SKIP, "libmlx5", "unknown: libibverbs was not found");
		return;
	}
	if (provider == TUNE_UNKNOWN) {
		row = tune_row(j, TUNE_FAIL, "libmlx5", "no provider beside libibverbs (rdmav%d)",
			       library);
	} else if (provider != library) {
		row = tune_row(j, TUNE_FAIL, "libmlx5", "rdmav%d is there, another version",
			       provider);
	} else if (error) {
		row = tune_row(j, TUNE_FAIL, "libmlx5", "libmlx5-rdmav%d.so cannot be loaded",
			       provider);
		tune_note(row, "%s", error);
	} else {
		row = tune_row(j, TUNE_OK, "libmlx5", "libmlx5-rdmav%d.so, as libibverbs wants it",
			       provider);
	}
	if (provider != library || error) {
		tune_want(row, "libmlx5-rdmav%d.so", library);
		tune_fix(row, REINSTALL);
	}
	if (tune_fact_int(rdma, "vmw_pvrdma") == 1)
		tune_note(row,
			  "a warning about libvmw_pvrdma-rdmav%d.so is harmless: "
			  "it is VMware's driver",
			  library);
}

static void judge_unlisted(const struct tune_judge *j, const struct tune_nic *nic)
{
	struct tune_row *row;

	if (!nic->listed && !tune_exists(j->m->root, "dev/infiniband/%s", nic->uverbs)) {
		row = tune_row(j, TUNE_FAIL, nic->rdma,
			       "no /dev/infiniband/%s, without which libibverbs does not list it",
			       nic->uverbs);
		tune_want(row, "the device in ibv_devices");
		tune_fix(row,
			 "in a container: --device=/dev/infiniband/%s; else: "
			 "udevadm trigger --subsystem-match=infiniband_verbs",
			 nic->uverbs);
		return;
	}
	row = tune_row(j, TUNE_FAIL, nic->rdma,
		       "the kernel offers %s, and libmlx5 does not take it (PCI device %04x): "
		       "it may be older than the card or the kernel",
		       nic->uverbs, nic->pci.device);
	tune_want(row, "the device in ibv_devices");
	tune_fix(row, "a newer rdma-core: " REINSTALL);
}

/* What is no use to a program, whatever the files are named. */
static void judge_listed(const struct tune_judge *j, const struct tune_nic *nic)
{
	if (!*nic->uverbs || !*nic->rdma || nic->listed == TUNE_UNKNOWN)
		return;
	if (nic->listed && nic->mlx5)
		tune_row(j, TUNE_OK, nic->rdma, "%s, which libibverbs lists", nic->uverbs);
	else
		judge_unlisted(j, nic);
}

/* Vendor drivers state a version, and their modules go together; the kernel's own state none. */
static void judge_versions(const struct tune_judge *j)
{
	char core[64], ib[64];
	struct tune_row *row;

	if (tune_text(j->m->root, core, sizeof(core), "sys/module/mlx5_core/version") ||
	    tune_text(j->m->root, ib, sizeof(ib), "sys/module/mlx5_ib/version"))
		return;
	if (!strcmp(core, ib)) {
		tune_row(j, TUNE_OK, "versions", "mlx5_core and mlx5_ib are %s", core);
		return;
	}
	row = tune_row(j, TUNE_FAIL, "versions", "mlx5_core is %s, mlx5_ib %s", core, ib);
	tune_want(row, "one version");
	tune_fix(row, "apt-get install --reinstall doca-ofed; then reboot");
}

static bool any_rdma(const struct tune_machine *m)
{
	for (unsigned i = 0; i < m->n_nics; i++)
		if (*m->nic[i].rdma)
			return true;
	return false;
}

void tune_judge_drivers(const struct tune_judge *j)
{
	/* what is built into the kernel may have no directory of its own: what it makes tells */
	static const struct {
		const char *name, *makes;
	} modules[] = {{"mlx5_core", "sys/bus/pci/drivers/mlx5_core"},
		       {"ib_core", "sys/class/infiniband"},
		       {"ib_uverbs", "sys/class/infiniband_verbs/abi_version"},
		       {"mlx5_ib", "sys/bus/auxiliary/drivers/mlx5_ib.rdma"}};

	if (!tune_exists(j->m->root, "sys/module")) {
		tune_nothing(j, TUNE_SKIP, "unknown: no /sys/module here");
		return;
	}
	for (unsigned i = 0; i < 4; i++) {
		struct tune_row *row;

		if (tune_machine_module(j->m, modules[i].name)) {
			tune_row(j, TUNE_OK, modules[i].name, "loaded");
			continue;
		}
		if (tune_exists(j->m->root, "%s", modules[i].makes) || (i == 3 && any_rdma(j->m))) {
			tune_row(j, TUNE_OK, modules[i].name, "there, built into the kernel");
			continue;
		}
		if (!j->m->n_nics && j->m->platform != TUNE_PLATFORM_SPARK) {
			tune_row(j, TUNE_SKIP, modules[i].name,
				 "not loaded; there is no NIC for it");
			continue;
		}
		row = tune_row(j, TUNE_FAIL, modules[i].name, "not loaded");
		tune_want(row, "loaded");
		tune_fix(row, "modprobe %s (inbox: apt-get install rdma-core; DOCA: doca-ofed)",
			 modules[i].name);
	}
	judge_provider(j);
	for (unsigned i = 0; i < j->m->n_nics; i++)
		judge_listed(j, &j->m->nic[i]);
	judge_versions(j);
}

static void judge_link_layer(const struct tune_judge *j, const struct tune_nic *nic)
{
	char command[160];
	struct tune_row *row;

	if (!*nic->link_layer) {
		tune_row(j, TUNE_SKIP, tune_nic_name(nic), "unknown: no RDMA device, see drivers");
		return;
	}
	if (!strcmp(nic->link_layer, "Ethernet")) {
		tune_row(j, TUNE_OK, *nic->rdma ? nic->rdma : nic->netdev, "Ethernet");
		return;
	}
	row = tune_row(j, TUNE_FAIL, nic->rdma, "%s", nic->link_layer);
	tune_want(row, "Ethernet");
	if (tune_link_type_pending(j->m, nic)) {
		tune_note(row, "set to Ethernet already, which waits for a reboot");
		tune_fix(row, "reboot");
		return;
	}
	tune_link_type_command(j->m, nic, TUNE_ETHERNET, command);
	tune_fix(row, "%s%s; then reboot", command,
		 strncmp(command, "mlx", 3) ? " (mlxconfig with DOCA)" : "");
}

/* The ports of the configuration that are no NIC's here: this check, and no other, says so. */
static unsigned judge_absent(const struct tune_judge *j)
{
	unsigned n = 0;

	for (unsigned i = 0; i < j->w->n_ports; i++) {
		const struct tune_wanted_port *port = &j->w->port[i];
		struct tune_row *row;

		if (tune_wanted_port_nic(j->m, j->w, port))
			continue;
		n++;
		row = tune_row(j, TUNE_FAIL, port->name, "no NIC at %s", port->address);
		row->why = "Without the NIC that the configuration names, its port does not start.";
		tune_want(row, "a port of this machine");
		tune_fix(row, "daqiri-tune --ports");
	}
	return n;
}

void tune_judge_link_layer(const struct tune_judge *j)
{
	bool any = false;

	for (unsigned i = 0; i < j->m->n_nics; i++) {
		if (!tune_wanted_nic(j->w, &j->m->nic[i]))
			continue;
		any = true;
		judge_link_layer(j, &j->m->nic[i]);
	}
	if (!judge_absent(j) && !any)
		tune_nothing(j, TUNE_SKIP, "no port");
}

/* Whether an address lies in "1.1.1.1/24", or in "fd00::1/64". */
static bool on_subnet(const char *address, const char *subnet)
{
	int family = strchr(subnet, ':') ? AF_INET6 : AF_INET;
	uint8_t a[16] = {0}, b[16] = {0};
	char base[64], *slash;
	unsigned long bits;

	tune_put(base, sizeof(base), subnet);
	slash = strchr(base, '/');
	if (!slash)
		return false;
	*slash = 0;
	bits = strtoul(slash + 1, NULL, 10);
	if (bits > (family == AF_INET ? 32 : 128) || inet_pton(family, base, a) != 1 ||
	    inet_pton(family, address, b) != 1)
		return false;
	for (unsigned i = 0; i < 16 && bits; i++, bits -= bits < 8 ? bits : 8)
		if ((a[i] ^ b[i]) >> (bits < 8 ? 8 - bits : 0))
			return false;
	return true;
}

static void judge_peer(const struct tune_judge *j, const struct tune_nic *nic, const char *peer)
{
	bool v6 = strchr(peer, ':') != NULL;
	const char(*address)[64] = v6 ? nic->address6 : nic->address;
	unsigned n = v6 ? nic->n_addresses6 : nic->n_addresses;
	struct tune_row *row;

	if (v6 && !nic->addresses6_known) {
		tune_row(j, TUNE_SKIP, tune_nic_name(nic),
			 "the peer %s is not judged: the port's IPv6 addresses are unknown", peer);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!on_subnet(peer, address[i]))
			continue;
		tune_row(j, TUNE_OK, tune_nic_name(nic), "%s; the peer %s is on its subnet",
			 address[i], peer);
		return;
	}
	row = tune_row(j, TUNE_FAIL, tune_nic_name(nic), "%s", n ? address[0] : "no address");
	tune_want(row, "an address on the subnet of the peer %s", peer);
	tune_fix(row,
		 "nmcli connection add type ethernet ifname %s ipv%c.method manual "
		 "ipv%c.addresses ADDRESS/%s",
		 nic->netdev, v6 ? '6' : '4', v6 ? '6' : '4', v6 ? "64" : "24");
}

/* A row for each peer; false where its streams name none. */
static bool judge_peers(const struct tune_judge *j, const struct tune_nic *nic)
{
	const struct tune_wanted_port *port = tune_wanted_port(j->w, nic);
	bool any = false;

	for (unsigned i = 0; port && i < j->w->n_peers; i++) {
		if (strcmp(j->w->peer[i].port, port->name))
			continue;
		any = true;
		judge_peer(j, nic, j->w->peer[i].address);
	}
	return any;
}

void tune_judge_addresses(const struct tune_judge *j)
{
	bool any = false;

	for (unsigned i = 0; i < j->m->n_nics; i++) {
		const struct tune_nic *nic = &j->m->nic[i];

		if (!tune_wanted_nic(j->w, nic) || !*nic->netdev)
			continue;
		any = true;
		if (!nic->addresses_known)
			tune_row(j, TUNE_SKIP, tune_nic_name(nic), "unknown");
		else if (!judge_peers(j, nic))
			tune_row(j, TUNE_OK, tune_nic_name(nic), "%s",
				 nic->n_addresses
					 ? nic->address[0]
					 : "no address, and none is needed for raw frames");
	}
	if (!any)
		tune_nothing(j, TUNE_SKIP, "no port with an interface");
}

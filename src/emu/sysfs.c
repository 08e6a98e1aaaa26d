/* SPDX-License-Identifier: Apache-2.0 */
#include "sysfs_put.h"
#include "sysfs.h"
#include "card.h"
#include "emu.h"
#include "fault.h"
#include "settings.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void emu_put_attrs(struct emu_tree *t, const char *dir, const struct attr *attrs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		emu_tree_file(t, attrs[i].text, "%s/%s", dir, attrs[i].name);
}

void emu_put_up_link(struct emu_tree *t, const char *dir, const char *to, const char *name)
{
	char text[512];
	size_t n = 0;

	for (const char *p = strchr(dir + 1, '/'); p && n + 3 < sizeof(text);
	     p = strchr(p + 1, '/'))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "../");
	snprintf(text + n, sizeof(text) - n, "%s", to);
	emu_tree_link(t, text, "%s/%s", dir, name);
}

/* ---- the RDMA device ------------------------------------------------------------------------ */

static const struct attr rdma_attrs[] = {
	{"node_type", "1: CA\n"},
	{"hw_rev", "0\n"},
};

static const struct attr port_attrs[] = {
	{"ports/1/state", "4: ACTIVE\n"},
	{"ports/1/phys_state", "5: LinkUp\n"},
	{"ports/1/lid", "0x0\n"},
	{"ports/1/lid_mask_count", "0\n"},
	{"ports/1/sm_lid", "0x0\n"},
	{"ports/1/sm_sl", "0\n"},
	{"ports/1/cap_mask", "0x04010000\n"},
	{"ports/1/pkeys/0", "0xffff\n"},
	{"emu_objects", ""},
	{"emu_link", "up\n"},
};

static const char *const port_counters[] = {
	"counters/VL15_dropped",
	"counters/excessive_buffer_overrun_errors",
	"counters/link_downed",
	"counters/link_error_recovery",
	"counters/local_link_integrity_errors",
	"counters/multicast_rcv_packets",
	"counters/multicast_xmit_packets",
	"counters/port_rcv_constraint_errors",
	"counters/port_rcv_data",
	"counters/port_rcv_errors",
	"counters/port_rcv_packets",
	"counters/port_rcv_remote_physical_errors",
	"counters/port_rcv_switch_relay_errors",
	"counters/port_xmit_constraint_errors",
	"counters/port_xmit_data",
	"counters/port_xmit_discards",
	"counters/port_xmit_packets",
	"counters/port_xmit_wait",
	"counters/symbol_error",
	"counters/unicast_rcv_packets",
	"counters/unicast_xmit_packets",
	"hw_counters/duplicate_request",
	"hw_counters/implied_nak_seq_err",
	"hw_counters/lifespan",
	"hw_counters/local_ack_timeout_err",
	"hw_counters/np_cnp_sent",
	"hw_counters/np_ecn_marked_roce_packets",
	"hw_counters/out_of_buffer",
	"hw_counters/out_of_sequence",
	"hw_counters/packet_seq_err",
	"hw_counters/req_cqe_error",
	"hw_counters/req_cqe_flush_error",
	"hw_counters/resp_cqe_error",
	"hw_counters/resp_cqe_flush_error",
	"hw_counters/resp_local_length_error",
	"hw_counters/rnr_nak_retry_err",
	"hw_counters/rp_cnp_handled",
	"hw_counters/rp_cnp_ignored",
	"hw_counters/rx_read_requests",
	"hw_counters/rx_write_requests",
	"hw_counters/emu_rx_kernel",
	"hw_counters/emu_rx_steer_drop",
	"hw_counters/emu_tx_over_mtu",
	"hw_counters/emu_cq_overruns",
};

/* Entry 0 is the link-local address for RoCE v1, 1 the same for v2, as on a port without an IP. */
static void put_gids(struct emu_tree *t, const char *dir, const struct emu_dev *dev)
{
	const uint8_t *m = dev->mac;
	char gid[64], text[64];

	if (emu_fault(EMU_FAULT_NO_ROCE))
		return;
	snprintf(gid, sizeof(gid), "fe80:0000:0000:0000:%02x%02x:%02xff:fe%02x:%02x%02x\n",
		 m[0] ^ 2, m[1], m[2], m[3], m[4], m[5]);
	snprintf(text, sizeof(text), "%s\n", dev->netdev);
	for (int i = 0; i < EMU_GIDS; i++)
		emu_tree_file(t, i < 2 ? gid : "0000:0000:0000:0000:0000:0000:0000:0000\n",
			      "%s/ports/1/gids/%d", dir, i);
	for (int i = 0; i < 2; i++) {
		emu_tree_file(t, i ? "RoCE v2\n" : "IB/RoCE v1\n", "%s/ports/1/gid_attrs/types/%d",
			      dir, i);
		emu_tree_file(t, text, "%s/ports/1/gid_attrs/ndevs/%d", dir, i);
	}
}

static void put_guids(struct emu_tree *t, const char *dir, const struct emu_dev *dev)
{
	const uint8_t *m = dev->mac;
	const struct emu_card *card = emu_card();
	char text[64];

	snprintf(text, sizeof(text), "%02x%02x:%02x03:00%02x:%02x%02x\n", m[0], m[1], m[2], m[3],
		 m[4], m[5]);
	emu_tree_file(t, text, "%s/node_guid", dir);
	/* both ports of a card are one system: the first port's */
	snprintf(text, sizeof(text), "%02x%02x:%02x03:00%02x:%02x%02x\n", m[0], m[1], m[2], m[3],
		 m[4], m[5] - dev->index % 2);
	emu_tree_file(t, text, "%s/sys_image_guid", dir);
	snprintf(text, sizeof(text), "%u.%u.%04u\n", card->fw_major, card->fw_minor, card->fw_sub);
	emu_tree_file(t, text, "%s/fw_ver", dir);
	snprintf(text, sizeof(text), "MT%u\n", emu_card_function_id());
	emu_tree_file(t, text, "%s/hca_type", dir);
	snprintf(text, sizeof(text), "%s\n", card->board_id);
	emu_tree_file(t, text, "%s/board_id", dir);
	snprintf(text, sizeof(text), "%s\n", card->rate);
	emu_tree_file(t, text, "%s/ports/1/rate", dir);
	snprintf(text, sizeof(text), "%s\n", dev->rdma);
	emu_tree_file(t, text, "%s/node_desc", dir);
}

static void put_rdma(struct emu_tree *t, const char *function, const struct emu_dev *dev)
{
	char dir[256], text[256];

	snprintf(dir, sizeof(dir), "%s/infiniband/%s", function, dev->rdma);
	PUT_ATTRS(t, dir, rdma_attrs);
	PUT_ATTRS(t, dir, port_attrs);
	emu_tree_file(t, emu_fault(EMU_FAULT_INFINIBAND) ? "InfiniBand\n" : "Ethernet\n",
		      "%s/ports/1/link_layer", dir);
	for (size_t i = 0; i < sizeof(port_counters) / sizeof(port_counters[0]); i++)
		emu_tree_file(t, "0\n", "%s/ports/1/%s", dir, port_counters[i]);
	put_gids(t, dir, dev);
	put_guids(t, dir, dev);
	snprintf(text, sizeof(text), "../../../%s", dev->pci);
	emu_tree_link(t, text, "%s/device", dir);
	emu_put_up_link(t, dir, "class/infiniband", "subsystem");
	snprintf(text, sizeof(text), "../../devices/%s/infiniband/%s", dev->path, dev->rdma);
	emu_tree_link(t, text, "/sys/class/infiniband/%s", dev->rdma);
}

static void put_uverbs(struct emu_tree *t, const char *function, const struct emu_dev *dev)
{
	char dir[256], text[256];

	snprintf(dir, sizeof(dir), "%s/infiniband_verbs/uverbs%u", function, dev->index);
	snprintf(text, sizeof(text), "%s\n", dev->rdma);
	emu_tree_file(t, text, "%s/ibdev", dir);
	snprintf(text, sizeof(text), "231:%u\n", EMU_FIRST_MINOR + dev->index);
	emu_tree_file(t, text, "%s/dev", dir);
	emu_tree_file(t, "1\n", "%s/abi_version", dir); /* MLX5_IB_UVERBS_ABI_VERSION */
	snprintf(text, sizeof(text), "MAJOR=231\nMINOR=%u\nDEVNAME=infiniband/uverbs%u\n",
		 EMU_FIRST_MINOR + dev->index, dev->index);
	emu_tree_file(t, text, "%s/uevent", dir);
	snprintf(text, sizeof(text), "../../../%s", dev->pci);
	emu_tree_link(t, text, "%s/device", dir);
	emu_put_up_link(t, dir, "class/infiniband_verbs", "subsystem");
	snprintf(text, sizeof(text), "../../devices/%s/infiniband_verbs/uverbs%u", dev->path,
		 dev->index);
	emu_tree_link(t, text, "/sys/class/infiniband_verbs/uverbs%u", dev->index);
	emu_tree_file(t, "", "/dev/infiniband/uverbs%u", dev->index);
}

/* ---- the network interface ------------------------------------------------------------------ */

static const struct attr net_attrs[] = {
	{"broadcast", "ff:ff:ff:ff:ff:ff\n"},
	{"addr_len", "6\n"},
	{"addr_assign_type", "0\n"},
	{"name_assign_type", "4\n"},
	{"mtu", "1500\n"},
	{"dev_id", "0x0\n"},
	{"dev_port", "0\n"},
	{"operstate", "up\n"},
	{"carrier", "1\n"},
	{"carrier_changes", "1\n"},
	{"duplex", "full\n"},
	{"type", "1\n"},       /* ARPHRD_ETHER */
	{"flags", "0x1003\n"}, /* IFF_UP | IFF_BROADCAST | IFF_MULTICAST */
	{"tx_queue_len", "1000\n"},
	{"ifalias", "\n"},
	{"link_mode", "0\n"},
};

static const char *const net_statistics[] = {
	"collisions",	     "multicast",	    "rx_bytes",		 "rx_compressed",
	"rx_crc_errors",     "rx_dropped",	    "rx_errors",	 "rx_fifo_errors",
	"rx_frame_errors",   "rx_length_errors",    "rx_missed_errors",	 "rx_nohandler",
	"rx_over_errors",    "rx_packets",	    "tx_aborted_errors", "tx_bytes",
	"tx_carrier_errors", "tx_compressed",	    "tx_dropped",	 "tx_errors",
	"tx_fifo_errors",    "tx_heartbeat_errors", "tx_packets",	 "tx_window_errors",
};

/* The real interface's number, or one of no interface. */
static unsigned ifindex(const struct emu_dev *dev)
{
	return emu_settings.netdev ? if_nametoindex(dev->netdev) : EMU_FIRST_IFINDEX + dev->index;
}

static void put_net_names(struct emu_tree *t, const char *dir, const struct emu_dev *dev)
{
	const uint8_t *m = dev->mac;
	char text[128];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x\n", m[0], m[1], m[2], m[3],
		 m[4], m[5]);
	emu_tree_file(t, text, "%s/address", dir);
	snprintf(text, sizeof(text), "%u\n", emu_card()->mbps);
	emu_tree_file(t, text, "%s/speed", dir);
	snprintf(text, sizeof(text), "p%u\n", dev->index % 2);
	if (!emu_settings.vf)
		emu_tree_file(t, text, "%s/phys_port_name", dir);
	snprintf(text, sizeof(text), "%02x%02x%02x0300%02x%02x%02x\n", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	emu_tree_file(t, text, "%s/phys_port_id", dir);
	snprintf(text, sizeof(text), "%u\n", ifindex(dev));
	emu_tree_file(t, text, "%s/ifindex", dir);
	emu_tree_file(t, text, "%s/iflink", dir);
	snprintf(text, sizeof(text), "INTERFACE=%s\nIFINDEX=%u\n", dev->netdev, ifindex(dev));
	emu_tree_file(t, text, "%s/uevent", dir);
}

static void put_net(struct emu_tree *t, const char *function, const struct emu_dev *dev)
{
	char dir[256], text[256];

	snprintf(dir, sizeof(dir), "%s/net/%s", function, dev->netdev);
	PUT_ATTRS(t, dir, net_attrs);
	for (size_t i = 0; i < sizeof(net_statistics) / sizeof(net_statistics[0]); i++)
		emu_tree_file(t, "0\n", "%s/statistics/%s", dir, net_statistics[i]);
	put_net_names(t, dir, dev);
	snprintf(text, sizeof(text), "../../../%s", dev->pci);
	emu_tree_link(t, text, "%s/device", dir);
	emu_put_up_link(t, dir, "class/net", "subsystem");
	snprintf(text, sizeof(text), "../../devices/%s/net/%s", dev->path, dev->netdev);
	emu_tree_link(t, text, "/sys/class/net/%s", dev->netdev);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static bool is_real_mellanox(const char *list, const char *name)
{
	char path[512], vendor[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/vendor", list, name);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(vendor, sizeof(vendor), f))
		vendor[0] = 0;
	fclose(f);
	return strtol(vendor, NULL, 16) == EMU_VENDOR_ID;
}

/* The machine's own entries beside ours, as they are now; a real ConnectX is left out. */
static void put_real(struct emu_tree *t, const char *list)
{
	DIR *dir = opendir(list);
	struct dirent *entry;
	char text[512];

	emu_tree_dir(t, "%s", list);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || is_real_mellanox(list, entry->d_name))
			continue;
		snprintf(text, sizeof(text), "%s/%s", list, entry->d_name);
		emu_tree_link(t, text, "%s/%s", list, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

int emu_sysfs_build(const char *root)
{
	struct emu_tree t = {.root = root};
	char function[160];

	emu_tree_file(&t, "6\n", "/sys/class/infiniband_verbs/abi_version");
	emu_tree_file(&t, "5\n", "/sys/class/infiniband_mad/abi_version");
	emu_tree_dir(&t, "/sys/class/infiniband");
	emu_tree_dir(&t, "/sys/class/infiniband_cm");
	emu_tree_dir(&t, "/sys/bus/pci/drivers/mlx5_core");
	if (emu_settings.peermem)
		emu_tree_file(&t, "live\n", "/sys/module/nvidia_peermem/initstate");
	/* tmpfs lists the newest entry first, libibverbs the one read last: the first port first */
	for (unsigned i = emu_settings.n_ports; i-- > 0;) {
		const struct emu_dev *dev = &emu_devs[i];

		snprintf(function, sizeof(function), "/sys/devices/%s", dev->path);
		emu_put_bridges(&t, dev);
		emu_put_pci(&t, function, dev);
		put_rdma(&t, function, dev);
		put_uverbs(&t, function, dev);
		put_net(&t, function, dev);
	}
	put_real(&t, "/sys/class/net");
	put_real(&t, "/sys/bus/pci/devices");
	return t.err;
}

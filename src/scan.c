/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <infiniband/mlx5dv.h>

#include "error.h"
#include "ethtool.h"
#include "scan.h"
#include "sysfs.h"

static void copy_text(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	to[len] = '\0';
}

/* Whether a network interface stands for a VF or SF of an eswitch, and not for the port itself. */
static bool is_representor(const char *netdev)
{
	char phys[32];

	dq_sysfs_read(phys, sizeof(phys), "/sys/class/net/%s/phys_port_name", netdev);
	return strstr(phys, "vf") || strstr(phys, "sf");
}

/* Whether netdev, an interface of the port's PCI function, belongs to the port. */
static bool is_port_netdev(const char *netdev, unsigned port_num)
{
	uint64_t dev_port = 0;

	dq_sysfs_read_u64(&dev_port, "/sys/class/net/%s/dev_port", netdev);
	return dev_port + 1 == port_num && !is_representor(netdev);
}

/*
 * The interface of a port: the one that its first GID is of, which is exact also where one device
 * has many ports; else the one of the same function that says so.
 */
static void find_netdev(const struct ibv_device *ibdev, struct daqiri_port_info *info)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if (dq_sysfs_read(info->netdev, sizeof(info->netdev), "%s/ports/%u/gid_attrs/ndevs/0",
			  ibdev->ibdev_path, info->port_num) > 0)
		return;
	if (snprintf(path, sizeof(path), "%s/device/net", ibdev->ibdev_path) >= (int)sizeof(path))
		return;
	dir = dq_sysfs_opendir(path);
	if (!dir)
		return;
	while (!info->netdev[0] && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && is_port_netdev(entry->d_name, info->port_num))
			copy_text(info->netdev, sizeof(info->netdev), entry->d_name);
	closedir(dir);
}

static void parse_mac(const char *text, uint8_t mac[6])
{
	unsigned b[6];

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
		return;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
}

static void describe_netdev(struct daqiri_port_info *info)
{
	uint64_t value;
	char text[64];

	dq_sysfs_read(text, sizeof(text), "/sys/class/net/%s/address", info->netdev);
	parse_mac(text, info->mac);
	dq_sysfs_read(info->phys_port, sizeof(info->phys_port), "/sys/class/net/%s/phys_port_name",
		      info->netdev);
	if (!dq_sysfs_read_u64(&value, "/sys/class/net/%s/mtu", info->netdev))
		info->mtu = (uint32_t)value;
	/* Mb/s; -1, or a read error, where the link is down. */
	if (!dq_sysfs_read_u64(&value, "/sys/class/net/%s/speed", info->netdev))
		info->speed_bps = value * 1000000;
}

void dq_seat_describe(struct ibv_device *ibdev, unsigned port_num, struct daqiri_port_info *info)
{
	const char *dev = ibdev->ibdev_path;
	char text[64];

	*info = (struct daqiri_port_info){
		.port_num = port_num, .numa_node = -1, .rx_pause = -1, .tx_pause = -1};
	copy_text(info->rdma, sizeof(info->rdma), ibv_get_device_name(ibdev));
	dq_sysfs_link_name(text, sizeof(text), "%s/device", dev);
	/* A sub-function hangs on the auxiliary bus: mlx5_core.sf.4. */
	if (strchr(text, ':'))
		copy_text(info->pci, sizeof(info->pci), text);
	dq_sysfs_read(info->firmware, sizeof(info->firmware), "%s/fw_ver", dev);
	if (dq_sysfs_read(text, sizeof(text), "%s/device/numa_node", dev) > 0)
		info->numa_node = atoi(text);
	dq_sysfs_read(text, sizeof(text), "%s/board_id", dev);
	info->emulated = !strncmp(text, "EMU", 3);
	dq_sysfs_read(text, sizeof(text), "%s/ports/%u/link_layer", dev, port_num);
	info->ethernet = !strcmp(text, "Ethernet");
	dq_sysfs_read(text, sizeof(text), "%s/ports/%u/state", dev, port_num);
	info->link_up = strstr(text, "ACTIVE") != NULL;
	find_netdev(ibdev, info);
	if (info->netdev[0])
		describe_netdev(info);
}

/* Bits per second of a lane, by the encoding of ibv_port_attr.active_speed (IBTA PortInfo). */
static uint64_t lane_speed(unsigned active_speed)
{
	static const struct {
		unsigned code;
		uint64_t mbps;
	} lanes[] = {{1, 2500},	  {2, 5000},   {4, 10000},  {8, 10000},
		     {16, 14000}, {32, 25000}, {64, 50000}, {128, 100000}};

	for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++)
		if (lanes[i].code == active_speed)
			return lanes[i].mbps * 1000000;
	return 0;
}

/* Lanes, by the encoding of ibv_port_attr.active_width. */
static unsigned lane_count(unsigned active_width)
{
	switch (active_width) {
	case 1:
		return 1;
	case 2:
		return 4;
	case 4:
		return 8;
	case 8:
		return 12;
	case 16:
		return 2;
	default:
		return 0;
	}
}

int dq_seat_describe_live(struct ibv_context *ctx, struct daqiri_port_info *info)
{
	struct ibv_device_attr dev;
	struct ibv_port_attr port;
	int err = ibv_query_device(ctx, &dev);

	if (!err)
		err = ibv_query_port(ctx, (uint8_t)info->port_num, &port);
	if (err)
		return dq_error(err, "%s port %u: cannot be queried: %s", info->rdma,
				info->port_num, strerror(err));
	copy_text(info->firmware, sizeof(info->firmware), dev.fw_ver);
	info->ethernet = port.link_layer == IBV_LINK_LAYER_ETHERNET;
	info->link_up = port.state == IBV_PORT_ACTIVE;
	dq_ethtool_pause(info->netdev, &info->rx_pause, &info->tx_pause);
	if (!info->speed_bps && info->link_up)
		info->speed_bps = lane_speed(port.active_speed) * lane_count(port.active_width);
	return 0;
}

int dq_info_copy(void *out, const void *info, size_t size)
{
	size_t room = *(size_t *)out;

	if (room < sizeof(size_t))
		return dq_error(EINVAL, "an information structure's size field is not set");
	if (room < size)
		size = room;
	/* The size field, the caller's own, stays. */
	memcpy((char *)out + sizeof(size_t), (const char *)info + sizeof(size_t),
	       size - sizeof(size_t));
	return 0;
}

static int add_seat(struct dq_scan *scan, struct ibv_device *ibdev, unsigned port_num)
{
	struct dq_seat *seats = realloc(scan->seats, (scan->n_seats + 1) * sizeof(*seats));

	if (!seats)
		return dq_error(ENOMEM, "out of memory while the ports were listed");
	scan->seats = seats;
	seats += scan->n_seats++;
	seats->ibdev = ibdev;
	dq_seat_describe(ibdev, port_num, &seats->info);
	return 0;
}

static int add_ports(struct dq_scan *scan, struct ibv_device *ibdev)
{
	char link_layer[32];
	int ret = 0;

	for (unsigned port = 1; !ret; port++) {
		if (dq_sysfs_read(link_layer, sizeof(link_layer), "%s/ports/%u/link_layer",
				  ibdev->ibdev_path, port) < 0)
			break;
		ret = add_seat(scan, ibdev, port);
	}
	return ret;
}

int dq_scan_begin(struct dq_scan *scan)
{
	int ret = 0;

	dq_sysfs_starved();
	errno = 0;
	*scan = (struct dq_scan){.list = ibv_get_device_list(NULL)};
	/* ENOSYS: the kernel has no RDMA at all, which is as good as no device. */
	if (!scan->list && errno && errno != ENOSYS)
		return dq_error(errno, "RDMA devices cannot be listed: %s", strerror(errno));
	for (unsigned i = 0; !ret && scan->list && scan->list[i]; i++)
		if (mlx5dv_is_supported(scan->list[i]))
			ret = add_ports(scan, scan->list[i]);
	scan->starved = dq_sysfs_starved();
	if (ret)
		dq_scan_end(scan);
	return ret;
}

void dq_scan_end(struct dq_scan *scan)
{
	free(scan->seats);
	if (scan->list)
		ibv_free_device_list(scan->list);
	*scan = (struct dq_scan){0};
}

static void format_mac(const uint8_t mac[6], char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
}

/* "17:00.0" is taken as in domain 0, as lspci prints it. */
static bool is_pci(const char *pci, const char *address)
{
	return pci[0] && (!strcasecmp(pci, address) ||
			  (!strncmp(pci, "0000:", 5) && !strcasecmp(pci + 5, address)));
}

static bool is_mac(const uint8_t mac[6], const char *address)
{
	char text[18];

	format_mac(mac, text);
	return !strcasecmp(text, address);
}

/* How well an address names a port: 2 exactly, 1 its device only, 0 not at all. */
static int match_seat(const struct dq_seat *seat, const char *address)
{
	const struct daqiri_port_info *info = &seat->info;

	if (info->netdev[0] && (!strcmp(info->netdev, address) || is_mac(info->mac, address)))
		return 2;
	return !strcmp(info->rdma, address) || is_pci(info->pci, address);
}

/* Names of a class of devices in sysfs, "mlx5_0, mlx5_1": how many there are. */
static unsigned list_class(const char *path, char *names, size_t size)
{
	DIR *dir = dq_sysfs_opendir(path);
	struct dirent *entry;
	size_t len = 0;
	unsigned n = 0;

	names[0] = '\0';
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "abi_version"))
			continue;
		if (len < size)
			len += (size_t)snprintf(names + len, size - len, "%s%s", n ? ", " : "",
						entry->d_name);
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

/* Nothing to open: which part between the card and us is missing. */
static int no_device(const struct dq_scan *scan, const char *address, const char *where)
{
	char rdma[256], verbs[256], path[300];

	if (!list_class("/sys/class/infiniband", rdma, sizeof(rdma)))
		return dq_error(ENODEV,
				"%s address=%s: this machine has no RDMA device: is the card there "
				"(lspci -d 15b3:), is mlx5_ib loaded (modprobe mlx5_ib)?",
				where, address);
	if (!list_class("/sys/class/infiniband_verbs", verbs, sizeof(verbs)))
		return dq_error(
			ENODEV,
			"%s address=%s: there is %s, but the kernel offers it to no program: "
			"modprobe ib_uverbs",
			where, address, rdma);
	verbs[strcspn(verbs, ",")] = '\0';
	snprintf(path, sizeof(path), "/dev/infiniband/%s", verbs);
	if (access(path, F_OK))
		return dq_error(ENODEV,
				"%s address=%s: there is %s, but no %s: give it to the container "
				"(--device=/dev/infiniband), or let udev make it",
				where, address, rdma, path);
	if (scan->list && scan->list[0])
		return dq_error(
			ENODEV,
			"%s address=%s: no RDMA device here is an mlx5 one, a ConnectX-4 or "
			"later; there is: %s",
			where, address, rdma);
	return dq_error(ENODEV,
			"%s address=%s: there is %s, but libibverbs has no driver for it: install "
			"libibverbs and libmlx5 of one version (Debian: ibverbs-providers)",
			where, address, rdma);
}

/* Whether libibverbs, which does not tell, had the few descriptors that listing devices takes. */
static int listing_starved(void)
{
	int fds[4], n = 0, err = 0;

	while (!err && n < 4) {
		fds[n] = open("/", O_RDONLY | O_CLOEXEC);
		if (fds[n] < 0)
			err = errno;
		else
			n++;
	}
	while (n)
		close(fds[--n]);
	return err == EMFILE || err == ENFILE ? err : 0;
}

static int not_found(const struct dq_scan *scan, const char *address, const char *where)
{
	int starved = scan->starved ? scan->starved : listing_starved();
	char list[1024] = "", mac[18];
	size_t len = 0;

	if (starved)
		return dq_error(
			starved,
			"%s address=%s: the ports of this machine cannot be listed: %s: raise "
			"RLIMIT_NOFILE (ulimit -n), or close what is not needed",
			where, address, strerror(starved));
	if (!scan->n_seats)
		return no_device(scan, address, where);
	for (unsigned i = 0; i < scan->n_seats && len < sizeof(list); i++) {
		const struct daqiri_port_info *info = &scan->seats[i].info;

		format_mac(info->mac, mac);
		len += (size_t)snprintf(
			list + len, sizeof(list) - len,
			"%s%s port %u (PCI %s, interface %s, MAC %s)", i ? "; " : "", info->rdma,
			info->port_num, info->pci[0] ? info->pci : "-",
			info->netdev[0] ? info->netdev : "-", info->netdev[0] ? mac : "-");
	}
	return dq_error(ENODEV, "%s address=%s: no port has this address; there are: %s", where,
			address, list);
}

int dq_scan_find(const struct dq_scan *scan, const char *address, const char *where,
		 const struct dq_seat **out)
{
	const struct dq_seat *found = NULL;
	unsigned matches = 0;

	for (unsigned i = 0; i < scan->n_seats; i++) {
		int match = match_seat(&scan->seats[i], address);

		if (match == 2) {
			*out = &scan->seats[i];
			return 0;
		}
		if (match) {
			found = &scan->seats[i];
			matches++;
		}
	}
	if (!matches)
		return not_found(scan, address, where);
	if (matches > 1)
		return dq_error(ENODEV,
				"%s address=%s: this device has %u ports: name the port by its "
				"network interface or MAC",
				where, address, matches);
	*out = found;
	return 0;
}

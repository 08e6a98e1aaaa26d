/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ethtool's ioctl for the ports' interfaces, which with --netdev are veths that know no counters:
 * net/ethtool/ioctl.c with what mlx5_core answers. Other commands are the real kernel's.
 */
#include "ethtool.h"
#include "card.h"
#include "preload.h"
#include "uverbs_copy.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct emu_dev *dev_of(const char *name)
{
	for (unsigned i = 0; i < emu_settings.n_ports; i++) {
		if (!strncmp(name, emu_devs[i].netdev, IFNAMSIZ))
			return &emu_devs[i];
	}
	return NULL;
}

/* ethtool_get_sset_info(): a number for each set asked for that is not empty */
static int sset_info(uint64_t at)
{
	struct ethtool_sset_info info;
	uint32_t n = emu_ethtool_n_stats();
	uint64_t wanted;
	int ret = emu_user_read(&info, at, sizeof(info));

	if (ret)
		return ret;
	wanted = info.sset_mask & 1ull << ETH_SS_STATS;
	info.sset_mask = wanted;
	ret = emu_user_write(at, &info, sizeof(info));
	return ret || !wanted ? ret : emu_user_write(at + sizeof(info), &n, sizeof(n));
}

/* ethtool_get_strings() */
static int strings(uint64_t at)
{
	char(*names)[ETH_GSTRING_LEN];
	struct ethtool_gstrings head;
	int ret = emu_user_read(&head, at, sizeof(head));

	if (ret)
		return ret;
	if (head.string_set != ETH_SS_STATS)
		return -EOPNOTSUPP;
	head.len = emu_ethtool_n_stats();
	names = calloc(head.len, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (unsigned i = 0; i < head.len; i++)
		snprintf(names[i], sizeof(names[i]), "%s", emu_ethtool_stat_name(i));
	ret = emu_user_write(at, &head, sizeof(head));
	ret = ret ? ret : emu_user_write(at + sizeof(head), names, head.len * sizeof(*names));
	free(names);
	return ret;
}

/* ethtool_get_stats(): as many as there are, whatever the program has room for */
static int stats(const struct emu_dev *dev, uint64_t at)
{
	struct ethtool_stats head = {.cmd = ETHTOOL_GSTATS, .n_stats = emu_ethtool_n_stats()};
	uint64_t *values = calloc(head.n_stats, sizeof(*values));
	int ret = values ? 0 : -ENOMEM;

	for (unsigned i = 0; values && i < head.n_stats; i++)
		values[i] = emu_ethtool_stat(dev, i);
	ret = ret ? ret : emu_user_write(at, &head, sizeof(head));
	ret = ret ? ret : emu_user_write(at + sizeof(head), values, head.n_stats * sizeof(*values));
	free(values);
	return ret;
}

static int drvinfo(const struct emu_dev *dev, uint64_t at)
{
	const struct emu_card *card = emu_card();
	struct ethtool_drvinfo info = {
		.cmd = ETHTOOL_GDRVINFO, .driver = "mlx5_core", .n_stats = emu_ethtool_n_stats()};

	snprintf(info.fw_version, sizeof(info.fw_version), "%u.%u.%04u (%.16s)", card->fw_major,
		 card->fw_minor, card->fw_sub, card->board_id);
	snprintf(info.bus_info, sizeof(info.bus_info), "%.31s", dev->pci);
	return emu_user_write(at, &info, sizeof(info));
}

static int pause_get(const struct emu_dev *dev, uint64_t at)
{
	uint32_t now = __atomic_load_n(&dev->wire->pause, __ATOMIC_RELAXED);
	struct ethtool_pauseparam pause = {.cmd = ETHTOOL_GPAUSEPARAM,
					   .rx_pause = !!(now & EMU_PAUSE_RX),
					   .tx_pause = !!(now & EMU_PAUSE_TX)};

	return emu_user_write(at, &pause, sizeof(pause));
}

/* mlx5e_ethtool_set_pauseparam() */
static int pause_set(struct emu_dev *dev, uint64_t at)
{
	struct ethtool_pauseparam pause;
	int ret = emu_user_read(&pause, at, sizeof(pause));

	if (ret)
		return ret;
	if (pause.autoneg)
		return -EINVAL;
	__atomic_store_n(&dev->wire->pause,
			 (pause.rx_pause ? EMU_PAUSE_RX : 0u) |
				 (pause.tx_pause ? EMU_PAUSE_TX : 0u),
			 __ATOMIC_RELAXED);
	return 0;
}

static int link_get(const struct emu_dev *dev, uint64_t at)
{
	struct ethtool_value link = {
		.cmd = ETHTOOL_GLINK,
		.data = !!__atomic_load_n(&dev->wire->link_up, __ATOMIC_RELAXED)};

	return emu_user_write(at, &link, sizeof(link));
}

static int answer(struct emu_dev *dev, uint32_t cmd, uint64_t at)
{
	switch (cmd) {
	case ETHTOOL_GSSET_INFO:
		return sset_info(at);
	case ETHTOOL_GSTRINGS:
		return strings(at);
	case ETHTOOL_GSTATS:
		return stats(dev, at);
	case ETHTOOL_GDRVINFO:
		return drvinfo(dev, at);
	case ETHTOOL_GPAUSEPARAM:
		return pause_get(dev, at);
	case ETHTOOL_SPAUSEPARAM:
		return pause_set(dev, at);
	case ETHTOOL_GLINK:
		return link_get(dev, at);
	default:
		return 1;
	}
}

int emu_ethtool(const void *arg)
{
	struct ifreq ifr;
	struct emu_dev *dev;
	uint32_t cmd;
	int ret = emu_user_read(&ifr, (uintptr_t)arg, sizeof(ifr));

	dev = ret ? NULL : dev_of(ifr.ifr_name);
	if (ret || !dev)
		return ret ? ret : 1;
	ret = emu_user_read(&cmd, (uintptr_t)ifr.ifr_data, sizeof(cmd));
	if (ret)
		return ret;
	pthread_mutex_lock(&emu_lock);
	ret = emu_wire_need();
	pthread_mutex_unlock(&emu_lock);
	return ret ? ret : answer(dev, cmd, (uintptr_t)ifr.ifr_data);
}

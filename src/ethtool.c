/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error.h"
#include "ethtool.h"

/*
 * The kernel writes as many counters as there are when it is asked, not as many as there is room
 * for, and their number follows that of the channels: room for what may have come meanwhile.
 */
enum { MORE = 4096, PREFIX = 8 };

struct counter {
	char name[PREFIX + ETH_GSTRING_LEN + 1]; /* with the prefix, as the program sees it */
	uint32_t index; /* among all that the interface has; NONE: not any more */
	uint64_t last;	/* as read last */
};

#define NONE UINT32_MAX

struct dq_ethtool {
	char netdev[IFNAMSIZ];
	pthread_mutex_t lock; /* of all below */
	struct counter *counters;
	int n;
	size_t skip;	/* length of the prefix */
	uint32_t n_all; /* what the interface had when the indices were found */
};

static int ask(const char *netdev, void *command)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;
	struct ifreq ifr = {.ifr_data = command};

	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, netdev, strnlen(netdev, sizeof(ifr.ifr_name) - 1));
	if (ioctl(fd, SIOCETHTOOL, &ifr))
		ret = -errno;
	close(fd);
	return ret;
}

/* How many counters the interface has; 0: none, or it cannot be asked. */
static uint32_t count(const char *netdev)
{
	_Alignas(struct ethtool_sset_info)
		uint8_t buf[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	struct ethtool_sset_info *info = (struct ethtool_sset_info *)(void *)buf;

	memset(buf, 0, sizeof(buf));
	info->cmd = ETHTOOL_GSSET_INFO;
	info->sset_mask = 1ull << ETH_SS_STATS; /* of one set: one number */
	return ask(netdev, info) || !info->sset_mask ? 0 : info->data[0];
}

/* -ENOENT: there are none. Free with free(). */
static int read_names(struct ethtool_gstrings **out, const char *netdev)
{
	uint32_t n = count(netdev);
	struct ethtool_gstrings *names;

	if (!n)
		return -ENOENT;
	names = calloc(1, sizeof(*names) + (size_t)(n + MORE) * ETH_GSTRING_LEN);
	if (!names)
		return -ENOMEM;
	*names = (struct ethtool_gstrings){
		.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_STATS, .len = n};
	if (!ask(netdev, names) && names->len && names->len <= n + MORE) {
		*out = names;
		return 0;
	}
	free(names);
	return -ENOENT;
}

/* -ESTALE: there are more or fewer than names are known of. Free with free(). */
static int read_values(struct ethtool_stats **out, const struct dq_ethtool *e)
{
	struct ethtool_stats *values =
		calloc(1, sizeof(*values) + (size_t)(e->n_all + MORE) * sizeof(uint64_t));
	int ret;

	if (!values)
		return -ENOMEM;
	*values = (struct ethtool_stats){.cmd = ETHTOOL_GSTATS, .n_stats = e->n_all};
	ret = ask(e->netdev, values);
	if (!ret && values->n_stats != e->n_all)
		ret = -ESTALE;
	if (ret)
		free(values);
	else
		*out = values;
	return ret;
}

static bool ends_with(const char *name, const char *end)
{
	size_t a = strlen(name), b = strlen(end);

	return a >= b && !strcmp(name + a - b, end);
}

/* mlx5_core's counters of the cable, the function, pauses and drops; not those of its channels. */
static bool is_wanted(const char *name)
{
	static const char *const parts[] = {"vport", "pause", "_pci_", "discard"};
	static const char *const whole[] = {"rx_out_of_buffer", "rx_if_down_packets",
					    "rx_steer_missed_packets", "dev_internal_queue_oob"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(name, parts[i]))
			return true;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (!strcmp(name, whole[i]))
			return true;
	return ends_with(name, "_phy");
}

/* The i-th name, which the kernel need not have ended. */
static void name_at(char name[ETH_GSTRING_LEN + 1], const struct ethtool_gstrings *names,
		    uint32_t i)
{
	memcpy(name, names->data + (size_t)i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
	name[ETH_GSTRING_LEN] = '\0';
}

static void add(struct dq_ethtool *e, const char *prefix, const char *name, uint32_t index)
{
	struct counter *c = &e->counters[e->n++];

	snprintf(c->name, sizeof(c->name), "%s%s", prefix, name);
	c->index = index;
}

static int add_wanted(struct dq_ethtool *e, const char *prefix,
		      const struct ethtool_gstrings *names)
{
	char name[ETH_GSTRING_LEN + 1];
	uint32_t n = 0;

	for (uint32_t i = 0; i < names->len; i++) {
		name_at(name, names, i);
		n += is_wanted(name);
	}
	e->counters = calloc(n + 1, sizeof(*e->counters));
	if (!e->counters)
		return -ENOMEM;
	for (uint32_t i = 0; i < names->len; i++) {
		name_at(name, names, i);
		if (is_wanted(name))
			add(e, prefix, name, i);
	}
	e->n_all = names->len;
	return 0;
}

/* The number of channels has changed: where the counters are now. */
static int find_again(struct dq_ethtool *e)
{
	struct ethtool_gstrings *names;
	char name[ETH_GSTRING_LEN + 1];
	int ret = read_names(&names, e->netdev);

	if (ret)
		return ret;
	for (int k = 0; k < e->n; k++)
		e->counters[k].index = NONE;
	for (uint32_t i = 0; i < names->len; i++) {
		name_at(name, names, i);
		for (int k = 0; k < e->n; k++)
			if (!strcmp(e->counters[k].name + e->skip, name))
				e->counters[k].index = i;
	}
	e->n_all = names->len;
	free(names);
	return 0;
}

/* Counters that cannot be read, or are not there any more, stay where they were. */
static int refresh(struct dq_ethtool *e)
{
	struct ethtool_stats *values;
	int ret = read_values(&values, e);

	if (ret == -ESTALE) {
		ret = find_again(e);
		ret = ret ? ret : read_values(&values, e);
	}
	if (ret)
		return ret;
	for (int k = 0; k < e->n; k++)
		if (e->counters[k].index != NONE)
			e->counters[k].last = values->data[e->counters[k].index];
	free(values);
	return 0;
}

int dq_ethtool_open(struct dq_ethtool **out, const char *prefix, const char *netdev)
{
	struct dq_ethtool *e = calloc(1, sizeof(*e));
	struct ethtool_gstrings *names;
	int ret;

	*out = NULL;
	if (!e)
		return dq_error(ENOMEM, "out of memory for counters");
	pthread_mutex_init(&e->lock, NULL);
	e->skip = strlen(prefix);
	memcpy(e->netdev, netdev, strnlen(netdev, sizeof(e->netdev) - 1));
	ret = read_names(&names, netdev);
	if (!ret) {
		ret = add_wanted(e, prefix, names);
		free(names);
	}
	/* One that was never read is none: nobody knows that it is 0. */
	if (!ret)
		ret = refresh(e);
	if (!ret) {
		*out = e;
		return 0;
	}
	dq_ethtool_close(e);
	return ret == -ENOMEM ? dq_error(ENOMEM, "out of memory for counters") : 0;
}

void dq_ethtool_close(struct dq_ethtool *e)
{
	if (!e)
		return;
	free(e->counters);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

void dq_ethtool_put(struct dq_stat_list *list, struct dq_ethtool *e)
{
	if (!e)
		return;
	pthread_mutex_lock(&e->lock);
	/* What there is no room for needs no reading. */
	if (list->n < list->max)
		refresh(e);
	for (int k = 0; k < e->n; k++)
		dq_stat_put(list, e->counters[k].name, e->counters[k].last);
	pthread_mutex_unlock(&e->lock);
}

void dq_ethtool_pause(const char *netdev, int *rx, int *tx)
{
	struct ethtool_pauseparam pause = {.cmd = ETHTOOL_GPAUSEPARAM};

	*rx = *tx = -1;
	if (!netdev[0] || ask(netdev, &pause))
		return;
	*rx = pause.rx_pause != 0;
	*tx = pause.tx_pause != 0;
}

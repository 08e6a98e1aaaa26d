/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of ethtool's ioctl, of an interface whose driver is played here (--wrap=ioctl). */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ethtool.h"

/* Counters of channels come first, as many as there are channels: all others move with them. */
static const char *const names[] = {"rx_packets", "rx_packets_phy", "rx_vport_unicast_packets",
				    "tx_global_pause", "rx0_bytes"};
enum { N_NAMES = sizeof(names) / sizeof(names[0]) };
static unsigned channels, fail_from, calls;
static uint64_t base;

int __wrap_ioctl(int fd, unsigned long request, ...);

static void fill_names(struct ethtool_gstrings *s)
{
	s->len = channels + N_NAMES;
	for (unsigned i = 0; i < s->len; i++) {
		char *at = (char *)s->data + (size_t)i * ETH_GSTRING_LEN;

		memset(at, 0, ETH_GSTRING_LEN);
		if (i < channels)
			snprintf(at, ETH_GSTRING_LEN, "ch%u_events", i);
		else
			snprintf(at, ETH_GSTRING_LEN, "%s", names[i - channels]);
	}
}

/* Each counter's value is base and the number of its name; those of channels are 77. */
static void fill_values(struct ethtool_stats *s)
{
	s->n_stats = channels + N_NAMES;
	for (unsigned i = 0; i < s->n_stats; i++)
		s->data[i] = i < channels ? 77 : base + i - channels;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct ifreq *ifr;
	va_list ap;

	(void)fd;
	(void)request;
	va_start(ap, request);
	ifr = va_arg(ap, struct ifreq *);
	va_end(ap);
	cr_assert_str_eq(ifr->ifr_name, "eth7");
	if (++calls >= fail_from) {
		errno = EOPNOTSUPP;
		return -1;
	}
	switch (*(uint32_t *)(void *)ifr->ifr_data) {
	case ETHTOOL_GSSET_INFO:
		((struct ethtool_sset_info *)(void *)ifr->ifr_data)->data[0] = channels + N_NAMES;
		break;
	case ETHTOOL_GSTRINGS:
		fill_names((void *)ifr->ifr_data);
		break;
	case ETHTOOL_GSTATS:
		fill_values((void *)ifr->ifr_data);
		break;
	default:
		((struct ethtool_pauseparam *)(void *)ifr->ifr_data)->tx_pause = 1;
	}
	return 0;
}

static struct dq_ethtool *open_it(unsigned n)
{
	struct dq_ethtool *e;

	channels = n;
	calls = 0;
	fail_from = -1u;
	base = 100;
	cr_assert_eq(dq_ethtool_open(&e, "eth_", "eth7"), 0);
	cr_assert_not_null(e);
	return e;
}

static void expect(struct dq_ethtool *e, uint64_t from)
{
	struct daqiri_stat stats[8];
	struct dq_stat_list list = {.stats = stats, .max = 8};

	dq_ethtool_put(&list, e);
	cr_assert_eq(list.n, 3);
	cr_assert_str_eq(stats[0].name, "eth_rx_packets_phy");
	cr_assert_str_eq(stats[1].name, "eth_rx_vport_unicast_packets");
	cr_assert_str_eq(stats[2].name, "eth_tx_global_pause");
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(stats[i].value, from + 1 + i, "%s", stats[i].name);
}

Test(ethtool, counters_of_the_port_are_chosen_by_name)
{
	struct dq_ethtool *e = open_it(2);

	expect(e, 100);
	base = 200;
	expect(e, 200);
	dq_ethtool_close(e);
}

Test(ethtool, counters_are_found_again_when_the_number_of_channels_changes)
{
	struct dq_ethtool *e = open_it(2);

	channels = 64;
	base = 300;
	expect(e, 300);
	channels = 0;
	base = 400;
	expect(e, 400);
	dq_ethtool_close(e);
}

Test(ethtool, counters_that_cannot_be_read_stay_where_they_were)
{
	struct dq_ethtool *e = open_it(1);

	base = 500;
	fail_from = 0;
	expect(e, 100);
	fail_from = -1u;
	expect(e, 500);
	dq_ethtool_close(e);
}

/* Whichever of the questions fails: no counters, rather than some that say 0. */
Test(ethtool, an_interface_that_cannot_tell_has_none)
{
	struct dq_ethtool *e;
	struct dq_stat_list list = {0};

	for (fail_from = 1; fail_from <= 3; fail_from++) {
		calls = 0;
		cr_assert_eq(dq_ethtool_open(&e, "eth_", "eth7"), 0);
		cr_assert_null(e, "%u", fail_from);
	}
	dq_ethtool_put(&list, NULL);
	cr_assert_eq(list.n, 0);
	dq_ethtool_close(NULL);
}

Test(ethtool, pause_is_on_off_or_unknown)
{
	int rx = 5, tx = 5;

	fail_from = -1u;
	dq_ethtool_pause("eth7", &rx, &tx);
	cr_assert(rx == 0 && tx == 1);
	fail_from = 0;
	dq_ethtool_pause("eth7", &rx, &tx);
	cr_assert(rx == -1 && tx == -1);
	fail_from = -1u;
	dq_ethtool_pause("", &rx, &tx);
	cr_assert(rx == -1 && tx == -1);
}

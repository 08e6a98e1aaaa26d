/* SPDX-License-Identifier: Apache-2.0 */
/* src_mac = port: the CPU writes the port's address into frames before their WQEs are written. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "txq.h"

enum { ETH_SOURCE = 6, MAC = 6 }; /* IEEE 802.3: where the source address stands */

int dq_txq_check_src_mac(const struct dq_conf_txq *conf, const struct daqiri_region *region)
{
	if (conf->src_mac && region && dq_region_on_gpu(region))
		return dq_error(EOPNOTSUPP,
				"%s src_mac=port: no CPU can write frames in the GPU's memory of "
				"%s: use src_mac = off, or kind = host_pinned there",
				conf->where, region->conf->where);
	return 0;
}

/* What is too short to have the address as a whole stays as it is. */
static void put_address(const struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (pkts[i].len >= ETH_SOURCE + MAC)
			memcpy((uint8_t *)(uintptr_t)pkts[i].addr + ETH_SOURCE, q->src_mac, MAC);
}

static int write_src_mac(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	put_address(q, pkts, n);
	return q->write_as_is(q, pkts, n);
}

static int gather_src_mac(struct daqiri_txq *q, const struct daqiri_pkt *heads,
			  const struct daqiri_pkt *payloads, uint32_t n)
{
	put_address(q, heads, n);
	return q->gather_as_is(q, heads, payloads, n);
}

int dq_txq_set_src_mac(struct daqiri_txq *q)
{
	static const uint8_t none[MAC];

	if (!q->conf->src_mac)
		return 0;
	memcpy(q->src_mac, q->port->info.mac, MAC);
	if (!memcmp(q->src_mac, none, MAC))
		return dq_error(EOPNOTSUPP,
				"%s src_mac=port: %s has no network interface that would tell its "
				"MAC address: use src_mac = off, and write it into the frames",
				q->conf->where, q->port->conf->where);
	q->write_as_is = q->write;
	q->write = write_src_mac;
	if (q->gather) {
		q->gather_as_is = q->gather;
		q->gather = gather_src_mac;
	}
	return 0;
}

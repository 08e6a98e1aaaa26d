/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tso = MSS: TCP packets with more data than that are cut by the NIC. Their headers stand in the
 * WQE's Ethernet segment, and the NIC puts them before every MSS bytes of the data: with lengths,
 * IP id, sequence number and checksums of each (PRM: "LSO").
 */
#include <errno.h>

#include "error.h"
#include "port.h"
#include "txq.h"
#include "txq_wqe.h"

enum {
	ETH = 14, /* IEEE 802.3: two addresses and the type */
	TAG = 4,  /* IEEE 802.1Q */
	TYPE_CTAG = 0x8100,
	TYPE_STAG = 0x88a8,
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	IPV4 = 20,		/* at least, as TCP */
	IPV4_FRAGMENT = 0x3fff, /* RFC 791: more fragments, or an offset */
	IPV6 = 40,
	TCP = 20,
	PROTO_TCP = 6
};

_Static_assert(DQ_TSO_HEADERS <= ETH + IPV4 + TCP + DQ_TSO_LEAST,
	       "a packet that is to be cut is longer than all headers can be");
_Static_assert(DQ_TSO_WQEBBS *DQ_WQEBB >= 2 * DQ_SEG + (DQ_TSO_HEADERS + 14 + 15) / DQ_SEG * DQ_SEG,
	       "control segment, headers, a pointer");

/* ---- which packets are cut ------------------------------------------------------------------- */

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* Where the IP header begins, its type in *type. The caller knows of room for all this. */
static uint32_t behind_tags(const uint8_t *frame, uint32_t *type)
{
	uint32_t at = ETH;

	*type = get16(frame + at - 2);
	for (int i = 0; i < 2 && (*type == TYPE_CTAG || *type == TYPE_STAG); i++) {
		at += TAG;
		*type = get16(frame + at - 2);
	}
	return at;
}

/* Bytes of an IP header with TCP right behind it; 0: another one. */
static uint32_t ip_header(const uint8_t *ip, uint32_t type)
{
	uint32_t len = (ip[0] & 0xfu) * 4;

	if (type == TYPE_IPV6)
		return ip[0] >> 4 == 6 && ip[6] == PROTO_TCP ? IPV6 : 0;
	if (type != TYPE_IPV4 || ip[0] >> 4 != 4 || len < IPV4 || ip[9] != PROTO_TCP)
		return 0;
	return get16(ip + 6) & IPV4_FRAGMENT ? 0 : len;
}

uint32_t dq_tso_headers(const uint8_t *frame, uint32_t len, uint32_t mss)
{
	uint32_t type, at, ip, tcp;

	/* So much are the headers and the least mss at least, and all headers at most. */
	if (len <= mss || len < DQ_TSO_HEADERS)
		return 0;
	at = behind_tags(frame, &type);
	ip = ip_header(frame + at, type);
	if (!ip)
		return 0;
	at += ip;
	tcp = (uint32_t)(frame[at + 12] >> 4) * 4;
	return tcp >= TCP && len - at - tcp > mss ? at + tcp : 0;
}

/* ---- write ----------------------------------------------------------------------------------- */

/* Into the ring, which may end within. */
static void put(struct daqiri_txq *q, const uint8_t *wqe, uint32_t wqebbs)
{
	uint32_t at = q->pi & q->mask, left = q->mask + 1 - at;
	uint32_t first = wqebbs < left ? wqebbs : left;

	memcpy(dq_tx_wqebb(q, at), wqe, (size_t)first * DQ_WQEBB);
	memcpy(q->ring, wqe + (size_t)first * DQ_WQEBB, (size_t)(wqebbs - first) * DQ_WQEBB);
	q->pi += wqebbs;
}

static __be64 write_cut(struct daqiri_txq *q, const struct daqiri_pkt *pkt, uint32_t headers,
			enum dq_ce ce)
{
	_Alignas(DQ_WQEBB) uint8_t wqe[DQ_TSO_WQEBBS * DQ_WQEBB];
	uint32_t segs = 1 + dq_wqe_lso_segs(headers);
	__be64 head;

	dq_wqe_eth_lso(wqe + DQ_SEG, q->conf->tso, (const uint8_t *)(uintptr_t)pkt->addr, headers);
	dq_wqe_data(wqe + (size_t)segs * DQ_SEG, pkt->addr + headers, pkt->len - headers,
		    dq_be32_of_key(pkt->key));
	segs++;
	head = dq_wqe_ctrl((struct mlx5_wqe_ctrl_seg *)(void *)wqe,
			   dq_wqe_opcode_index(MLX5_OPCODE_TSO, q->pi), dq_wqe_qpn_ds(q->qpn, segs),
			   ce);
	put(q, wqe, dq_wqe_wqebbs(segs));
	return head;
}

static __be64 write_one(struct daqiri_txq *q, const struct daqiri_pkt *pkt, enum dq_ce ce)
{
	const uint8_t *frame = (const uint8_t *)(uintptr_t)pkt->addr;
	uint32_t headers = dq_tso_headers(frame, pkt->len, q->conf->tso);

	return headers ? write_cut(q, pkt, headers, ce) : dq_tx_write_inline(q, pkt, ce);
}

int dq_tx_write_tso(struct daqiri_txq *q, const struct daqiri_pkt *pkts, uint32_t n)
{
	__be64 head = 0;

	for (uint32_t i = 0; i < n; i++) {
		enum dq_ce ce = i + 1 == n ? DQ_CE_ALWAYS : dq_tx_ce(q, 1);
		uint32_t at = q->pi & q->mask;

		head = write_one(q, &pkts[i], ce);
		dq_tx_account(q, 1, pkts[i].len);
		dq_tx_note_one(q, &pkts[i]);
		if (ce == DQ_CE_ALWAYS)
			dq_tx_signal_others(q, at, q->posted);
	}
	dq_tx_ring(q, head);
	return (int)n;
}

/* ---- what cannot be -------------------------------------------------------------------------- */

static int refuse_beside(const struct dq_conf_txq *conf, const char *what)
{
	return dq_error(EINVAL, "%s tso=%u: does not go with %s: one or the other", conf->where,
			conf->tso, what);
}

int dq_txq_check_tso(const struct dq_conf_txq *conf, const struct daqiri_port *port,
		     struct daqiri_region *const regions[2])
{
	const struct dq_device *dev = port->dev;

	if (!conf->tso)
		return 0;
	if (!dev->caps.max_tso)
		return dq_error(EOPNOTSUPP,
				"%s tso=%u: %s cuts no packets (tso_caps): use tso = off, and post "
				"them cut",
				conf->where, conf->tso, dev->info.rdma);
	if (conf->tx_inline || conf->tx_latency || conf->vlan_tci >= 0)
		return refuse_beside(conf, conf->tx_inline ? "tx_inline, which copies whole frames"
					   : conf->tx_latency
						   ? "tx_latency, which has no place for headers"
						   : "vlan_push, which has their place in the "
						     "work request");
	if (regions[1])
		return refuse_beside(conf, "two regions");
	if (regions[0] && dq_region_on_gpu(regions[0]))
		return dq_error(
			EOPNOTSUPP,
			"%s tso=%u: no CPU can copy headers from the GPU's memory of %s: use "
			"tso = off, or kind = host_pinned there",
			conf->where, conf->tso, regions[0]->conf->where);
	if (port->info.mtu && conf->tso + IPV4 + TCP > port->info.mtu)
		return dq_error(
			EINVAL,
			"%s tso=%u: with headers of 40 bytes it is above the MTU of %s, %u: "
			"at most %u",
			conf->where, conf->tso, port->conf->where, port->info.mtu,
			port->info.mtu - IPV4 - TCP);
	return 0;
}

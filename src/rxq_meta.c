/* SPDX-License-Identifier: Apache-2.0 */
/* What completions tell of packets besides address and length: one struct daqiri_rx_meta each. */
#include <stddef.h>

#include "device_clock.h"
#include "mlx5_cqe.h"
#include "rxq.h"

_Static_assert(sizeof(struct daqiri_rx_meta) == 24, "as programs were compiled with");
_Static_assert(sizeof(struct dq_rx_ask) == 8, "hash and status are asked for by 32 bits each");
_Static_assert((int)DAQIRI_CSUM_L3_OK == (int)MLX5_CQE_L3_OK &&
		       (int)DAQIRI_CSUM_L4_OK == (int)MLX5_CQE_L4_OK,
	       "the device's bits");
_Static_assert(DAQIRI_TYPE_IPV6 == 1 << DQ_CQE_L3_SHIFT && DAQIRI_TYPE_IPV4 == 2 << DQ_CQE_L3_SHIFT,
	       "the device's numbers");
_Static_assert((int)DAQIRI_TYPE_IP_OPTIONS == (int)DQ_CQE_IP_EXT &&
		       (int)DAQIRI_TYPE_FRAGMENT == (int)DQ_CQE_IP_FRAG,
	       "the device's bits");

/* By the device's number of the L4 header: TCP without and with acknowledgement, and with data. */
static const uint8_t type_of_l4[8] = {0, DAQIRI_TYPE_TCP, DAQIRI_TYPE_UDP, DAQIRI_TYPE_TCP,
				      DAQIRI_TYPE_TCP};
static const uint8_t known_of_l4[8] = {0, DAQIRI_CSUM_L4_KNOWN, DAQIRI_CSUM_L4_KNOWN,
				       DAQIRI_CSUM_L4_KNOWN, DAQIRI_CSUM_L4_KNOWN};
static const uint8_t known_of_l3[4] = {0, DAQIRI_CSUM_L3_KNOWN, DAQIRI_CSUM_L3_KNOWN};

static uint8_t type_of(const struct mlx5_cqe64 *cqe)
{
	const unsigned same = DAQIRI_TYPE_L3 | DAQIRI_TYPE_IP_OPTIONS | DAQIRI_TYPE_FRAGMENT;

	return (uint8_t)((cqe->l4_hdr_type_etc & same) | type_of_l4[dq_cqe_l4(cqe)]);
}

static uint8_t checksum_of(const struct mlx5_cqe64 *cqe)
{
	return (uint8_t)((cqe->hds_ip_ext & DQ_CQE_CSUM_OK) | known_of_l3[dq_cqe_l3(cqe)] |
			 known_of_l4[dq_cqe_l4(cqe)]);
}

static inline struct daqiri_rx_meta meta_of(const struct mlx5_cqe64 *cqe,
					    const struct dq_rx_ask *ask)
{
	return (struct daqiri_rx_meta){
		.flow = dq_key_to_flow(dq_cqe_flow_key(cqe)),
		.vlan_tci = dq_cqe_vlan(cqe) & ask->vlan,
		.checksum = checksum_of(cqe) & ask->checksum,
		.type = type_of(cqe) & ask->type,
	};
}

void dq_rx_tell_portable(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			 struct daqiri_rx_meta *meta, uint32_t n)
{
	const struct mlx5_cqe64 *cqe = &q->cqes[(q->ci - n) & q->mask];
	const struct dq_rx_ask ask = q->ask;

	(void)pkts;
	for (uint32_t i = 0; i < n; i++, cqe++) {
		meta[i] = meta_of(cqe, &ask);
		meta[i].hash = dq_cqe_hash(cqe) & ~ask.no_hash;
	}
}

struct daqiri_rx_meta dq_rx_meta_of(const struct mlx5_cqe64 *cqe, const struct dq_rx_ask *ask)
{
	return meta_of(cqe, ask);
}

void dq_rx_tell_real_portable(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			      struct daqiri_rx_meta *meta, uint32_t n)
{
	const struct mlx5_cqe64 *cqe = &q->cqes[(q->ci - n) & q->mask];

	dq_rx_tell_portable(q, pkts, meta, n);
	for (uint32_t i = 0; i < n; i++)
		meta[i].time_ns = dq_cqe_real_ns(&cqe[i]);
}

void dq_rx_tell_free_portable(const struct daqiri_rxq *q, const struct daqiri_pkt *pkts,
			      struct daqiri_rx_meta *meta, uint32_t n)
{
	const struct mlx5_cqe64 *cqe = &q->cqes[(q->ci - n) & q->mask];

	if (!n)
		dq_clock_idle(q->clock);
	dq_rx_tell_portable(q, pkts, meta, n);
	for (uint32_t i = 0; i < n; i++)
		meta[i].time_ns = dq_clock_tell(q->clock, dq_cqe_stamp(&cqe[i]));
}

/* Of each set of instructions: without time stamps, of the real time, and of the counter. */
static const dq_rx_tell_fn portable[] = {dq_rx_tell_portable, dq_rx_tell_real_portable,
					 dq_rx_tell_free_portable};
#ifdef DQ_X86_SIMD
static const dq_rx_tell_fn avx2[] = {dq_rx_tell_avx2, dq_rx_tell_real_avx2, dq_rx_tell_free_avx2};
#endif

void dq_rx_choose_tell(struct daqiri_rxq *q)
{
	unsigned want = q->conf->metadata;
	unsigned clock = !(want & DAQIRI_META_TIMESTAMP) ? 0 : q->clock ? 2 : 1;

	if (!want)
		return;
	q->ask = (struct dq_rx_ask){.no_hash = want & DAQIRI_META_HASH ? 0 : UINT32_MAX,
				    .vlan = want & DAQIRI_META_VLAN ? UINT16_MAX : 0,
				    .checksum = want & DAQIRI_META_CHECKSUM ? UINT8_MAX : 0,
				    .type = want & DAQIRI_META_TYPE ? UINT8_MAX : 0};
	q->tell = portable[clock];
#ifdef DQ_X86_SIMD
	if (q->simd == DQ_SIMD_AVX2 && q->conf->forward < 0)
		q->tell = avx2[clock];
#endif
}

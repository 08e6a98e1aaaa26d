/* SPDX-License-Identifier: Apache-2.0 */
/* DPDK's mlx5 driver, by the public interface of ethdev, mbuf and mempool. */
#include "peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_mbuf.h>
#include <rte_version.h>

enum {
	POOL = 4095, /* mbufs */
	POOL_CACHE = 256,
	MARK = 77,
	TRIES = 8 /* calls to get or give a burst */
};

#define MPRQ   ",mprq_en=1,rxqs_min_mprq=1"
#define PLAIN  "no offload asked for; packet type, hash and mark are written all the same"
#define COPIES "no offload asked for; each frame of up to 128 bytes is copied into its mbuf"
#define ALL_T1 "checksum status, hash of RSS, mark of a flow rule"

static const struct peers_ops peers_dpdk;

const struct peers_row peers_rows[] = {
	{"dpdk", "T0", "rtl", "rxq_cqe_comp_en=0", "daqiri", NULL, PLAIN, &peers_dpdk},
	{"dpdk-fast-free", "T0", "tl", "rxq_cqe_comp_en=0,F", "daqiri", NULL,
	 "MBUF_FAST_FREE: all mbufs of one pool, none shared", &peers_dpdk},
	{"dpdk-scalar", "T0", "rl", "rxq_cqe_comp_en=0,rx_vec_en=0", "daqiri", NULL, PLAIN,
	 &peers_dpdk},
	{"dpdk-compressed", "T0", "rl", "rxq_cqe_comp_en=1", "daqiri-compressed", NULL, PLAIN,
	 &peers_dpdk},
	{"dpdk-mprq", "T0", "rl", "rxq_cqe_comp_en=0" MPRQ, "daqiri-striding", NULL, COPIES,
	 &peers_dpdk},
	{"dpdk-mprq-compressed", "T0", "rl", "rxq_cqe_comp_en=1" MPRQ, "daqiri-striding", NULL,
	 COPIES, &peers_dpdk},
	{"dpdk-T1", "T1", "r", "rxq_cqe_comp_en=0,1", "daqiri-T1", NULL, ALL_T1, &peers_dpdk},
	{"dpdk-T1-compressed", "T1", "r", "rxq_cqe_comp_en=1,1", "daqiri-T1-compressed", NULL,
	 ALL_T1, &peers_dpdk},
	{"dpdk-T2", "T2", "r", "rxq_cqe_comp_en=0,1,2", "daqiri-T2", NULL,
	 ALL_T1 ", timestamp as the device's clock has it", &peers_dpdk},
};
const unsigned peers_n_rows = sizeof(peers_rows) / sizeof(peers_rows[0]);

struct self {
	struct rte_mempool *pool;
	struct rte_mbuf *in[PEERS_MAX_BURST], *out[PEERS_MAX_BURST];
	uint64_t timestamp_flag;
	bool tells; /* T1 and T2 */
	int error;
};

/* ---- counted --------------------------------------------------------------------------------- */

/* A burst may come in pieces, as where a session of compressed completions ends. */
static void receive(struct peers_rig *rig)
{
	struct self *self = rig->self;
	uint32_t got = 0;

	for (int i = 0; i < TRIES && got < rig->n; i++)
		got += rte_eth_rx_burst(0, 0, self->in + got, (uint16_t)(rig->n - got));
	rig->got = got;
}

static void alloc(struct peers_rig *rig)
{
	struct self *self = rig->self;

	self->error |= rte_pktmbuf_alloc_bulk(self->pool, self->out, rig->n);
}

/* It also learns what has been sent, and gives those mbufs back. */
static void send_them(struct peers_rig *rig)
{
	struct self *self = rig->self;
	uint32_t sent = 0;

	for (int i = 0; i < TRIES && sent < rig->n; i++)
		sent += rte_eth_tx_burst(0, 0, self->out + sent, (uint16_t)(rig->n - sent));
	self->error |= sent != rig->n;
}

static void recycle(struct peers_rig *rig)
{
	struct self *self = rig->self;

	rte_pktmbuf_free_bulk(self->in, rig->n);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void need(bool good, const char *what)
{
	if (!good)
		peers_fail("%s: %s", what, rte_strerror(rte_errno));
}

/* The options are the driver's, and behind a comma those of this program: F, 1, 2. */
static bool wants(const struct peers_rig *rig, const char *what)
{
	const char *at = strstr(rig->row->options, what);

	return at && (at[2] == ',' || !at[2]);
}

static bool start_eal(const struct peers_rig *rig)
{
	char device[128], prefix[32];
	char *args[] = {(char *)"peers",
			(char *)"--no-huge",
			(char *)"-m",
			(char *)"100",
			(char *)"-l",
			(char *)"0",
			(char *)"--no-telemetry",
			(char *)"--no-shconf",
			(char *)"--file-prefix",
			prefix,
			(char *)"--log-level=lib.eal:error",
			(char *)"--log-level=pmd.net.mlx5:critical",
			(char *)"-a",
			device,
			NULL};
	size_t len = strlen(rig->row->options);

	while (len > 2 && rig->row->options[len - 2] == ',')
		len -= 2;
	snprintf(device, sizeof(device), "0000:c1:00.0,%.*s", (int)len, rig->row->options);
	snprintf(prefix, sizeof(prefix), "peers%d", (int)getpid());
	need(rte_eal_init(sizeof(args) / sizeof(args[0]) - 1, args) >= 0, "rte_eal_init");
	return rte_eth_dev_count_avail() == 1;
}

static void configure(const struct peers_rig *rig, const struct self *self)
{
	struct rte_eth_conf conf = {0};

	if (wants(rig, ",1")) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_UDP | RTE_ETH_RSS_IP;
		conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_CHECKSUM | RTE_ETH_RX_OFFLOAD_RSS_HASH;
	}
	if (wants(rig, ",2"))
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
	if (wants(rig, ",F"))
		conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	need(!rte_eth_dev_configure(0, 1, 1, &conf), "rte_eth_dev_configure");
	need(!rte_eth_rx_queue_setup(0, 0, PEERS_DEPTH, 0, NULL, self->pool),
	     "rte_eth_rx_queue_setup");
	need(!rte_eth_tx_queue_setup(0, 0, PEERS_DEPTH, 0, NULL), "rte_eth_tx_queue_setup");
	need(!rte_eth_dev_start(0), "rte_eth_dev_start");
	need(!rte_eth_promiscuous_enable(0), "rte_eth_promiscuous_enable");
}

/* A rule that marks, and spreads over the one queue, so that there is a hash. */
static void mark_all(void)
{
	const struct rte_flow_attr attr = {.ingress = 1};
	const struct rte_flow_item items[] = {{.type = RTE_FLOW_ITEM_TYPE_ETH},
					      {.type = RTE_FLOW_ITEM_TYPE_IPV4},
					      {.type = RTE_FLOW_ITEM_TYPE_UDP},
					      {.type = RTE_FLOW_ITEM_TYPE_END}};
	const struct rte_flow_action_mark mark = {.id = MARK};
	const uint16_t queue = 0;
	const struct rte_flow_action_rss rss = {
		.types = RTE_ETH_RSS_NONFRAG_IPV4_UDP, .queue_num = 1, .queue = &queue};
	const struct rte_flow_action actions[] = {
		{.type = RTE_FLOW_ACTION_TYPE_MARK, .conf = &mark},
		{.type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &rss},
		{.type = RTE_FLOW_ACTION_TYPE_END}};
	struct rte_flow_error error = {0};

	if (!rte_flow_create(0, &attr, items, actions, &error))
		peers_fail("rte_flow_create: %s", error.message ? error.message : "?");
}

static void say_mode(const struct peers_rig *rig)
{
	struct rte_eth_burst_mode rx, tx;
	char text[2 * sizeof(rx.info) + 64];

	if (rte_eth_rx_burst_mode_get(0, 0, &rx) || rte_eth_tx_burst_mode_get(0, 0, &tx))
		return;
	snprintf(text, sizeof(text), "%s; rx: %s; tx: %s", rte_version(), rx.info, tx.info);
	peers_say(rig, "chose", text);
}

static bool open_it(struct peers_rig *rig)
{
	struct self *self = peers_zeroed(sizeof(*self));

	if (!start_eal(rig)) {
		peers_say(rig, "absent", "DPDK finds no port: is its mlx5 driver installed?");
		free(self);
		return false;
	}
	self->pool = rte_pktmbuf_pool_create("peers", POOL, POOL_CACHE, 0,
					     RTE_PKTMBUF_HEADROOM + PEERS_SLOT, SOCKET_ID_ANY);
	need(self->pool != NULL, "rte_pktmbuf_pool_create");
	configure(rig, self);
	self->tells = wants(rig, ",1");
	if (self->tells)
		mark_all();
	if (wants(rig, ",2"))
		self->timestamp_flag = RTE_BIT64(
			rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, NULL));
	say_mode(rig);
	rig->self = self;
	return true;
}

static void close_it(struct peers_rig *rig)
{
	struct self *self = rig->self;

	need(!self->error, "a call of the data path");
	rte_eth_dev_stop(0);
	rte_eth_dev_close(0);
	free(self);
}

/* ---- not counted ----------------------------------------------------------------------------- */

static struct peers_frame received(struct peers_rig *rig, uint32_t i)
{
	const struct self *self = rig->self;
	const struct rte_mbuf *m = self->in[i];
	const uint64_t told = RTE_MBUF_F_RX_RSS_HASH | RTE_MBUF_F_RX_FDIR_ID |
			      RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD |
			      self->timestamp_flag;

	if (self->tells && ((m->ol_flags & told) != told || m->hash.fdir.hi != MARK))
		peers_fail("packet %u of the burst has flags %#llx and mark %u", i,
			   (unsigned long long)m->ol_flags, m->hash.fdir.hi);
	return (struct peers_frame){rte_pktmbuf_mtod(m, const uint8_t *), m->pkt_len};
}

static uint8_t *slot(struct peers_rig *rig, uint32_t i)
{
	const struct self *self = rig->self;

	need(!self->error, "rte_pktmbuf_alloc_bulk");
	return rte_pktmbuf_mtod(self->out[i], uint8_t *);
}

static void set_len(struct peers_rig *rig, uint32_t i, uint32_t len)
{
	struct self *self = rig->self;

	self->out[i]->data_len = (uint16_t)len;
	self->out[i]->pkt_len = len;
}

static const struct peers_ops peers_dpdk = {
	.open = open_it,
	.close = close_it,
	.step = {[PEERS_RECEIVE] = receive,
		 [PEERS_ALLOC] = alloc,
		 [PEERS_SEND] = send_them,
		 [PEERS_RECYCLE] = recycle},
	.received = received,
	.slot = slot,
	.set_len = set_len,
};

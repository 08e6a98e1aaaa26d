/* SPDX-License-Identifier: Apache-2.0 */
/* libdaqiri, by its public header. */
#include "peers_lib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <daqiri.h>

struct self {
	struct daqiri *dq;
	struct daqiri_rxq *rxq;
	struct daqiri_txq *txq;
	struct daqiri_pkt in[PEERS_MAX_BURST], out[PEERS_MAX_BURST];
	struct daqiri_rx_meta meta[PEERS_MAX_BURST];
	uint64_t completed;
	int count; /* that a call returned */
};

static void need(int good)
{
	if (!good)
		peers_fail("%s", daqiri_error_detail());
}

static struct daqiri_config *make_config(void)
{
	struct daqiri_config *cfg;
	char text[512];
	int len = snprintf(text, sizeof(text),
			   "[port p]\naddress = mlx5_0\nunmatched = queue 0\n"
			   "[rxq p 0]\nkind = host\nnum_bufs = %d\nbuf_size = %d\ndepth = %d\n"
			   "cqe_compression = off\n"
			   "[txq p 0]\nkind = host\nnum_bufs = %d\nbuf_size = %d\ndepth = %d\n",
			   PEERS_DEPTH, PEERS_SLOT, PEERS_DEPTH, PEERS_DEPTH, PEERS_SLOT,
			   PEERS_DEPTH);

	need(!daqiri_config_parse(&cfg, text, (size_t)len, "peers"));
	return cfg;
}

/* The row's options: "SECTION.KEY=VALUE", with a ";" between them */
static int set_options(struct daqiri_config *cfg, const char *options)
{
	char one[128];
	size_t len;
	int ret = 0;

	for (; !ret && *options; options += len + (options[len] == ';')) {
		len = strcspn(options, ";");
		snprintf(one, sizeof(one), "%.*s", (int)len, options);
		ret = daqiri_config_override(cfg, one);
	}
	return ret;
}

static bool open_it(struct peers_rig *rig)
{
	struct daqiri_config *cfg = make_config();
	struct daqiri_rxq_info info = {.size = sizeof(info)};
	struct self *self = peers_zeroed(sizeof(*self));
	struct daqiri_port *port;

	if (set_options(cfg, rig->row->options)) {
		peers_say(rig, "absent", daqiri_error_detail());
		daqiri_config_destroy(cfg);
		free(self);
		return false;
	}
	need(!daqiri_open_config(&self->dq, cfg));
	daqiri_config_destroy(cfg);
	port = daqiri_port_find(self->dq, "p");
	self->rxq = daqiri_rxq_get(port, 0);
	self->txq = daqiri_txq_get(port, 0);
	need(!daqiri_rxq_info(self->rxq, &info));
	peers_say(rig, "chose", info.simd);
	rig->self = self;
	return true;
}

static void close_it(struct peers_rig *rig)
{
	struct self *self = rig->self;

	if (self->completed != rig->sent && rig->sent)
		self->completed = daqiri_tx_completed(self->txq);
	if (self->completed != rig->sent)
		peers_fail("%llu of %llu packets are completed",
			   (unsigned long long)self->completed, (unsigned long long)rig->sent);
	daqiri_close(self->dq);
	free(self);
}

/* ---- counted --------------------------------------------------------------------------------- */

static void reap(struct peers_rig *rig)
{
	struct self *self = rig->self;

	self->completed = daqiri_tx_completed(self->txq);
}

static void receive(struct peers_rig *rig)
{
	struct self *self = rig->self;

	rig->got = (uint32_t)daqiri_rx_poll(self->rxq, self->in, (int)rig->n);
}

static void receive_meta(struct peers_rig *rig)
{
	struct self *self = rig->self;

	rig->got = (uint32_t)daqiri_rx_poll_meta(self->rxq, self->in, self->meta, (int)rig->n);
}

static void reserve(struct peers_rig *rig)
{
	struct self *self = rig->self;

	self->count = daqiri_tx_reserve(self->txq, self->out, (int)rig->n);
}

static void post(struct peers_rig *rig)
{
	struct self *self = rig->self;

	self->count = daqiri_tx_post(self->txq, self->out, (int)rig->n);
}

static void release(struct peers_rig *rig)
{
	struct self *self = rig->self;

	daqiri_rx_release(self->rxq, (int)rig->n);
}

/* ---- not counted ----------------------------------------------------------------------------- */

static struct peers_frame received(struct peers_rig *rig, uint32_t i)
{
	struct self *self = rig->self;

	return (struct peers_frame){(const uint8_t *)(uintptr_t)self->in[i].addr, self->in[i].len};
}

static uint8_t *slot(struct peers_rig *rig, uint32_t i)
{
	struct self *self = rig->self;

	if (self->completed != rig->sent)
		peers_fail("%llu of %llu packets are completed",
			   (unsigned long long)self->completed, (unsigned long long)rig->sent);
	if (self->count != (int)rig->n)
		peers_fail("%d of %u slots are free", self->count, rig->n);
	return (uint8_t *)(uintptr_t)self->out[i].addr;
}

static void set_len(struct peers_rig *rig, uint32_t i, uint32_t len)
{
	struct self *self = rig->self;

	self->out[i].len = len;
}

#define OPS(how)                                                                                   \
	{                                                                                          \
		.open = open_it, .close = close_it,                                                \
		.step = {[PEERS_REAP] = reap,                                                      \
			 [PEERS_RECEIVE] = (how),                                                  \
			 [PEERS_ALLOC] = reserve,                                                  \
			 [PEERS_SEND] = post,                                                      \
			 [PEERS_RECYCLE] = release},                                               \
		.received = received, .slot = slot, .set_len = set_len,                            \
	}

const struct peers_ops peers_daqiri = OPS(receive);
const struct peers_ops peers_daqiri_meta = OPS(receive_meta);

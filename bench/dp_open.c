/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the context that is measured, and finds its rings. */
#include "dp.h"

#include "cpu.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Warm: rings and frames' descriptors stay in a core's first cache. Cold: the completion ring
 * alone, 64 bytes each, is larger than the second cache of most cores.
 */
enum { WARM = 256, COLD = 16384 };

/* Two WQEs of a striding queue, on a device that wants 512 strides in each. */
enum { STRIDES_MIN = 1024, BURST_MAX = 256 };

void dp_fail(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("datapath: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* What each kind of queue has in its section besides. */
static const char *const rx_keys[DP_N_RX] = {
	[DP_RX_PLAIN] = "cqe_compression = off\n",
	[DP_RX_META] = "cqe_compression = off\nmetadata = hash, checksum, vlan, type\n",
	[DP_RX_TIME] = "metadata = timestamp, hash, checksum, vlan, type\n",
	[DP_RX_COUNTER] = "metadata = timestamp, hash, checksum, vlan, type\n",
	[DP_RX_STRIDING] = "cqe_compression = off\nrx_mode = striding\n",
	[DP_RX_SPLIT] = "cqe_compression = off\n",
	[DP_RX_KEEP] = "cqe_compression = off\n",
	[DP_RX_FORWARD] = "cqe_compression = off\nkey = forward p\n",
	[DP_RX_COMPRESSED] = "cqe_compression = on\n",
	[DP_RX_COMPRESSED_META] = "cqe_compression = on\nmetadata = hash, checksum, vlan, type\n",
};
static const char *const tx_keys[DP_N_TX] = {
	[DP_TX_SLOTS] = "",
	[DP_TX_GATHER] = "",
	[DP_TX_INLINE] = "tx_inline = 128\n",
	[DP_TX_LATENCY] = "tx_latency = on\n",
	[DP_TX_BARE] = "",
};

struct queue {
	const char *name;
	uint32_t depth;
	uint32_t bufs;	 /* 0: no region */
	uint32_t header; /* of the first of two regions; 0: a private region */
	const char *more;
};

/* A queue's section: with a private region, or with two. Returns its length. */
static int put_queue(char *text, size_t size, const struct queue *q)
{
	if (!q->bufs)
		return snprintf(text, size, "[%s]\ndepth = %u\n%s", q->name, q->depth, q->more);
	if (!q->header)
		return snprintf(text, size,
				"[%s]\nkind = host\nnum_bufs = %u\nbuf_size = 2K\ndepth = %u\n%s",
				q->name, q->bufs, q->depth, q->more);
	return snprintf(text, size,
			"[region %.3sh]\nkind = host\nnum_bufs = %u\nbuf_size = %u\n"
			"[region %.3sr]\nkind = host\nnum_bufs = %u\nbuf_size = 2K\n"
			"[%s]\nregions = %.3sh, %.3sr\ndepth = %u\n%s",
			q->name, q->bufs, q->header, q->name, q->bufs, q->name, q->name, q->name,
			q->depth, q->more);
}

/* A lap's packets, twice where the next lap begins before all are given back. */
static struct queue rx_queue(unsigned kind, const char *name, uint32_t depth, uint32_t lap)
{
	struct queue q = {.name = name, .depth = depth, .more = rx_keys[kind]};

	if (kind == DP_RX_STRIDING && depth < STRIDES_MIN)
		q.depth = STRIDES_MIN;
	if (kind == DP_RX_FORWARD)
		q.depth = 2 * lap;
	q.bufs = q.depth + (kind == DP_RX_KEEP ? BURST_MAX : 0);
	q.header = kind == DP_RX_SPLIT ? DP_SPLIT : 0;
	return q;
}

/*
 * Twice as many send slots as a lap has packets: a lap begins before the last one is reaped. clock:
 * of DP_RX_COUNTER.
 */
static struct daqiri_config *make_config(const struct dp_options *options, uint32_t lap,
					 const char *clock)
{
	const struct queue tx = {.name = "txq p 0",
				 .depth = 2 * lap,
				 .bufs = options->send == DP_TX_BARE ? 0 : 2 * lap,
				 .header = options->send == DP_TX_GATHER ? DP_SPLIT : 0,
				 .more = tx_keys[options->send]};
	struct daqiri_config *cfg;
	char text[4096], name[16];
	int len = snprintf(text, sizeof(text), "[daqiri]\nsimd = %s\n[port p]\naddress = %s\n",
			   options->simd, options->device);

	len += put_queue(text + len, sizeof(text) - (size_t)len, &tx);
	for (unsigned i = 0; i < DP_N_RX; i++) {
		struct queue q = rx_queue(i, name, options->cold ? 2 * lap : lap, lap);

		snprintf(name, sizeof(name), "rxq p %u", i);
		len += put_queue(text + len, sizeof(text) - (size_t)len, &q);
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%s",
				i == DP_RX_COUNTER ? clock : "");
	}
	if (daqiri_config_parse(&cfg, text, (size_t)len, "datapath"))
		dp_fail("%s", daqiri_error_detail());
	return cfg;
}

static void find_rx_ring(struct daqiri_rxq *rxq, struct dp_rx_ring *ring)
{
	struct mlx5dv_cq cq = {0};
	struct mlx5dv_rwq rwq = {0};
	struct mlx5dv_obj obj = {.cq = {.in = daqiri_rxq_ibv_cq(rxq), .out = &cq},
				 .rwq = {.in = daqiri_rxq_ibv_wq(rxq), .out = &rwq}};

	if (mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ | MLX5DV_OBJ_RWQ))
		dp_fail("the receive rings are not accessible");
	*ring = (struct dp_rx_ring){.cqes = cq.buf,
				    .cq_dbrec = cq.dbrec,
				    .rq_dbrec = rwq.dbrec,
				    .wqes = rwq.buf,
				    .wqe_size = rwq.stride,
				    .depth = cq.cqe_cnt,
				    .per_wqe = cq.cqe_cnt / rwq.wqe_cnt};
	if (cq.cqe_cnt % rwq.wqe_cnt || cq.cqe_size != sizeof(*ring->cqes) ||
	    (rwq.stride == sizeof(struct mlx5_wqe_data_seg) && ring->per_wqe != 1))
		dp_fail("the completion ring has %u entries of %u bytes for %u WQEs of %u",
			cq.cqe_cnt, cq.cqe_size, rwq.wqe_cnt, rwq.stride);
}

static void find_tx_ring(struct dp_rig *rig)
{
	struct mlx5dv_cq cq = {0};
	struct mlx5dv_qp qp = {0};
	struct mlx5dv_obj obj = {.cq = {.in = daqiri_txq_ibv_cq(rig->txq), .out = &cq},
				 .qp = {.in = daqiri_txq_ibv_qp(rig->txq), .out = &qp}};

	if (mlx5dv_init_obj(&obj, MLX5DV_OBJ_CQ | MLX5DV_OBJ_QP))
		dp_fail("the send rings are not accessible");
	rig->tx = (struct dp_tx_ring){.wqebbs = qp.sq.buf,
				      .cqes = cq.buf,
				      .cq_dbrec = cq.dbrec,
				      .sq_dbrec = qp.dbrec + MLX5_SND_DBR,
				      .bf = qp.bf.reg,
				      .bf_half = qp.bf.size,
				      .depth = qp.sq.wqe_cnt,
				      .cq_depth = cq.cqe_cnt};
	if (cq.cqe_size != sizeof(*rig->tx.cqes))
		dp_fail("completions have %u bytes, not 64", cq.cqe_size);
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void *map_shared(size_t size)
{
	void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (addr == MAP_FAILED)
		dp_fail("no memory");
	return addr;
}

static void *zeroed(size_t n, size_t size)
{
	void *addr = calloc(n, size);

	if (!addr)
		dp_fail("no memory");
	return addr;
}

/* The last core that may be used, and the one before it. */
static void choose_cpus(struct dp_rig *rig)
{
	rig->cpu = perf_cpu_below(PERF_MAX_CPU);
	rig->other_cpu = perf_cpu_below(rig->cpu);
}

static int try_open(struct dp_rig *rig, const struct dp_options *options, const char *clock)
{
	struct daqiri_config *cfg = make_config(options, rig->lap, clock);
	int ret = daqiri_open_config(&rig->dq, cfg);

	daqiri_config_destroy(cfg);
	return ret;
}

static enum dp_stamps stamps_of(const struct daqiri_rxq *rxq)
{
	struct daqiri_rxq_info info = {.size = sizeof(info)};

	if (daqiri_rxq_info(rxq, &info))
		dp_fail("%s", daqiri_error_detail());
	if (!info.clock)
		return DP_UNTIMED;
	return strcmp(info.clock, "free") ? DP_REAL_TIME : DP_FREE_COUNTER;
}

static void find_clock(struct dp_rig *rig)
{
	for (unsigned i = 0; i < DP_N_RX; i++)
		rig->rings[i].stamps = stamps_of(rig->rxqs[i]);
	if (rig->rings[DP_RX_COUNTER].stamps == DP_FREE_COUNTER &&
	    mlx5dv_get_clock_info(daqiri_port_ibv_context(daqiri_port_find(rig->dq, "p")),
				  &rig->clock))
		dp_fail("the device's clock cannot be read");
}

static void open_context(struct dp_rig *rig, const struct dp_options *options)
{
	struct daqiri_rxq_info info = {.size = sizeof(info)};
	struct mlx5dv_context dv = {0};
	struct daqiri_port *port;

	/* Some devices have no free-running clock. */
	if (try_open(rig, options, "clock = free\n") && try_open(rig, options, ""))
		dp_fail("%s", daqiri_error_detail());
	port = daqiri_port_find(rig->dq, "p");
	for (unsigned i = 0; i < DP_N_RX; i++)
		rig->rxqs[i] = daqiri_rxq_get(port, i);
	rig->txq = daqiri_txq_get(port, 0);
	if (daqiri_rxq_info(rig->rxqs[0], &info))
		dp_fail("%s", daqiri_error_detail());
	rig->isa = info.simd;
	if (mlx5dv_query_device(daqiri_port_ibv_context(port), &dv))
		dp_fail("the device cannot be queried");
	rig->empw = dv.flags & MLX5DV_CONTEXT_FLAGS_ENHANCED_MPW;
}

/* Packets with frames in them take three entries of a send ring each, and no ring has more. */
static uint32_t lap_of(const struct dp_options *options)
{
	if (!options->cold)
		return WARM;
	return options->send == DP_TX_INLINE ? COLD / 4 : COLD;
}

void dp_open(struct dp_rig *rig, const struct dp_options *options)
{
	*rig = (struct dp_rig){.cold = options->cold,
			       .send = options->send,
			       .lap = lap_of(options),
			       .isa = "portable"};
	choose_cpus(rig);
	open_context(rig, options);
	for (unsigned i = 0; i < DP_N_RX; i++) {
		find_rx_ring(rig->rxqs[i], &rig->rings[i]);
		rig->rings[i].compressed = i == DP_RX_COMPRESSED || i == DP_RX_COMPRESSED_META;
	}
	find_clock(rig);
	find_tx_ring(rig);
	rig->in = zeroed(rig->lap, sizeof(*rig->in));
	rig->meta = zeroed(rig->lap, sizeof(*rig->meta));
	rig->out = zeroed(rig->lap, sizeof(*rig->out));
	rig->place = zeroed(rig->lap, sizeof(*rig->place));
	rig->in_rest = zeroed(rig->lap, sizeof(*rig->in_rest));
	rig->out_rest = zeroed(rig->lap, sizeof(*rig->out_rest));
	rig->shared = map_shared(sizeof(*rig->shared));
	rig->doorbell = map_shared(page_size());
}

void dp_close(struct dp_rig *rig)
{
	daqiri_close(rig->dq);
	free(rig->in);
	free(rig->meta);
	free(rig->out);
	free(rig->place);
	free(rig->in_rest);
	free(rig->out_rest);
}

void dp_detach(struct dp_rig *rig)
{
	size_t size = page_size();
	void *page = (void *)((uintptr_t)rig->tx.bf & ~(uintptr_t)(size - 1));

	if (mremap(rig->doorbell, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, page) != page)
		dp_fail("the doorbell page cannot be replaced");
	rig->doorbell = page;
	if (rig->cpu >= 0 && perf_cpu_pin_self(rig->cpu))
		dp_fail("core %d cannot be used", rig->cpu);
}

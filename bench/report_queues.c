/* SPDX-License-Identifier: Apache-2.0 */
/* With -v: the queues as they were made. */
#include "report.h"

static void print_metadata(FILE *f, uint32_t metadata)
{
	static const char *const names[] = {"timestamp", "hash", "checksum", "vlan", "type"};
	const char *before = ": metadata ";

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(metadata & 1u << i))
			continue;
		fprintf(f, "%s%s", before, names[i]);
		before = ",";
	}
}

/* What frames have besides their bytes, or lack of them. */
static void print_extras(FILE *f, const struct perf_end *end, const struct daqiri_rxq_info *info)
{
	if (!info->metadata && !info->vlan_strip)
		return;
	fprintf(f, "rxq %s %u", end->port, end->queue);
	print_metadata(f, info->metadata);
	if (info->vlan_strip)
		fprintf(f, "%c VLAN tags taken out", info->metadata ? ';' : ':');
	fputc('\n', f);
}

static void print_rxq(FILE *f, const struct perf_end *end, const struct daqiri_rxq *q)
{
	struct daqiri_rxq_info info = {.size = sizeof(info)};

	if (daqiri_rxq_info(q, &info))
		return;
	fprintf(f, "rxq %s %u: depth %u, %u spares, %s, rx_mode %s, cqe_compression %s (%s)\n",
		end->port, end->queue, info.depth, info.spares, info.simd, info.rx_mode,
		info.cqe_compression, info.why);
	if (info.split)
		fprintf(f, "rxq %s %u: frames of up to %u bytes are split at %u\n", end->port,
			end->queue, info.buf_size, info.split);
	if (info.clock)
		fprintf(f, "rxq %s %u: clock %s (%s)\n", end->port, end->queue, info.clock,
			info.clock_why);
	print_extras(f, end, &info);
}

static void print_txq(FILE *f, const struct perf_end *end, const struct daqiri_txq *q)
{
	struct daqiri_txq_info info = {.size = sizeof(info)};

	if (daqiri_txq_info(q, &info))
		return;
	fprintf(f, "txq %s %u: depth %u, %s, tx_mode %s", end->port, end->queue, info.depth,
		info.simd, info.tx_mode);
	if (info.tx_inline)
		fprintf(f, ", inline up to %u bytes", info.tx_inline);
	fprintf(f, "%s (%s)\n", info.latency ? ", latency" : "", info.why);
}

void perf_report_queues(FILE *f, const struct perf_run *run)
{
	for (unsigned i = 0; i < run->n_txqs; i++)
		print_txq(f, &run->txqs[i].end, run->txqs[i].q);
	for (unsigned i = 0; i < run->n_rxqs; i++)
		print_rxq(f, &run->rxqs[i].end, run->rxqs[i].q);
	for (unsigned i = 0; i < run->n_forwards; i++) {
		const struct perf_forward *fw = &run->forwards[i];

		print_rxq(f, &fw->stream->rx, fw->rx);
		if (fw->tx)
			print_txq(f, &fw->stream->tx, fw->tx);
	}
}

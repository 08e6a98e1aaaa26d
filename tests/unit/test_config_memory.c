/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration takes besides packet memory. */
#include <criterion/criterion.h>

#include <daqiri.h>

#define PORT "[port p]\naddress = eth0\n"

/* Rings: 80 bytes for each WQE and CQE; of a send queue 128. */
Test(resolve, queues_tell_what_they_take_besides_packet_memory)
{
	static const char text[] =
		PORT "[region m]\nkind = host\nnum_bufs = 1024\nbuf_size = 2K\n[region w]\n"
		     "kind = host\nnum_bufs = 1024\nbuf_size = 2K\n[region s]\nkind = host\n"
		     "num_bufs = 2048\nbuf_size = 2K\n"
		     "[rxq p 0]\nregions = m\ndepth = 1024\n[txq p 3]\n"
		     "depth = 2048\n[rxq p 1]\nregions = w\ndepth = 1024\nmode = worker\n"
		     "cpu_core = 1\n[rxq p 2]\nregions = s\nrx_mode = striding\n"
		     "depth = 1024\n";
	struct daqiri_config *cfg = NULL;
	uint64_t bytes, worker;

	cr_assert_eq(daqiri_config_parse(&cfg, text, sizeof(text) - 1, "t.ini"), 0);
	bytes = daqiri_config_queue_memory(cfg, "rxq p 0");
	cr_expect_gt(bytes, 1024 * (80 + 16), "%llu", (unsigned long long)bytes);
	cr_expect_lt(bytes, 1024 * (80 + 24) + 4096, "%llu", (unsigned long long)bytes);
	worker = daqiri_config_queue_memory(cfg, "rxq p 1");
	cr_expect_geq(worker, bytes + 1024 * 16);
	cr_expect_lt(daqiri_config_queue_memory(cfg, "rxq p 2"), bytes);
	bytes = daqiri_config_queue_memory(cfg, "txq p 3");
	cr_expect_gt(bytes, 2048 * (128 + 16), "%llu", (unsigned long long)bytes);
	cr_expect_lt(bytes, 2048 * (128 + 16) + 4096, "%llu", (unsigned long long)bytes);
	cr_expect_eq(daqiri_config_queue_memory(cfg, "rxq p 3"), 0);
	cr_expect_str_eq(daqiri_error_detail(), "[rxq p 3]: there is no such queue");
	daqiri_config_destroy(cfg);
}

/* Frames that are split take a second entry of 16 bytes in each WQE. */
Test(resolve, a_queue_that_splits_takes_longer_wqes)
{
	static const char text[] = PORT "[region h]\nkind = host\nnum_bufs = 1024\nbuf_size = 128\n"
					"[region m]\nkind = host\nnum_bufs = 2048\nbuf_size = 2K\n"
					"[rxq p 0]\nregions = h, m\ndepth = 1024\n"
					"[rxq p 1]\nregions = m\ndepth = 1024\n";
	struct daqiri_config *cfg = NULL;
	uint64_t split, whole;

	cr_assert_eq(daqiri_config_parse(&cfg, text, sizeof(text) - 1, "t.ini"), 0);
	split = daqiri_config_queue_memory(cfg, "rxq p 0");
	whole = daqiri_config_queue_memory(cfg, "rxq p 1");
	cr_expect_geq(split, whole + 1024 * 16);
	cr_expect_leq(split, whole + 1024 * 16 + 128);
	daqiri_config_destroy(cfg);
}

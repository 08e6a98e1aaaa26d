/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration takes besides packet memory. */
#include <criterion/criterion.h>
#include <stdio.h>

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

static uint64_t of_striding(unsigned num_bufs, const char *buf_size, unsigned depth)
{
	struct daqiri_config *cfg = NULL;
	char text[512];
	uint64_t bytes;
	int len = snprintf(text, sizeof(text),
			   PORT "[region m]\nkind = host\nnum_bufs = %u\nbuf_size = %s\n"
				"[rxq p 0]\nregions = m\nrx_mode = striding\ndepth = %u\n",
			   num_bufs, buf_size, depth);

	cr_assert_eq(daqiri_config_parse(&cfg, text, (size_t)len, "t.ini"), 0);
	bytes = daqiri_config_queue_memory(cfg, "rxq p 0");
	cr_assert_gt(bytes, 0u, "%s", daqiri_error_detail());
	daqiri_config_destroy(cfg);
	return bytes;
}

/* Of each buffer of 64 strides: four numbers of 4 bytes, and a bit for each stride. */
Test(resolve, what_tells_of_kept_packets_is_counted)
{
	uint64_t few = of_striding(1024, "2K", 1024), more = of_striding(1024 + 64 * 1000, "2K", 1024);

	cr_expect_eq(more - few, 1000u * (4 * 4 + 8), "%llu", (unsigned long long)(more - few));
	/* 1024 completions, 16 WQEs with an address and two numbers, 16 buffers and no spare. */
	cr_expect_gt(few, 1024u * 64 + 16 * (32 + 16) + 16 * (3 * 4 + 8));
	cr_expect_lt(few, 1024u * 64 + 16 * (32 + 16) + 16 * (3 * 4 + 8) + 2048);
}

Test(resolve, buffers_of_a_striding_queue_are_counted_in_strides)
{
	uint64_t few = of_striding(1024, "9018", 1024), more = of_striding(1024 + 64, "9018", 1024);

	/* Strides of 2048 in slots of 9024, and 64 in a buffer. */
	cr_expect_eq(more - few, 64u * 9024 / 2048 / 64 * (4 * 4 + 8), "%llu",
		     (unsigned long long)(more - few));
}

static uint64_t with_keys(const char *keys)
{
	struct daqiri_config *cfg = NULL;
	uint64_t bytes;
	char text[256];
	int len = snprintf(text, sizeof(text),
			   PORT "[rxq p 0]\nkind = host\nnum_bufs = 64\nbuf_size = 2K\n%s", keys);

	cr_assert_eq(daqiri_config_parse(&cfg, text, (size_t)len, "t.ini"), 0);
	bytes = daqiri_config_queue_memory(cfg, "rxq p 0");
	daqiri_config_destroy(cfg);
	return bytes;
}

Test(resolve, a_clock_takes_some_bytes)
{
	uint64_t without = with_keys("cqe_compression = off\n");
	uint64_t with = with_keys("metadata = timestamp\n");

	cr_expect_gt(with, without);
	cr_expect_lt(with, without + 512);
	cr_expect_eq(with_keys("metadata = timestamp\nclock = free\n"), with);
	cr_expect_eq(with_keys("metadata = timestamp\nclock = real\n"), without);
}

Test(resolve, what_is_read_of_compressed_completions_takes_some_bytes)
{
	uint64_t without = with_keys("cqe_compression = off\n"), with = with_keys("");

	cr_expect_gt(with, without);
	cr_expect_lt(with, without + 512);
	cr_expect_eq(with_keys("cqe_compression = on\n"), with);
}

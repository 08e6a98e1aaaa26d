/* SPDX-License-Identifier: Apache-2.0 */
/* Queues with two regions. */
#include "bad_config.h"
#include "config_model.h"
#include "resolve_text.h"

#define PORT  "[port p]\naddress = eth0\n"
#define HEADS "[region h]\nkind = host\nnum_bufs = 64\nbuf_size = 128\n"
#define REST  "[region r]\nkind = device\nnum_bufs = 64\nbuf_size = 2K\n"

Test(config_split, a_queue_has_both_regions_and_where_to_split)
{
	struct dq_conf *conf = resolve(HEADS REST PORT "[rxq p 0]\nregions = h, r\nsplit = 64\n");

	cr_expect_eq(conf->rxqs[0].region, 0);
	cr_expect_eq(conf->rxqs[0].payload, 1);
	cr_expect_eq(conf->rxqs[0].split, 64);
	dq_conf_free(conf);
	conf = resolve(REST HEADS PORT "[rxq p 0]\nregions = h,r\n");
	cr_expect_eq(conf->rxqs[0].region, 1);
	cr_expect_eq(conf->rxqs[0].payload, 0);
	cr_expect_eq(conf->rxqs[0].split, 128, "auto: all that a header's buffer holds");
	dq_conf_free(conf);
	conf = resolve(HEADS PORT "[rxq p 0]\nregions = h\nsplit = auto\n");
	cr_expect_eq(conf->rxqs[0].payload, -1);
	cr_expect_eq(conf->rxqs[0].split, 0);
	dq_conf_free(conf);
}

/* Whichever region has less decides, and what it leaves are spares of both. */
Test(config_split, depth_and_spares_are_what_both_regions_give)
{
	struct dq_conf *conf =
		resolve("[region h]\nkind = host\nnum_bufs = 1000\nbuf_size = 128\n"
			"[region r]\nkind = host\nnum_bufs = 300\nbuf_size = 2K\n" PORT
			"[rxq p 0]\nregions = h, r\n");

	cr_expect_eq(conf->rxqs[0].depth, 256);
	cr_expect_eq(conf->rxqs[0].spares, 44);
	dq_conf_free(conf);
	conf = resolve("[region r]\nkind = host\nnum_bufs = 1000\nbuf_size = 2K\n"
		       "[region h]\nkind = host\nnum_bufs = 70\nbuf_size = 128\n" PORT
		       "[rxq p 0]\nregions = h, r\n");
	cr_expect_eq(conf->rxqs[0].depth, 64);
	cr_expect_eq(conf->rxqs[0].spares, 6);
	dq_conf_free(conf);
}

Test(config_split, slots_of_both_regions_are_dealt_in_file_order)
{
	struct dq_conf *conf =
		resolve("[region h]\nkind = host\nnum_bufs = 300\nbuf_size = 128\n"
			"[region r]\nkind = host\nnum_bufs = 210\nbuf_size = 2K\n" PORT
			"[txq p 1]\nregions = h\ndepth = 128\n"
			"[rxq p 0]\nregions = h, r\ndepth = 64\n"
			"[txq p 0]\nregions = h, r\ndepth = 64\n"
			"[rxq p 1]\nregions = r\ndepth = 64\n");

	cr_expect_eq(conf->txqs[0].first_slot, 0);
	cr_expect_eq(conf->rxqs[0].first_slot, 128);
	cr_expect_eq(conf->rxqs[0].spares, 9, "(210 - 3 * 64) / 2, and more headers than that");
	cr_expect_eq(conf->rxqs[0].payload_slot, 0);
	cr_expect_eq(conf->txqs[1].first_slot, 128 + 64 + 9);
	cr_expect_eq(conf->txqs[1].payload_slot, 64 + 9);
	cr_expect_eq(conf->txqs[1].num_slots, 64);
	cr_expect_eq(conf->rxqs[1].first_slot, 2 * 64 + 9);
	cr_expect_eq(conf->rxqs[1].spares, 9);
	dq_conf_free(conf);
}

static const struct bad_config rules[] = {
	BAD("a second region that is not there", HEADS REST PORT "[rxq p 0]\nregions = h, x\n",
	    "bad.ini:12: [rxq p 0] regions=h, x: there is no [region x]; did you mean h?"),
	BAD("a split of one region", HEADS PORT "[rxq p 0]\nregions = h\nsplit = 64\n",
	    "bad.ini:9: [rxq p 0] split=64: the queue has no region for payloads: give it regions "
	    "= HEADER,PAYLOAD; allowed auto"),
	BAD("a split behind a header's buffer",
	    HEADS REST PORT "[rxq p 0]\nregions = h,r\nsplit = 129\n",
	    "bad.ini:13: [rxq p 0] split=129: more than a buffer of the headers' region h holds; "
	    "allowed auto, 1..128"),
	BAD("headers on a GPU", HEADS REST PORT "[rxq p 0]\nregions = r,h\n",
	    "bad.ini:12: [rxq p 0] regions=r,h: headers are for the CPU, and the first region, r, "
	    "is memory of a GPU; allowed HEADER,PAYLOAD with a HEADER of kind host, huge, "
	    "host_pinned or app"),
	BAD("strides that are split",
	    HEADS REST PORT "[rxq p 0]\nregions = h,r\nrx_mode = striding\n",
	    "bad.ini:13: [rxq p 0] rx_mode=striding: a WQE of many packets has no place for the "
	    "headers' region: frames are split with one WQE each; allowed auto, cyclic"),
	BAD("a worker that gathers",
	    HEADS REST PORT "[txq p 0]\nregions = h,r\nmode = worker\ncpu_core = 0\n",
	    "bad.ini:13: [txq p 0] mode=worker: with mode = worker packets are handed over as one "
	    "piece, and the queue has two regions; allowed direct"),
	BAD("fewer payloads than headers",
	    HEADS REST PORT "[rxq p 0]\nregions = h,r\ndepth = 128\n",
	    "bad.ini:3: [region h] num_bufs=64: less than the sum of its queues' depths, 128; must "
	    "be at least 128"),
	BAD("two queues that would have too few payloads",
	    "[region h]\nkind = host\nnum_bufs = 128\nbuf_size = 128\n" REST PORT
	    "[rxq p 0-1]\nregions = h,r\n",
	    "bad.ini:7: [region r] num_bufs=64: leaves each queue less than 64 buffers; must be at "
	    "least 128"),
	BAD("a stream of frames too long for both",
	    HEADS REST PORT "[rxq p 0]\nregions = h,r\nsplit = 64\n"
			    "[stream s]\nrx = p 0\nsize = 64,2113\n",
	    "bad.ini:16: [stream s] size=64,2113: longer than what goes to bad.ini:1: [region h] "
	    "and the buf_size of bad.ini:5: [region r]; allowed up to 2112"),
};

Test(bad_config, split)
{
	EXPECT_REFUSED(rules);
}

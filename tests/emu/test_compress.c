/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues whose completions the device compresses: as many packets at once as the device makes a
 * session of, polled in every portion, with metadata and without, kept, forwarded to nobody, reset
 * amid a session. With --fault no-compression the device cannot.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "dq_kit.h"
#include "frames.h"

#define LINK(head, keys)                                                                           \
	head PORTS "[txq a 0]\nregions = tx\ndepth = 512\n"                                        \
		   "[rxq b 0]\nregions = rx\ndepth = 512\n" keys "[flow b all]\ndst_mac = " MAC_B  \
		   "\nqueue = 0\ntag = 77\n"
#define ON "cqe_compression = on\n"

static const char *compression_of(const struct daqiri_rxq *q)
{
	struct daqiri_rxq_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_rxq_info(q, &info), 0);
	return info.cqe_compression;
}

static bool the_device_can(void)
{
	struct link l = kit_open_link(LINK("", ""));
	bool can = !strcmp(compression_of(l.rx), "on");

	daqiri_close(l.dq);
	return can;
}

/* All n packets, whose numbers count from first, in polls of at most max. */
static void expect(struct daqiri_rxq *q, uint32_t first, uint32_t n, int max)
{
	struct daqiri_pkt pkts[512];
	int64_t end = kit_deadline();
	uint32_t number;

	for (uint32_t seen = 0; seen < n;) {
		int got = daqiri_rx_poll(q, pkts, max);

		cr_assert_geq(got, 0, "%s", daqiri_error_detail());
		cr_assert_not(!got && kit_is_late(end), "%u of %u came", seen, n);
		for (int i = 0; i < got; i++, seen++) {
			cr_assert_eq(pkts[i].len, 60 + (first + seen) % 100);
			cr_assert_eq(daqiri_key_flow(pkts[i].key), 77u);
			cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
			cr_assert_eq(number, first + seen);
		}
		daqiri_rx_release(q, got);
	}
}

/* Bursts go round the ring many times, and end anywhere in it. */
static void portions(const char *text)
{
	static const int maxima[] = {1, 3, 7, 8, 9, 16, 31, 64, 100, 512};
	struct link l = kit_open_link(text);
	uint32_t first = 0;

	for (unsigned i = 0; i < sizeof(maxima) / sizeof(maxima[0]); i++)
		for (uint32_t n = 1; n < 400; n = n * 2 + 3, first += n) {
			struct kit_burst burst = {
				.first = first, .n = n, .min = 60, .max = 159, .dst = MAC_B};

			kit_send(l.tx, &burst);
			expect(l.rx, first, n, maxima[i]);
		}
	daqiri_close(l.dq);
}

Test(compress, every_portion_of_every_burst)
{
	portions(LINK("", ""));
	portions(LINK("[daqiri]\nsimd = portable\n", ""));
	portions(LINK("[daqiri]\nsimd = sse42\n", ""));
	portions(LINK("", "rx_mode = striding\n"));
	portions(LINK("", "cqe_compression = off\n"));
}

/* ---- metadata -------------------------------------------------------------------------------- */

/* Like their numbers: protocols change seldom, hashes always, checksums are wrong now and then. */
static struct frame *frame_of(unsigned number)
{
	static struct frame f;

	fr_ether(&f, MAC_B, MAC_A, 0x0800);
	fr_ipv4(&f, 17, "10.1.2.3", "10.4.5.6");
	fr_udp(&f, 4000 + number % 512, 5000);
	fr_payload(&f, 20 + number % 64);
	fr_finish(&f);
	f.b[f.len - 1] ^= number % 37 == 0;
	return &f;
}

enum { BURST = 300 };

static void told(const char *text, struct daqiri_rx_meta *meta)
{
	struct link l = kit_open_link(text);
	struct daqiri_pkt pkts[BURST];
	int64_t end = kit_deadline();
	int n = 0;

	cr_assert_eq(daqiri_tx_reserve(l.tx, pkts, BURST), BURST);
	for (unsigned i = 0; i < BURST; i++) {
		const struct frame *f = frame_of(i);

		memcpy((void *)(uintptr_t)pkts[i].addr, f->b, f->len);
		pkts[i].len = f->len;
	}
	kit_post_all(l.tx, pkts, BURST);
	while (n < BURST) {
		int got = daqiri_rx_poll_meta(l.rx, pkts + n, meta + n,
					      BURST - n < 29 ? BURST - n : 29);

		cr_assert_geq(got, 0, "%s", daqiri_error_detail());
		cr_assert_not(!got && kit_is_late(end), "%d of %d came", n, BURST);
		n += got;
	}
	for (unsigned i = 0; i < BURST; i++)
		cr_assert_eq(pkts[i].len, frame_of(i)->len);
	daqiri_rx_release(l.rx, BURST);
	daqiri_close(l.dq);
}

Test(compress, metadata_is_the_same_as_without)
{
	static const char *const texts[] = {
		LINK("", "metadata = hash, checksum, vlan, type\n"),
		LINK("[daqiri]\nsimd = portable\n", "metadata = hash, checksum, vlan, type\n"),
		LINK("", "rx_mode = striding\nmetadata = hash, checksum, vlan, type\n"),
		LINK("", "rx_mode = striding\nmetadata = checksum, vlan, type\n"),
	};
	struct daqiri_rx_meta want[BURST], is[BURST];

	told(LINK("", "cqe_compression = off\nmetadata = hash, checksum, vlan, type\n"), want);
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		memset(is, 0xa5, sizeof(is));
		told(texts[i], is);
		for (unsigned k = 0; k < BURST; k++) {
			cr_assert_eq(is[k].hash, i == 3 ? 0 : want[k].hash, "%u, %u", i, k);
			cr_assert_eq(is[k].flow, 77u);
			cr_assert_eq(is[k].checksum, want[k].checksum, "%u, %u", i, k);
			cr_assert_eq(is[k].type, want[k].type);
			cr_assert_eq(is[k].vlan_tci, 0);
			cr_assert_eq(is[k].time_ns, 0u);
			cr_assert_eq(is[k].reserved, 0u);
		}
		cr_assert_neq(want[1].hash, want[2].hash);
	}
}

/* ---- with the rest --------------------------------------------------------------------------- */

Test(compress, kept_packets_stay_where_they_are)
{
	struct kit_burst burst = {.n = 64, .min = 60, .max = 159, .dst = MAC_B};
	struct link l = kit_open_link(LINK("", ""));
	struct daqiri_pkt pkts[64], kept[10];
	uint32_t number, n_kept = 0;

	for (; burst.first < 10 * 64; burst.first += 64) {
		kit_send(l.tx, &burst);
		cr_assert_eq(kit_receive(l.rx, pkts, 64), 64);
		for (uint32_t i = 0; i < 64; i++) {
			cr_assert(kit_check((void *)(uintptr_t)pkts[i].addr, pkts[i].len, &number));
			cr_assert_eq(number, burst.first + i);
		}
		cr_assert_eq(daqiri_rx_keep(l.rx, &pkts[7 + n_kept], 1), 1);
		kept[n_kept] = pkts[7 + n_kept];
		n_kept++;
		daqiri_rx_release(l.rx, 64);
	}
	for (uint32_t i = 0; i < n_kept; i++) {
		cr_assert(kit_check((void *)(uintptr_t)kept[i].addr, kept[i].len, &number));
		cr_assert_eq(number, i * 64 + 7 + i);
	}
	cr_assert_eq(daqiri_rx_give_back(l.rx, kept, (int)n_kept), (int)n_kept);
	daqiri_close(l.dq);
}

/* Some of a session is polled, and then the queue begins anew. */
static void reset_amid(const char *text)
{
	struct kit_burst burst = {.n = 100, .min = 60, .max = 159, .dst = MAC_B};
	struct link l = kit_open_link(text);
	struct daqiri_pkt pkts[3];

	for (unsigned round = 0; round < 12; round++) {
		kit_send(l.tx, &burst);
		kit_wait_sent(l.tx, 100ull * (2 * round + 1));
		cr_assert_eq(kit_receive(l.rx, pkts, 3), 3);
		cr_assert_eq(daqiri_rxq_reset(l.rx, DAQIRI_RESET_INVALIDATE), 0, "%s",
			     daqiri_error_detail());
		kit_send(l.tx, &burst);
		expect(l.rx, 0, 100, 64);
	}
	cr_assert_eq(kit_port_stat(l.b, "rx_packets") + kit_port_stat(l.b, "rx_reset_drops"),
		     12u * 200);
	daqiri_close(l.dq);
}

Test(compress, a_reset_amid_a_session_accounts_for_the_rest)
{
	reset_amid(LINK("", ""));
	reset_amid(LINK("", "rx_mode = striding\n"));
}

Test(compress, a_sleeper_is_not_left_with_half_a_session)
{
	struct kit_burst burst = {.n = 20, .min = 60, .max = 159, .dst = MAC_B};
	struct link l = kit_open_link(LINK("", ""));
	struct daqiri_pkt pkts[20];

	kit_send(l.tx, &burst);
	kit_wait_sent(l.tx, 20);
	cr_assert_eq(kit_receive(l.rx, pkts, 5), 5);
	cr_assert_eq(daqiri_rxq_arm(l.rx), 1, "15 packets are there");
	cr_assert_eq(kit_receive(l.rx, pkts + 5, 15), 15);
	cr_assert_eq(daqiri_rxq_arm(l.rx), 0);
	daqiri_rx_release(l.rx, 20);
	daqiri_close(l.dq);
}

/* ---- what is told, and refused --------------------------------------------------------------- */

static void expect_info(const char *text, const char *compression, const char *why)
{
	struct link l = kit_open_link(text);
	struct daqiri_rxq_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_rxq_info(l.rx, &info), 0);
	cr_expect_str_eq(info.cqe_compression, compression);
	cr_expect(strstr(info.why, why), "\"%s\" is not in: %s", why, info.why);
	daqiri_close(l.dq);
}

Test(compress, the_choice_and_its_reason_are_told)
{
	if (the_device_can()) {
		expect_info(LINK("", ""), "on", "cqe_compression=auto: the device can");
		expect_info(LINK("", ON), "on", "cqe_compression=on was asked for");
	} else {
		expect_info(LINK("", ""), "off", "cqe_compression=auto: the device cannot");
	}
	expect_info(LINK("", "rx_mode = striding\nmetadata = hash\n"), "off",
		    "on a striding queue they tell no hash");
	expect_info(LINK("", "cqe_compression = off\n"), "off",
		    "cqe_compression=off was asked for");
}

Test(compress, a_device_that_cannot_is_told_so)
{
	if (the_device_can())
		return;
	cr_assert_eq(kit_try_text(LINK("", ON)), -EOPNOTSUPP);
	assert_detail("[rxq b 0] cqe_compression=on: ");
	assert_detail(" compresses no completions that tell hashes");
	cr_assert_eq(kit_try_text(LINK("", ON "rx_mode = striding\n")), -EOPNOTSUPP);
	assert_detail("strides, as rx_mode=striding needs");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "../../bench/parse.h"

static void rate_is(const char *text, double value, bool bits)
{
	struct perf_rate r;

	cr_assert_eq(perf_parse_rate(text, &r), 0, "%s", text);
	cr_assert_float_eq(r.value, value, value * 1e-12, "%s", text);
	cr_assert_eq(r.bits, bits, "%s", text);
}

Test(rate, number_alone_is_packets_per_second)
{
	rate_is("300000", 300000, false);
	rate_is("300k", 300e3, false);
	rate_is("1.5M", 1.5e6, false);
	rate_is("2Gpps", 2e9, false);
}

Test(rate, bps_means_bits)
{
	rate_is("10Gbps", 10e9, true);
	rate_is("64bps", 64, true);
	rate_is("2.5 Gbps", 2.5e9, true);
}

Test(rate, max_is_no_limit)
{
	rate_is("max", 0, false);
}

Test(rate, nonsense_is_refused_and_changes_nothing)
{
	static const char *const bad[] = { "", "k", "-1", "0", "1x", "1kk", "1Mb", "1.2.3", "fast",
					   "1e6", "maximum", "99999G" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct perf_rate r = { 7, true };

		cr_assert_eq(perf_parse_rate(bad[i], &r), -EINVAL, "%s", bad[i]);
		cr_assert(r.value == 7 && r.bits, "%s", bad[i]);
	}
}

Test(sizes, one_and_a_list)
{
	struct perf_sizes s;

	cr_assert_eq(perf_parse_sizes("64", &s), 0);
	cr_assert(s.n == 1 && s.v[0] == 64);
	cr_assert_eq(perf_parse_sizes("60, 128,1514", &s), 0);
	cr_assert(s.n == 3 && s.v[0] == 60 && s.v[1] == 128 && s.v[2] == 1514);
}

Test(sizes, units_and_hexadecimal_are_those_of_the_configuration)
{
	struct perf_sizes s;

	cr_assert_eq(perf_parse_sizes("1K, 0x100,64B,0x2K", &s), 0);
	cr_assert_eq(s.n, 4);
	cr_assert(s.v[0] == 1024 && s.v[1] == 256 && s.v[2] == 64 && s.v[3] == 2048);
	cr_assert_eq(perf_parse_sizes("64K", &s), -EINVAL);
	cr_assert_eq(perf_parse_sizes("1G", &s), -EINVAL);
	cr_assert_eq(perf_parse_sizes("0x", &s), -EINVAL);
	cr_assert_eq(perf_parse_sizes("100k", &s), -EINVAL);
}

Test(sizes, imix_is_seven_four_one)
{
	unsigned n64 = 0, n590 = 0, n1514 = 0;
	struct perf_sizes s;

	cr_assert_eq(perf_parse_sizes("imix", &s), 0);
	for (unsigned i = 0; i < s.n; i++) {
		n64 += s.v[i] == 64;
		n590 += s.v[i] == 590;
		n1514 += s.v[i] == 1514;
	}
	cr_assert(n64 == 7 && n590 == 4 && n1514 == 1 && s.n == 12);
}

Test(sizes, below_60_and_nonsense_are_refused)
{
	static const char *const bad[] = { "59", "0", "", "64,", ",64", "64 128", "64x", "-64",
					   "65536", "imix,64" };
	struct perf_sizes s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(perf_parse_sizes(bad[i], &s), -EINVAL, "%s", bad[i]);
}

Test(sizes, more_than_the_table_holds_are_refused)
{
	char text[4 * (PERF_MAX_SIZES + 1)] = "64";
	struct perf_sizes s;

	for (int i = 1; i < PERF_MAX_SIZES; i++)
		strcat(text, ",64");
	cr_assert_eq(perf_parse_sizes(text, &s), 0);
	cr_assert_eq(s.n, PERF_MAX_SIZES);
	strcat(text, ",64");
	cr_assert_eq(perf_parse_sizes(text, &s), -EINVAL);
}

Test(time, units)
{
	uint64_t ns;

	cr_assert(!perf_parse_time("5", &ns) && ns == 5000000000);
	cr_assert(!perf_parse_time("0.5", &ns) && ns == 500000000);
	cr_assert(!perf_parse_time("200ms", &ns) && ns == 200000000);
	cr_assert(!perf_parse_time("10 s", &ns) && ns == 10000000000);
	cr_assert(!perf_parse_time("0", &ns) && ns == 0);
	cr_assert_eq(perf_parse_time("5h", &ns), -EINVAL);
	cr_assert_eq(perf_parse_time("-5", &ns), -EINVAL);
	cr_assert_eq(perf_parse_time("conf/x.ini", &ns), -EINVAL);
}

Test(number, range_is_kept)
{
	uint64_t v = 3;

	cr_assert(!perf_parse_u64("0x10", 0, 16, &v) && v == 16);
	cr_assert_eq(perf_parse_u64("17", 0, 16, &v), -EINVAL);
	cr_assert_eq(perf_parse_u64("-1", 0, 16, &v), -EINVAL);
	cr_assert_eq(perf_parse_u64("99999999999999999999", 0, UINT64_MAX, &v), -EINVAL);
	cr_assert_eq(v, 16);
}

Test(count, with_and_without_a_suffix)
{
	uint64_t n = 3;

	cr_assert(!perf_parse_count("1", &n) && n == 1);
	cr_assert(!perf_parse_count("1000000", &n) && n == 1000000);
	cr_assert(!perf_parse_count("1.5M", &n) && n == 1500000);
	cr_assert(!perf_parse_count("10k", &n) && n == 10000);
	cr_assert_eq(perf_parse_count("0", &n), -EINVAL);
	cr_assert_eq(perf_parse_count("1.5", &n), -EINVAL);
	cr_assert_eq(perf_parse_count("1T", &n), -EINVAL);
	cr_assert_eq(perf_parse_count("-1", &n), -EINVAL);
	cr_assert_eq(perf_parse_count("300000G", &n), -EINVAL);
	cr_assert_eq(n, 10000);
}

Test(loss, frames_or_percent)
{
	struct perf_loss l;

	cr_assert(!perf_parse_loss("0", &l) && l.value == 0 && !l.percent);
	cr_assert(!perf_parse_loss("20", &l) && l.value == 20 && !l.percent);
	cr_assert(!perf_parse_loss("0.5%", &l) && l.value == 0.5 && l.percent);
	cr_assert_eq(perf_parse_loss("0.5", &l), -EINVAL);
	cr_assert_eq(perf_parse_loss("101%", &l), -EINVAL);
	cr_assert_eq(perf_parse_loss("x", &l), -EINVAL);
}

Test(mac, six_bytes_of_hex)
{
	static const uint8_t want[6] = { 2, 0xda, 1, 0, 0, 0xff };
	uint8_t mac[6];

	cr_assert_eq(perf_parse_mac("02:da:01:00:00:FF", mac), 0);
	cr_assert_arr_eq(mac, want, 6);
	cr_assert_eq(perf_parse_mac("02:da:01:00:00", mac), -EINVAL);
	cr_assert_eq(perf_parse_mac("02:da:01:00:00:0", mac), -EINVAL);
	cr_assert_eq(perf_parse_mac("02:da:01:00:00:011", mac), -EINVAL);
	cr_assert_eq(perf_parse_mac("auto", mac), -EINVAL);
}

Test(queue, port_and_number)
{
	char name[8];
	unsigned q = 9;

	cr_assert(!perf_parse_queue("tx 3", name, sizeof(name), &q));
	cr_assert_str_eq(name, "tx");
	cr_assert_eq(q, 3);
	cr_assert_eq(perf_parse_queue("tx", name, sizeof(name), &q), -EINVAL);
	cr_assert_eq(perf_parse_queue("tx -1", name, sizeof(name), &q), -EINVAL);
	cr_assert_eq(perf_parse_queue("longername 1", name, sizeof(name), &q), -EINVAL);
}

Test(udp, ranges_on_both_sides)
{
	struct perf_udp u;

	cr_assert_eq(perf_parse_udp("4000-4063 > 5000", &u), 0);
	cr_assert(u.src_lo == 4000 && u.src_hi == 4063 && u.dst_lo == 5000 && u.dst_hi == 5000);
	cr_assert_eq(perf_parse_udp("1>65535", &u), 0);
	cr_assert_eq(perf_parse_udp("1 > 65536", &u), -EINVAL);
	cr_assert_eq(perf_parse_udp("9-8 > 1", &u), -EINVAL);
	cr_assert_eq(perf_parse_udp("1", &u), -EINVAL);
	cr_assert_eq(perf_parse_udp(" > 1", &u), -EINVAL);
}

Test(addrs, family_must_fit)
{
	uint8_t a[16], b[16];

	cr_assert_eq(perf_parse_addrs("10.0.0.1 > 10.0.0.2", AF_INET, a, b), 0);
	cr_assert(a[0] == 10 && a[3] == 1 && b[3] == 2);
	cr_assert_eq(perf_parse_addrs("fe80::1 > fe80::2", AF_INET6, a, b), 0);
	cr_assert(a[0] == 0xfe && b[15] == 2);
	cr_assert_eq(perf_parse_addrs("fe80::1 > fe80::2", AF_INET, a, b), -EINVAL);
	cr_assert_eq(perf_parse_addrs("10.0.0.1", AF_INET, a, b), -EINVAL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "dq_kit.h"

enum { PATIENCE_MS = 2000, SILENCE_MS = 100, HEADER = 14, NUMBER = 4, ETHERTYPE = 0x88b5 };

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int open_text(struct daqiri **dq, const char *text)
{
	struct daqiri_config *cfg;
	int ret = daqiri_config_parse(&cfg, text, strlen(text), "test");

	cr_assert_eq(ret, 0, "%s", daqiri_error_detail());
	ret = daqiri_open_config(dq, cfg);
	daqiri_config_destroy(cfg);
	return ret;
}

struct daqiri *kit_open_text(const char *text)
{
	struct daqiri *dq = NULL;
	int ret = open_text(&dq, text);

	cr_assert_eq(ret, 0, "%d: %s", ret, daqiri_error_detail());
	cr_assert_not_null(dq);
	return dq;
}

int kit_try_text(const char *text)
{
	struct daqiri *dq = (struct daqiri *)8;
	int ret = open_text(&dq, text);

	cr_assert_lt(ret, 0, "opening succeeded");
	cr_assert_eq(dq, (struct daqiri *)8, "an output was written on failure");
	return ret;
}

uint64_t kit_port_stat(struct daqiri_port *port, const char *name)
{
	struct daqiri_stat stats[512];
	int n = daqiri_port_stats(port, stats, 512);

	cr_assert_gt(n, 0);
	cr_assert_leq(n, 512);
	for (int i = 0; i < n; i++)
		if (!strcmp(stats[i].name, name))
			return stats[i].value;
	cr_assert(false, "no counter %s", name);
	return 0;
}

/* Who yields has its turn again at once, and takes the core that the device needs. */
static void rest(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
}

int64_t kit_deadline(void)
{
	return now_ms() + PATIENCE_MS;
}

bool kit_is_late(int64_t deadline)
{
	rest();
	return now_ms() >= deadline;
}

void kit_wait_stat(struct daqiri_port *port, const char *name, uint64_t value)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (kit_port_stat(port, name) < value && now_ms() < end)
		rest();
	cr_assert_eq(kit_port_stat(port, name), value, "%s", name);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static uint8_t pattern(uint32_t number, uint32_t at)
{
	return (uint8_t)(number * 31 + at * 7 + (at >> 8));
}

void kit_fill(void *at, uint32_t len, const char *dst, uint32_t number)
{
	uint8_t *p = at;
	uint32_t be = htobe32(number);

	sscanf(dst, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", p, p + 1, p + 2, p + 3, p + 4, p + 5);
	sscanf(MAC_A, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", p + 6, p + 7, p + 8, p + 9, p + 10, p + 11);
	p[12] = ETHERTYPE >> 8;
	p[13] = ETHERTYPE & 0xff;
	memcpy(p + HEADER, &be, sizeof(be));
	for (uint32_t i = HEADER + NUMBER; i < len; i++)
		p[i] = pattern(number, i);
}

bool kit_check(const void *at, uint32_t len, uint32_t *number)
{
	const uint8_t *p = at;
	uint32_t be;

	if (len < HEADER + NUMBER || p[12] != ETHERTYPE >> 8 || p[13] != (ETHERTYPE & 0xff))
		return false;
	memcpy(&be, p + HEADER, sizeof(be));
	*number = be32toh(be);
	for (uint32_t i = HEADER + NUMBER; i < len; i++)
		if (p[i] != pattern(*number, i))
			return false;
	return true;
}

/* ---- sending and receiving ------------------------------------------------------------------- */

void kit_post_all(struct daqiri_txq *q, const struct daqiri_pkt *pkts, int n)
{
	int64_t end = now_ms() + PATIENCE_MS;
	int done = 0, ret;

	while (done < n) {
		ret = daqiri_tx_post(q, pkts + done, n - done);
		cr_assert_geq(ret, 0, "%s", daqiri_error_detail());
		done += ret;
		if (!ret) {
			cr_assert_lt(now_ms(), end, "the ring stays full");
			rest();
		}
	}
}

void kit_send(struct daqiri_txq *q, const struct kit_burst *burst)
{
	uint32_t sent = 0, range = burst->max - burst->min + 1;
	int64_t end = now_ms() + PATIENCE_MS;
	struct daqiri_pkt pkts[64];
	int n;

	while (sent < burst->n) {
		n = daqiri_tx_reserve(q, pkts, burst->n - sent < 64 ? (int)(burst->n - sent) : 64);
		cr_assert_geq(n, 0);
		for (int i = 0; i < n; i++) {
			uint32_t number = burst->first + sent + (uint32_t)i;

			pkts[i].len = burst->min + number % range;
			kit_fill((void *)(uintptr_t)pkts[i].addr, pkts[i].len, burst->dst, number);
		}
		kit_post_all(q, pkts, n);
		sent += (uint32_t)n;
		if (!n) {
			cr_assert_lt(now_ms(), end, "no slot comes free");
			rest();
		}
	}
}

int kit_receive(struct daqiri_rxq *q, struct daqiri_pkt *pkts, int n)
{
	int64_t end = now_ms() + PATIENCE_MS;
	int got = 0, ret;

	while (got < n && now_ms() < end) {
		ret = daqiri_rx_poll(q, pkts + got, n - got);
		cr_assert_geq(ret, 0, "%s", daqiri_error_detail());
		got += ret;
		if (!ret)
			rest();
	}
	return got;
}

int kit_receive_none(struct daqiri_rxq *q)
{
	int64_t end = now_ms() + SILENCE_MS;
	struct daqiri_pkt pkts[16];
	int got = 0, ret;

	while (now_ms() < end) {
		ret = daqiri_rx_poll(q, pkts, 16);
		cr_assert_geq(ret, 0, "%s", daqiri_error_detail());
		daqiri_rx_release(q, ret);
		got += ret;
		if (!ret)
			rest();
	}
	return got;
}

void kit_wait_sent(struct daqiri_txq *q, uint64_t n)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (daqiri_tx_completed(q) < n) {
		cr_assert_lt(now_ms(), end, "%llu of %llu were sent",
			     (unsigned long long)daqiri_tx_completed(q), (unsigned long long)n);
		rest();
	}
}

struct link kit_open_link(const char *text)
{
	struct link l = {.dq = kit_open_text(text)};

	l.a = daqiri_port_find(l.dq, "a");
	l.b = daqiri_port_find(l.dq, "b");
	l.tx = daqiri_txq_get(l.a, 0);
	l.rx = daqiri_rxq_get(l.b, 0);
	cr_assert(l.tx && l.rx);
	return l;
}

void kit_expect(struct daqiri_rxq *rx, const struct kit_burst *burst)
{
	uint32_t range = burst->max - burst->min + 1, number;
	struct daqiri_pkt pkts[32];

	for (uint32_t i = 0; i < burst->n;) {
		int want = burst->n - i < 32 ? (int)(burst->n - i) : 32;
		int n = kit_receive(rx, pkts, want);

		cr_assert_eq(n, want, "frame %u is missing", burst->first + i + (uint32_t)n);
		for (int k = 0; k < n; k++, i++) {
			cr_assert(kit_check((void *)(uintptr_t)pkts[k].addr, pkts[k].len, &number));
			cr_assert_eq(number, burst->first + i);
			cr_assert_eq(pkts[k].len, burst->min + number % range);
			cr_assert_eq(daqiri_key_flow(pkts[k].key), 77u);
		}
		daqiri_rx_release(rx, n);
	}
}

struct daqiri_queue_error kit_wait_error(struct daqiri_txq *q)
{
	struct daqiri_queue_error err = {.size = sizeof(err)};
	int64_t end = now_ms() + PATIENCE_MS;
	int ret;

	while (!(ret = daqiri_txq_error(q, &err)) && now_ms() < end) {
		daqiri_tx_completed(q);
		rest();
	}
	cr_assert_eq(ret, 1, "no error came");
	return err;
}

int kit_poll_any(struct daqiri_rxq *q)
{
	int64_t end = now_ms() + PATIENCE_MS;
	struct daqiri_pkt pkts[8];
	int ret;

	while (!(ret = daqiri_rx_poll(q, pkts, 8)) && now_ms() < end)
		rest();
	return ret;
}

int kit_hold_huge_pages(void)
{
	int fd = open("/sys/kernel/mm/hugepages", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void kit_cable(const struct daqiri_port *port, bool up)
{
	struct daqiri_port_info info = {.size = sizeof(info)};
	char path[128];
	FILE *f;

	cr_assert_eq(daqiri_port_info(port, &info), 0, "%s", daqiri_error_detail());
	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/emu_link", info.rdma);
	f = fopen(path, "we");
	cr_assert_not_null(f, "%s", path);
	fputs(up ? "up" : "down", f);
	cr_assert_eq(fclose(f), 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers in memory of the host, payloads in memory of KIND, on both ends of an emulated cable:
 *
 *   gpu_split [--seconds S] KIND [KEY=VALUE …]
 *
 * sends frames that the NIC gathers from both, receives them split, compares every byte. KEYs are
 * those of the payloads' regions. Each step is a line "STEP ok", as of gpu_cycle. 0: all well; 1:
 * not, and a line says what; 2: opening failed, with the library's words.
 */
#define _GNU_SOURCE
#include "cuda_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <daqiri.h>

#define BUFS  128
#define SLOT  2048
#define AT    64 /* where frames are split */
#define MAC_B "02:da:01:00:00:02"

struct ends {
	struct daqiri *dq;
	struct daqiri_rxq *rx;
	struct daqiri_txq *tx;
	bool gpu;	 /* payloads are out of a CPU's reach */
	uint32_t number; /* of the next frame */
};

struct parts {
	struct daqiri_pkt heads[BUFS], payloads[BUFS];
};

static int fail(const char *step, const char *why)
{
	printf("%s failed: %s\n", step, why);
	return 1;
}

/* ---- open ------------------------------------------------------------------------------------ */

static struct daqiri_config *configure(const char *kind, char **keys, int n_keys)
{
	struct daqiri_config *cfg = NULL;
	char text[1536], key[256];

	snprintf(text, sizeof(text),
		 "[region rh]\nkind = host\nnum_bufs = %d\nbuf_size = 128\n"
		 "[region th]\nkind = host\nnum_bufs = %d\nbuf_size = 128\n"
		 "[region rx]\nkind = %s\nnum_bufs = %d\nbuf_size = %d\n"
		 "[region tx]\nkind = %s\nnum_bufs = %d\nbuf_size = %d\n"
		 "[port a]\naddress = 02:da:01:00:00:01\n[port b]\naddress = " MAC_B "\n"
		 "[txq a 0]\nregions = th, tx\n[rxq b 0]\nregions = rh, rx\nsplit = %d\n"
		 "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\n",
		 BUFS, BUFS, kind, BUFS, SLOT, kind, BUFS, SLOT, AT);
	if (daqiri_config_parse(&cfg, text, strlen(text), "split.ini"))
		return NULL;
	for (int i = 0; i < 2 * n_keys; i++) {
		snprintf(key, sizeof(key), "region %s.%s", i % 2 ? "tx" : "rx", keys[i / 2]);
		if (daqiri_config_override(cfg, key)) {
			daqiri_config_destroy(cfg);
			return NULL;
		}
	}
	return cfg;
}

static int open_both(struct ends *e, const char *kind, char **keys, int n_keys)
{
	struct daqiri_config *cfg = configure(kind, keys, n_keys);
	struct daqiri_region_info info = {.size = sizeof(info)};
	int ret;

	if (!cfg)
		return fail("configuration", daqiri_error_detail());
	ret = daqiri_open_config(&e->dq, cfg);
	daqiri_config_destroy(cfg);
	if (ret) {
		printf("open: %s: %s\n", strerror(-ret), daqiri_error_detail());
		return 2;
	}
	e->rx = daqiri_rxq_get(daqiri_port_find(e->dq, "b"), 0);
	e->tx = daqiri_txq_get(daqiri_port_find(e->dq, "a"), 0);
	daqiri_region_info(daqiri_region_find(e->dq, "rx"), &info);
	e->gpu = !strcmp(kind, "device");
	printf("alloc ok: kind=%s gpu=%d\nregister ok: access=%s\n", info.kind, info.gpu,
	       info.access);
	return 0;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* Around the split, and any other length. */
static uint32_t length_of(uint32_t number)
{
	return number % 3 ? 60 + number * 37 % (1514 - 60 + 1) : AT - 2 + number % 5;
}

static void make_frame(uint8_t *frame, uint32_t number)
{
	static const uint8_t head[14] = {0x02, 0xda, 0x01, 0, 0, 2, 2, 2, 2, 2, 2, 2, 0x88, 0xb5};
	uint32_t len = length_of(number);

	memcpy(frame, head, sizeof(head));
	memcpy(frame + 14, &number, sizeof(number));
	for (uint32_t i = 18; i < len; i++)
		frame[i] = (uint8_t)(number * 31 + i * 7);
}

/* The header has another length than what is split off. */
static int send_all(struct ends *e)
{
	struct parts p;
	uint8_t frame[SLOT];
	int done = 0, ret;

	if (daqiri_tx_reserve_split(e->tx, p.heads, p.payloads, BUFS) != BUFS)
		return fail("tx", "not all slots are free");
	for (int i = 0; i < BUFS; i++) {
		uint32_t number = e->number + (uint32_t)i, head = 14 + number % 90;

		make_frame(frame, number);
		p.heads[i].len = head < length_of(number) ? head : length_of(number);
		p.payloads[i].len = length_of(number) - p.heads[i].len;
		memcpy((void *)(uintptr_t)p.heads[i].addr, frame, p.heads[i].len);
		if (p.payloads[i].len && !kit_write(p.payloads[i].addr, frame + p.heads[i].len,
						    p.payloads[i].len, e->gpu))
			return fail("tx", "the payload cannot be written to its slot");
	}
	while (done < BUFS) {
		ret = daqiri_tx_post_split(e->tx, p.heads + done, p.payloads + done, BUFS - done);
		if (ret < 0)
			return fail("tx", daqiri_error_detail());
		done += ret;
	}
	return 0;
}

static int receive_all(struct ends *e, struct parts *p)
{
	time_t late = time(NULL) + 10;
	int got = 0, ret;

	while (got < BUFS && time(NULL) < late) {
		ret = daqiri_rx_poll_split(e->rx, p->heads + got, p->payloads + got, NULL,
					   BUFS - got);
		if (ret < 0)
			return fail("rx", daqiri_error_detail());
		got += ret;
	}
	return got == BUFS ? 0 : fail("rx", "not all frames came");
}

static int compare(const struct ends *e, const struct parts *p, int i)
{
	uint32_t number = e->number + (uint32_t)i, len = length_of(number);
	uint8_t want[SLOT], have[SLOT];

	make_frame(want, number);
	memcpy(have, (const void *)(uintptr_t)p->heads[i].addr, p->heads[i].len);
	if (p->payloads[i].len &&
	    !kit_read(have + p->heads[i].len, p->payloads[i].addr, p->payloads[i].len, e->gpu))
		return fail("verify", "the payload cannot be read from its slot");
	if (p->heads[i].len == (len < AT ? len : AT) &&
	    p->heads[i].len + p->payloads[i].len == len && !memcmp(want, have, len))
		return 0;
	printf("verify failed: frame %u of %u bytes: %u and %u came\n", number, len,
	       p->heads[i].len, p->payloads[i].len);
	return 1;
}

static int burst(struct ends *e)
{
	struct parts p;
	int ret = send_all(e);

	if (!ret)
		ret = receive_all(e, &p);
	if (!ret && daqiri_rx_gpu_flush(e->rx))
		ret = fail("flush", daqiri_error_detail());
	for (int i = 0; !ret && i < BUFS; i++)
		ret = compare(e, &p, i);
	daqiri_rx_release(e->rx, BUFS);
	e->number += BUFS;
	while (!ret && daqiri_tx_completed(e->tx) < e->number)
		;
	return ret;
}

int main(int argc, char **argv)
{
	struct ends e = {0};
	time_t seconds = 0, end;
	int i = 1, ret;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 && !strcmp(argv[1], "--seconds")) {
		seconds = atoi(argv[2]);
		i = 3;
	}
	if (i >= argc)
		return fail("usage", "no kind");
	ret = open_both(&e, argv[i], argv + i + 1, argc - i - 1);
	end = time(NULL) + seconds;
	for (int k = 0; !ret && (k < 5 || time(NULL) < end); k++)
		ret = burst(&e);
	if (!ret)
		printf("tx ok: %u frames\nrx ok\nverify ok: 0 corrupt, 0 lost\n", e.number);
	daqiri_close(e.dq);
	if (!ret)
		printf("teardown ok\n");
	return ret;
}

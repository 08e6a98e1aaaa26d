/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts that are opened and closed, also in vain, while another one runs on the same ports. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thr.h"

enum { FRAMES = 20000, OPENERS = 3, ROUNDS = 8 };

#define PORTS "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"

static const char running[] = "[region rx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
			      "[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n" PORTS
			      "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n"
			      "[flow b zero]\ndst_mac = 02:00:00:00:00:10\nqueue = 0\n";

static struct thr_stream stream_of(struct daqiri *dq, uint8_t last, uint64_t frames)
{
	struct thr_stream s = {.dst = {2, 0, 0, 0, 0, last}, .frames = frames};

	s.tx = daqiri_txq_get(daqiri_port_find(dq, "a"), 0);
	s.rx = daqiri_rxq_get(daqiri_port_find(dq, "b"), 0);
	return s;
}

/* Each with a flow of its own, which gets its own frames. */
static void *open_and_close(void *arg)
{
	int number = *(int *)arg;
	struct thr_stream stream;
	struct daqiri *dq;
	char text[1024];

	snprintf(text, sizeof(text),
		 "[region rx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
		 "[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n" PORTS
		 "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n"
		 "[flow b own]\ndst_mac = 02:00:00:00:00:2%d\nqueue = 0\n",
		 number);
	for (int i = 0; i < ROUNDS; i++) {
		dq = thr_open(text);
		stream = stream_of(dq, (uint8_t)(0x20 + number), 100);
		thr_stream_start(&stream);
		thr_stream_join(&stream);
		daqiri_close(dq);
	}
	return NULL;
}

/* The slots are too small for the MTU, which only the opened device tells. */
static void *open_in_vain(void *arg)
{
	struct daqiri_config *cfg;
	struct daqiri *dq = NULL;
	char name[16], text[512];

	snprintf(name, sizeof(name), "small%d", *(int *)arg);
	snprintf(text, sizeof(text),
		 "[region %s]\nkind = host\nnum_bufs = 64\nbuf_size = 256\n" PORTS
		 "[rxq b 0]\nregions = %s\n[txq a %d]\ndepth = 64\n",
		 name, name, *(int *)arg);
	cfg = thr_config(text);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(daqiri_open_config(&dq, cfg) < 0, "slots of 256 bytes are enough?");
		CHECK(strstr(daqiri_error_detail(), "[rxq b 0]"), "%s", daqiri_error_detail());
	}
	daqiri_config_destroy(cfg);
	return NULL;
}

static int count_port(void *arg, const struct daqiri_port_info *info)
{
	(void)info;
	++*(int *)arg;
	return 0;
}

static void *list_ports(void *arg)
{
	int n;

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		n = 0;
		CHECK(!daqiri_port_each(count_port, &n), "%s", daqiri_error_detail());
		CHECK(n == 2, "%d ports", n);
	}
	return NULL;
}

int main(void)
{
	struct daqiri *dq = thr_open(running);
	struct thr_stream stream = stream_of(dq, 0x10, FRAMES);
	struct thr threads[2 * OPENERS + 1];
	int numbers[OPENERS];

	thr_stream_start(&stream);
	for (int i = 0; i < OPENERS; i++) {
		numbers[i] = i;
		thr_start(&threads[2 * i], open_and_close, &numbers[i]);
		thr_start(&threads[2 * i + 1], open_in_vain, &numbers[i]);
	}
	thr_start(&threads[2 * OPENERS], list_ports, NULL);
	thr_join(threads, 2 * OPENERS + 1);
	thr_ok("contexts are opened, used and closed by threads of their own");
	thr_stream_join(&stream);
	thr_ok("another one runs meanwhile");
	daqiri_close(dq);
	return thr_done();
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One kind of packet memory through its life, by the public API on the emulated device:
 *
 *   gpu_cycle [--memory host|fd|gpu|gpu-fd|none] [--length N] [--skew N] [--offset N] [--context N]
 *             [--seconds S] [--add] [--flush] [--log] KIND [KEY=VALUE …]
 *   gpu_cycle --gpus | --probe
 *
 * opens both ends of a cable with regions of KIND and the given keys, sends frames from the one,
 * receives them in the other, compares every byte, closes; with --add one more region of KIND comes
 * and goes meanwhile. Each step is a line "STEP ok". 0: all well; 1: not, and a line says what; 2:
 * opening failed, with the library's words.
 */
#define _GNU_SOURCE
#include "cuda_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <daqiri.h>

#define BUFS  256
#define SLOT  2048
#define BYTES ((size_t)BUFS * SLOT)
#define MAC_B "02:da:01:00:00:02"
#define EMPTY 0xee /* what no frame of ours has written */

static const uint8_t mac_b[6] = {0x02, 0xda, 0x01, 0, 0, 2};

struct app {
	struct daqiri_memory memory;
	bool gpu;
};

struct cycle {
	const char *kind, *memory, *tx_key;
	char **keys;
	int n_keys, context;
	unsigned seconds;
	uint64_t length, skew, offset; /* of the program's memory: what is wrong with it */
	bool add, flush, flushed, log;
	void *ctx; /* current all the time; NULL: none */
	struct app rx_app, tx_app;
	struct daqiri *dq;
	struct daqiri_rxq *rx;
	struct daqiri_txq *tx;
	struct daqiri_region_info rx_info, tx_info;
	bool gpu;	 /* its bytes are out of a CPU's reach */
	uint32_t number; /* of the next frame */
	uint64_t frames;
};

static int fail(const char *step, const char *why)
{
	printf("%s failed: %s\n", step, why);
	return 1;
}

/* ---- memory of the program ------------------------------------------------------------------- */

static bool make_host(struct app *app, bool fd)
{
	void *at;

	if (fd) {
		app->memory.dmabuf_fd = memfd_create("gpu_cycle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (app->memory.dmabuf_fd < 0 || ftruncate(app->memory.dmabuf_fd, BYTES) ||
		    fcntl(app->memory.dmabuf_fd, F_ADD_SEALS, F_SEAL_SHRINK))
			return false;
	}
	at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
		  fd ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, app->memory.dmabuf_fd, 0);
	app->memory.addr = (uint64_t)(uintptr_t)at;
	return at != MAP_FAILED;
}

static bool make_gpu(struct app *app, bool fd)
{
	app->gpu = true;
	app->memory.addr = kit_cuda_alloc(BYTES);
	if (app->memory.addr && fd)
		app->memory.dmabuf_fd = kit_cuda_export(app->memory.addr, BYTES);
	return app->memory.addr && (!fd || app->memory.dmabuf_fd >= 0);
}

static int make_app(const struct cycle *c, struct app *app)
{
	bool fd = strstr(c->memory, "fd");

	app->memory = (struct daqiri_memory){
		.size = sizeof(app->memory), .length = BYTES, .dmabuf_fd = -1};
	if (!strcmp(c->memory, "none"))
		app->memory.addr = 65536; /* where no program has any */
	else if (!(strncmp(c->memory, "gpu", 3) ? make_host(app, fd) : make_gpu(app, fd)))
		return fail("memory", c->memory);
	if (c->length)
		app->memory.length = c->length;
	app->memory.addr += c->skew;
	app->memory.dmabuf_offset = c->offset;
	return 0;
}

static void free_app(struct app *app)
{
	if (app->memory.size && app->memory.dmabuf_fd >= 0)
		close(app->memory.dmabuf_fd);
	if (app->gpu)
		kit_cuda_free(app->memory.addr);
	else if (app->memory.addr > 65536 + SLOT)
		munmap((void *)(uintptr_t)app->memory.addr, BYTES);
}

/* ---- open ------------------------------------------------------------------------------------ */

static struct daqiri_config *configure(const struct cycle *c)
{
	struct daqiri_config *cfg = NULL;
	char text[1024], key[256];

	snprintf(text, sizeof(text),
		 "[daqiri]\nlog_level = %s\n[region rx]\nkind = %s\nnum_bufs = %d\nbuf_size = %d\n"
		 "[region tx]\nkind = %s\nnum_bufs = %d\nbuf_size = %d\n"
		 "[port a]\naddress = 02:da:01:00:00:01\n[port b]\naddress = " MAC_B "\n"
		 "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n"
		 "[flow b all]\ndst_mac = " MAC_B "\nqueue = 0\n",
		 c->log ? "info" : "off", c->kind, BUFS, SLOT, c->kind, BUFS, SLOT);
	if (daqiri_config_parse(&cfg, text, strlen(text), "cycle.ini"))
		return NULL;
	if (c->tx_key) {
		snprintf(key, sizeof(key), "txq a 0.%s", c->tx_key);
		if (daqiri_config_override(cfg, key)) {
			daqiri_config_destroy(cfg);
			return NULL;
		}
	}
	for (int i = 0; i < 2 * c->n_keys; i++) {
		snprintf(key, sizeof(key), "region %s.%s", i % 2 ? "tx" : "rx", c->keys[i / 2]);
		if (daqiri_config_override(cfg, key)) {
			daqiri_config_destroy(cfg);
			return NULL;
		}
	}
	return cfg;
}

static int give_memory(struct cycle *c, struct daqiri_config *cfg)
{
	int ret = make_app(c, &c->rx_app);

	if (!ret)
		ret = make_app(c, &c->tx_app);
	if (!ret && (daqiri_config_set_memory(cfg, "region rx", &c->rx_app.memory) ||
		     daqiri_config_set_memory(cfg, "region tx", &c->tx_app.memory)))
		ret = fail("memory", daqiri_error_detail());
	return ret;
}

static int open_both(struct cycle *c)
{
	struct daqiri_config *cfg = configure(c);
	int ret = cfg ? 0 : fail("configuration", daqiri_error_detail());

	if (!ret && c->memory)
		ret = give_memory(c, cfg);
	if (ret)
		return ret;
	ret = daqiri_open_config(&c->dq, cfg);
	daqiri_config_destroy(cfg);
	if (ret) {
		printf("open: %s: %s\n", strerror(-ret), daqiri_error_detail());
		return 2;
	}
	c->rx = daqiri_rxq_get(daqiri_port_find(c->dq, "b"), 0);
	c->tx = daqiri_txq_get(daqiri_port_find(c->dq, "a"), 0);
	c->rx_info.size = c->tx_info.size = sizeof(c->rx_info);
	daqiri_region_info(daqiri_region_find(c->dq, "rx"), &c->rx_info);
	daqiri_region_info(daqiri_region_find(c->dq, "tx"), &c->tx_info);
	c->gpu = c->rx_info.gpu >= 0 && c->rx_info.gpu_addr == c->rx_info.addr &&
		 strcmp(c->kind, "host_pinned") != 0;
	printf("alloc ok: kind=%s gpu=%d page_size=%llu\n", c->rx_info.kind, c->rx_info.gpu,
	       (unsigned long long)c->rx_info.page_size);
	printf("register ok: access=%s%s%s\n", c->rx_info.access, c->rx_info.why[0] ? ": " : "",
	       c->rx_info.why);
	return 0;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static uint32_t length_of(uint32_t number)
{
	return 60 + number * 37 % (1514 - 60 + 1);
}

static void make_frame(uint8_t *frame, uint32_t number)
{
	uint32_t len = length_of(number);

	memcpy(frame, mac_b, 6);
	memset(frame + 6, 2, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5;
	memcpy(frame + 14, &number, sizeof(number));
	for (uint32_t i = 18; i < len; i++)
		frame[i] = (uint8_t)(number * 31 + i * 7);
}

static int send_some(struct cycle *c, int n)
{
	struct daqiri_pkt pkts[BUFS];
	uint8_t frame[SLOT];
	int done = 0;

	n = daqiri_tx_reserve(c->tx, pkts, n);
	for (int i = 0; i < n; i++) {
		pkts[i].len = length_of(c->number + (uint32_t)i);
		make_frame(frame, c->number + (uint32_t)i);
		if (!kit_write(pkts[i].addr, frame, pkts[i].len, c->gpu))
			return fail("tx", "the frame cannot be written to its slot");
	}
	while (done < n) {
		int ret = daqiri_tx_post(c->tx, pkts + done, n - done);

		if (ret < 0)
			return fail("tx", daqiri_error_detail());
		done += ret;
	}
	return 0;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int receive(struct cycle *c, struct daqiri_pkt *pkts, int n)
{
	double late = now() + 10;
	int got = 0;

	while (got < n && now() < late) {
		int ret = daqiri_rx_poll(c->rx, pkts + got, n - got);

		if (ret < 0)
			return fail("rx", daqiri_error_detail());
		got += ret;
	}
	if (got == n)
		return 0;
	printf("rx failed: %d frames of %d came\n", got, n);
	return 1;
}

/* The whole slot: the frame, and behind it what was there before. */
static int compare(const struct cycle *c, const struct daqiri_pkt *pkt, uint32_t number, bool fresh)
{
	uint8_t want[SLOT], have[SLOT];
	uint32_t len = length_of(number), check = fresh ? SLOT : len;

	memset(want, EMPTY, sizeof(want));
	make_frame(want, number);
	if (!kit_read(have, pkt->addr, check, c->gpu))
		return fail("verify", "the frame cannot be read from its slot");
	for (uint32_t i = 0; i < check; i++)
		if (want[i] != have[i] || pkt->len != len) {
			printf("verify failed: frame %u: length %u of %u, byte %u is %02x for "
			       "%02x\n",
			       number, pkt->len, len, i, have[i], want[i]);
			return 1;
		}
	return 0;
}

static int burst(struct cycle *c, bool fresh)
{
	struct daqiri_pkt pkts[BUFS];
	int n = BUFS / 2, ret = send_some(c, n);

	if (!ret)
		ret = receive(c, pkts, n);
	if (!ret && c->flush) {
		ret = daqiri_rx_gpu_flush(c->rx) ? fail("flush", daqiri_error_detail()) : 0;
		c->flushed = !ret;
	}
	for (int i = 0; !ret && i < n; i++)
		ret = compare(c, &pkts[i], c->number + (uint32_t)i, fresh);
	daqiri_rx_release(c->rx, n);
	c->number += (uint32_t)n;
	c->frames += (unsigned)n;
	while (!ret && daqiri_tx_completed(c->tx) < c->frames)
		;
	return ret;
}

static int move(struct cycle *c)
{
	static uint8_t empty[BYTES];
	double end = now() + c->seconds;
	int ret;

	memset(empty, EMPTY, sizeof(empty));
	if (!kit_write(c->rx_info.addr, empty, sizeof(empty), c->gpu))
		return fail("rx", "its region cannot be written");
	ret = burst(c, true);
	if (!ret)
		ret = burst(c, true);
	while (!ret && now() < end)
		ret = burst(c, false);
	if (!ret)
		printf("tx ok: %llu frames\nrx ok\nverify ok: 0 corrupt, 0 lost\n%s",
		       (unsigned long long)c->frames, c->flushed ? "flush ok\n" : "");
	return ret;
}

/* ---- a region that comes and goes meanwhile -------------------------------------------------- */

static int add_region(struct cycle *c)
{
	struct daqiri_config *cfg = NULL;
	char text[256], key[256];
	int ret;

	snprintf(text, sizeof(text),
		 "[region more]\nkind = %s\nnum_bufs = 64\nbuf_size = 1000\n"
		 "[txq a 1]\nregions = more\n",
		 c->kind);
	ret = daqiri_config_parse(&cfg, text, strlen(text), "more.ini");
	for (int i = 0; i < c->n_keys && !ret; i++) {
		snprintf(key, sizeof(key), "region more.%s", c->keys[i]);
		ret = daqiri_config_override(cfg, key);
	}
	if (!ret)
		ret = daqiri_add(c->dq, cfg);
	daqiri_config_destroy(cfg);
	return ret;
}

/* What frames were sent from before still is there afterwards. */
static int change(struct cycle *c)
{
	struct daqiri_region_info info = {.size = sizeof(info)};
	struct daqiri_region *more;

	if (add_region(c))
		return fail("add", daqiri_error_detail());
	more = daqiri_region_find(c->dq, "more");
	if (daqiri_region_info(more, &info) || strcmp(info.kind, c->kind) != 0 ||
	    strcmp(info.access, c->rx_info.access) != 0)
		return fail("add", "it is not of the kind, or not given to the NIC as the others");
	if (daqiri_region_destroy(c->dq, more) != -EBUSY)
		return fail("add", "a region that a queue uses is destroyed");
	if (daqiri_txq_destroy(c->dq, daqiri_txq_get(daqiri_port_find(c->dq, "a"), 1)) ||
	    daqiri_region_destroy(c->dq, more))
		return fail("add", daqiri_error_detail());
	printf("change ok: access=%s\n", info.access);
	return burst(c, false);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int check_context(const struct cycle *c, const char *when)
{
	if (c->context < 0 || kit_cuda_current() == c->ctx)
		return 0;
	return fail("context", when);
}

static void say(void *arg, enum daqiri_log_level level, const char *text)
{
	(void)arg;
	(void)level;
	printf("log: %s\n", text);
}

static int run(struct cycle *c)
{
	int ret;

	if (c->log)
		daqiri_log_set(say, NULL);
	if (c->context >= 0) {
		c->ctx = kit_cuda_context(c->context);
		if (!c->ctx)
			return fail("context", "cannot be made");
	}
	ret = open_both(c);
	if (check_context(c, "opening changed it"))
		return 1;
	if (!ret)
		ret = move(c);
	if (!ret && c->add)
		ret = change(c);
	if (!ret)
		ret = check_context(c, "the data path changed it");
	daqiri_close(c->dq);
	free_app(&c->rx_app);
	free_app(&c->tx_app);
	if (check_context(c, "closing changed it"))
		return 1;
	if (c->context >= 0)
		printf("context ok\n");
	if (!ret)
		printf("teardown ok\n");
	return ret;
}

static int list_gpus(void)
{
	struct daqiri_gpu_info info = {.size = sizeof(info)};
	char name[16] = "0";

	for (int i = 0; !daqiri_gpu_info(name, &info); i++) {
		printf("gpu %d: %s pci=%s uuid=%s node=%d integrated=%u dmabuf=%u peermem=%u "
		       "memory=%llu bar1=%llu\n",
		       info.index, info.name, info.pci, info.uuid, info.numa_node, info.integrated,
		       info.dmabuf, info.peermem, (unsigned long long)info.memory,
		       (unsigned long long)info.bar1);
		snprintf(name, sizeof(name), "%d", i + 1);
	}
	if (!strcmp(name, "0"))
		printf("%s\n", daqiri_error_detail());
	return 0;
}

/* What the kernel tells of a dma-buf of GPU memory, and whether it can be mapped. */
static int probe(void)
{
	uint64_t at = kit_cuda_alloc(BYTES);
	int fd = at ? kit_cuda_export(at, BYTES) : -1;
	char line[256];
	void *map;
	FILE *f;

	printf("memory at 0x%llx, dma-buf %d\n", (unsigned long long)at, fd);
	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", fd);
	f = fopen(line, "re");
	while (f && fgets(line, sizeof(line), f))
		printf("fdinfo: %s", line);
	if (f)
		fclose(f);
	map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	printf("mmap: %s\n", map == MAP_FAILED ? strerror(errno) : "works");
	return 0;
}

/* Takes one option with its value; false: there is none of this name. */
static bool take_option(struct cycle *c, const char *name, const char *value)
{
	if (!strcmp(name, "--memory"))
		c->memory = value;
	else if (!strcmp(name, "--context"))
		c->context = atoi(value);
	else if (!strcmp(name, "--tx"))
		c->tx_key = value;
	else if (!strcmp(name, "--seconds"))
		c->seconds = (unsigned)atoi(value);
	else if (!strcmp(name, "--length"))
		c->length = strtoull(value, NULL, 0);
	else if (!strcmp(name, "--skew"))
		c->skew = strtoull(value, NULL, 0);
	else if (!strcmp(name, "--offset"))
		c->offset = strtoull(value, NULL, 0);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct cycle c = {.context = -1};
	int i = 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--gpus"))
			return list_gpus();
		if (!strcmp(argv[i], "--probe"))
			return probe();
		if (!strcmp(argv[i], "--flush"))
			c.flush = true;
		else if (!strcmp(argv[i], "--add"))
			c.add = true;
		else if (!strcmp(argv[i], "--log"))
			c.log = true;
		else if (i + 1 >= argc || !take_option(&c, argv[i], argv[i + 1]))
			return fail("usage", argv[i]);
		else
			i++;
	}
	if (i >= argc)
		return fail("usage", "no kind");
	c.kind = argv[i++];
	c.keys = argv + i;
	c.n_keys = argc - i;
	return run(&c);
}

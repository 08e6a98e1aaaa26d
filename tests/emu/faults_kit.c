/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <infiniband/verbs.h>

#include <daqiri_verbs.h>

#include "faults_kit.h"

/* ---- layouts --------------------------------------------------------------------------------- */

#define LOOPBACK "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n"
#define FLOW_ALL "[flow b all]\ndst_mac = " MAC_B "\n"

const struct layout fault_loopback = {.name = "loopback",
				      .text = PORTS LOOPBACK FLOW_ALL "queue = 0\n"};

/* Four queues under one rule set, one of them also under a rule of its own; two flows count. */
const struct layout fault_rss = {.name = "rss",
				 .text = PORTS "[txq a 0]\nregions = tx\n[txq a 1]\ndepth = 64\n"
					       "[rxq b 0-3]\nregions = rx\ndepth = 64\n" FLOW_ALL
					       "queue = 0-3\n"
					       "[flow b one]\nudp_dst = 9\nqueue = 3\ncount = on\n"
					       "[flow b no]\nudp_dst = 10\ndrop = on\n"
					       "count = on\n"};

const struct layout fault_unmatched = {
	.name = "unmatched",
	.text = "[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\nnuma = 0\n"
		"[region tx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"
		"[port a]\naddress = " MAC_A "\nunmatched = drop\nmtu = 1400\n"
		"[port b]\naddress = " MAC_B "\nunmatched = queue 0\n" LOOPBACK};

const struct layout fault_inlined = {
	.name = "private region",
	.text = "[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n"
		"[txq a 0]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
		"[rxq b 0]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n" FLOW_ALL "queue = 0\n"};

const struct layout fault_huge = {
	.name = "huge",
	.text = "[region rx]\nkind = huge\nnum_bufs = 64\nbuf_size = 2048\nnuma = 0\n"
		"[region tx]\nkind = huge\nnum_bufs = 64\nbuf_size = 2048\n"
		"[port a]\naddress = " MAC_A "\n[port b]\naddress = " MAC_B "\n" LOOPBACK FLOW_ALL
		"queue = 0\n"};

const struct layout fault_attached = {
	.name = "attached",
	.text = "[region rx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
		"[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
		"[port a]\n[port b]\nunmatched = queue 0\n" LOOPBACK,
	.attached = true};

/* ---- opening --------------------------------------------------------------------------------- */

const struct layout *fault_layout;

static struct {
	struct daqiri_config *cfg; /* of an attached layout */
	char path[32];		   /* of another */
	struct daqiri_attach_port ports[2];
} setup = {.path = "/tmp/dq-faults-XXXXXX"};

void fault_begin(const struct layout *layout)
{
	size_t len = strlen(layout->text);
	struct daqiri *dq = NULL;
	int fd;

	fault_layout = layout;
	cr_assert_eq(daqiri_config_parse(&setup.cfg, layout->text, len, "test"), 0, "%s",
		     daqiri_error_detail());
	fd = mkstemp(setup.path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, layout->text, len), (ssize_t)len);
	close(fd);
	/* The first opening may leave something with libibverbs and the emulated device. */
	cr_assert_eq(fault_open(&dq, NULL), 0, "%s", daqiri_error_detail());
	fault_check_traffic(dq, layout->name);
	fault_close(dq);
}

void fault_end(void)
{
	unlink(setup.path);
	daqiri_config_destroy(setup.cfg);
}

/* The program's own objects, new for each opening: libmlx5 keeps some things as long as they live.
 */
static void start_program(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	for (int i = 0; i < 2; i++) {
		struct daqiri_attach_port *port = &setup.ports[i];

		cr_assert(list && list[i]);
		*port = (struct daqiri_attach_port){
			.size = sizeof(*port), .name = i ? "b" : "a", .port_num = 1};
		port->context = ibv_open_device(list[i]);
		cr_assert_not_null(port->context);
		port->pd = ibv_alloc_pd(port->context);
		cr_assert_not_null(port->pd);
	}
	ibv_free_device_list(list);
}

static void end_program(void)
{
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(ibv_dealloc_pd(setup.ports[i].pd), 0, "something is left in the pd");
		cr_assert_eq(ibv_close_device(setup.ports[i].context), 0);
	}
}

int fault_open(struct daqiri **dq, struct fault *fault)
{
	int ret;

	if (fault_layout->attached)
		start_program();
	fault_arm(fault);
	ret = fault_layout->attached ? daqiri_attach(dq, setup.cfg, setup.ports, 2)
				     : daqiri_open(dq, setup.path);
	fault_arm(NULL);
	return ret;
}

/* dq may be NULL. */
void fault_close(struct daqiri *dq)
{
	daqiri_close(dq);
	if (fault_layout->attached)
		end_program();
}

/* ---- what is left ---------------------------------------------------------------------------- */

static int count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	cr_assert_not_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* The emulated device's own count of what it holds for this process. */
static void read_objects(int i, char text[256])
{
	char path[64];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/infiniband/mlx5_%d/emu_objects", i);
	f = fopen(path, "re");
	cr_assert_not_null(f, "%s", path);
	len = fread(text, 1, 255, f);
	fclose(f);
	cr_assert_gt(len, 0);
	text[len] = '\0';
}

struct fault_stock fault_stock(void)
{
	struct fault_stock held = {.files = count_files()};

	for (int i = 0; i < 2; i++)
		read_objects(i, held.objects[i]);
	held.lib = fault_held();
	return held;
}

/* Without the mappings, of which libmlx5 keeps some where an object cannot be destroyed. */
void fault_check_library(const struct fault_stock *before, const char *when)
{
	struct fault_stock now = fault_stock();

	cr_assert_eq(now.lib.allocations, before->lib.allocations, "%s: memory is left", when);
	cr_assert_eq(now.files, before->files, "%s: a descriptor is left", when);
	for (int i = 0; i < 2; i++)
		cr_assert_str_eq(now.objects[i], before->objects[i], "%s: left on %d: %s, not %s",
				 when, i, now.objects[i], before->objects[i]);
}

void fault_check_stock(const struct fault_stock *before, const char *when)
{
	fault_check_library(before, when);
	cr_assert_eq(fault_held().mappings, before->lib.mappings, "%s: a mapping is left", when);
}

/* ---- that it works ------------------------------------------------------------------------- */

/* Ten frames from a to the queues of b. */
void fault_check_traffic(struct daqiri *dq, const char *when)
{
	struct daqiri_txq *tx = daqiri_txq_get(daqiri_port_find(dq, "a"), 0);
	struct daqiri_port *b = daqiri_port_find(dq, "b");
	struct kit_burst burst = {.n = 10, .min = 60, .max = 200, .dst = MAC_B};
	struct daqiri_pkt pkts[16];
	int64_t give_up = kit_deadline();
	struct daqiri_rxq *rx;
	int got = 0, n;

	kit_send(tx, &burst);
	while (got < 10 && !kit_is_late(give_up)) {
		for (unsigned i = 0; (rx = daqiri_rxq_get(b, i)); i++) {
			n = daqiri_rx_poll(rx, pkts, 16);
			cr_assert_geq(n, 0, "%s: %s", when, daqiri_error_detail());
			daqiri_rx_release(rx, n);
			got += n;
		}
	}
	cr_assert_eq(got, 10, "%s: %d of 10 frames came", when, got);
}

/* A detail says what it is about: a section, the file, a device, or the whole. */
bool fault_names_object(const char *detail)
{
	return strchr(detail, '[') || strstr(detail, "mlx5_") || strstr(detail, setup.path) ||
	       strstr(detail, "context") || strstr(detail, "configuration") ||
	       strstr(detail, "counter") || strstr(detail, "devices") ||
	       strstr(detail, "ports were listed");
}

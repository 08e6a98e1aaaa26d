/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cpu.h"
#include "msg.h"
#include "ports.h"

struct check {
	const struct perf_plan *plan;
	const struct daqiri_config *cfg;
	unsigned lacks; /* of this machine */
	const char *address; /* the port looked for */
};

static void lack(struct check *c, const char *section, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A note, or with --here an error. */
static void lack(struct check *c, const char *section, const char *key, const char *fmt, ...)
{
	FILE *f = c->plan->options->here ? stderr : stdout;
	va_list ap;

	if (!c->plan->options->here)
		fputs("note: ", f);
	perf_place_print(f, (struct perf_place){ c->cfg, section, key });
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fputc('\n', f);
	c->lacks++;
}

/* ---- cores ---- */

static void check_core(struct check *c, const char *section, const char *key)
{
	char list[128];
	uint64_t core;

	if (daqiri_config_get_u64(c->cfg, section, key, &core) || perf_cpu_usable((int)core))
		return;
	perf_cpu_list(list, sizeof(list));
	lack(c, section, key, "here this process may run on cores %s only", list);
}

/* ---- ports ---- */

/* "17:00.0" stands for "0000:17:00.0". */
static bool same_pci(const char *pci, const char *address)
{
	return *pci && (!strcasecmp(pci, address) ||
			(!strncmp(pci, "0000:", 5) && !strcasecmp(pci + 5, address)));
}

bool perf_is_port(const struct daqiri_port_info *p, const char *address)
{
	uint8_t mac[6];

	if (!perf_parse_mac(address, mac) && !memcmp(mac, p->mac, 6))
		return true;
	return !strcmp(address, p->rdma) || same_pci(p->pci, address) ||
	       (*p->netdev && !strcmp(address, p->netdev));
}

static int is_port(void *arg, const struct daqiri_port_info *p)
{
	const struct check *c = arg;

	return perf_is_port(p, c->address);
}

static void check_port(struct check *c, const char *section)
{
	c->address = daqiri_config_get(c->cfg, section, "address");
	if (c->address && daqiri_port_each(is_port, c) <= 0)
		lack(c, section, "address",
		     "this machine has no such port (daqiri-perf --ports lists them)");
}

/* ---- huge pages ---- */

static int read_number(const char *path, const char *label, uint64_t *out)
{
	char line[128];
	FILE *f = fopen(path, "r");
	int ret = -ENOENT;

	while (f && ret && fgets(line, sizeof(line), f)) {
		unsigned long long v;

		if (strncmp(line, label, strlen(label)))
			continue;
		if (sscanf(line + strlen(label), "%llu", &v) != 1)
			continue;
		*out = v;
		ret = 0;
	}
	if (f)
		fclose(f);
	return ret;
}

static void check_huge(struct check *c, const char *section)
{
	const char *kind = daqiri_config_get(c->cfg, section, "kind");
	uint64_t page, bufs = 0, size = 0, align = 64, have = 0, need;
	char path[96];

	if (!kind || strcmp(kind, "huge"))
		return;
	if (daqiri_config_get_u64(c->cfg, section, "page_size", &page)) {
		if (read_number("/proc/meminfo", "Hugepagesize:", &page))
			page = 0;
		page *= 1024;
	}
	if (!page) {
		lack(c, section, "kind", "this kernel has no huge pages");
		return;
	}
	daqiri_config_get_u64(c->cfg, section, "num_bufs", &bufs);
	daqiri_config_get_u64(c->cfg, section, "buf_size", &size);
	daqiri_config_get_u64(c->cfg, section, "align", &align);
	need = (bufs * ((size + align - 1) / align * align) + page - 1) / page;
	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%llukB/free_hugepages",
		 (unsigned long long)page / 1024);
	read_number(path, "", &have);
	if (have < need)
		lack(c, section, "kind",
		     "needs %llu huge pages of %llu kB, %llu are free: echo %llu > "
		     "/sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages",
		     (unsigned long long)need, (unsigned long long)page / 1024,
		     (unsigned long long)have, (unsigned long long)need,
		     (unsigned long long)page / 1024);
}

/* ---- GPUs ---- */

/* Bytes of a buffer, and of all, of a section that has memory of this kind; 0: it has none. */
static uint64_t memory_of(const struct check *c, const char *section, const char *kind,
			  uint64_t *stride)
{
	const char *is = daqiri_config_get(c->cfg, section, "kind");
	uint64_t bufs = 0, size = 0, align = 64;

	if (!is || strcmp(is, kind))
		return 0;
	daqiri_config_get_u64(c->cfg, section, "num_bufs", &bufs);
	daqiri_config_get_u64(c->cfg, section, "buf_size", &size);
	daqiri_config_get_u64(c->cfg, section, "align", &align);
	*stride = (size + align - 1) / align * align;
	return bufs * *stride;
}

static const char *affinity_of(const struct check *c, const char *section)
{
	const char *affinity = daqiri_config_get(c->cfg, section, "affinity");

	return affinity ? affinity : "auto";
}

/* What the other sections have of the same GPU. */
static uint64_t others_on(const struct check *c, const char *section, int gpu)
{
	const char *other;
	uint64_t sum = 0, stride;

	for (unsigned i = 0; (other = daqiri_config_section(c->cfg, i)); i++) {
		struct daqiri_gpu_info info = {.size = sizeof(info)};
		uint64_t bytes = memory_of(c, other, "device", &stride);

		if (bytes && strcmp(other, section) &&
		    !daqiri_gpu_info(affinity_of(c, other), &info) && info.index == gpu)
			sum += bytes;
	}
	return sum;
}

/* NICs see a GPU's memory through its BAR1 only: all regions on it share that. */
static void check_bar1(struct check *c, const char *section, const struct daqiri_gpu_info *gpu)
{
	uint64_t stride = 1, bytes = memory_of(c, section, "device", &stride);
	uint64_t others = others_on(c, section, gpu->index), all = bytes + others;

	if (!gpu->bar1 || all <= gpu->bar1)
		return;
	lack(c, section, "num_bufs",
	     "the regions on GPU %d, %s, take %llu bytes and its BAR1 shows NICs %llu: at most "
	     "%llu buffers of this one fit beside the others",
	     gpu->index, gpu->name, (unsigned long long)all,
	     (unsigned long long)gpu->bar1,
	     (unsigned long long)(others < gpu->bar1 ? (gpu->bar1 - others) / stride : 0));
}

static void check_gpu(struct check *c, const char *section)
{
	struct daqiri_gpu_info gpu = {.size = sizeof(gpu)};
	const char *kind = daqiri_config_get(c->cfg, section, "kind");
	bool device = kind && !strcmp(kind, "device");

	if (kind && !strcmp(kind, "app"))
		lack(c, section, "kind", "a program gives this memory, and daqiri-perf none");
	if (!device && (!kind || strcmp(kind, "host_pinned")))
		return;
	if (daqiri_gpu_info(affinity_of(c, section), &gpu))
		lack(c, section, "kind", "%s", daqiri_error_detail());
	else if (device && gpu.integrated && !gpu.dmabuf)
		lack(c, section, "kind", "GPU %d, %s, is an integrated one: use kind = host_pinned",
		     gpu.index, gpu.name);
	else if (device && !gpu.dmabuf && !gpu.peermem)
		lack(c, section, "kind",
		     "GPU %d, %s, exports no dma-bufs, and nvidia_peermem is not loaded", gpu.index,
		     gpu.name);
	else if (device)
		check_bar1(c, section, &gpu);
}

/* ---- what it takes ---- */

/* What DAQIRI, which keeps metadata apart from rings, takes at least: for comparison. */
#define DAQIRI_RXQ_MIB	  16
#define DAQIRI_META_BYTES 210000000ull

static void print_queues(const struct check *c)
{
	unsigned n_rxqs = 0;
	uint64_t sum = 0, bytes;
	const char *section;

	for (unsigned i = 0; (section = daqiri_config_section(c->cfg, i)); i++) {
		if (strncmp(section, "rxq ", 4) && strncmp(section, "txq ", 4))
			continue;
		bytes = daqiri_config_queue_memory(c->cfg, section);
		printf("  [%s]: rings and bookkeeping %llu bytes\n", section,
		       (unsigned long long)bytes);
		sum += bytes;
		n_rxqs += *section == 'r';
	}
	printf("  all queues: rings and bookkeeping %llu bytes (DAQIRI: at least %llu, with %d MiB "
	       "for each receive queue and 210 MB of metadata)\n",
	       (unsigned long long)sum,
	       DAQIRI_META_BYTES + n_rxqs * ((unsigned long long)DAQIRI_RXQ_MIB << 20),
	       DAQIRI_RXQ_MIB);
}

static void print_memory(const struct check *c)
{
	const char *section;
	uint64_t bufs, size;

	for (unsigned i = 0; (section = daqiri_config_section(c->cfg, i)); i++) {
		if (daqiri_config_get_u64(c->cfg, section, "num_bufs", &bufs) ||
		    daqiri_config_get_u64(c->cfg, section, "buf_size", &size))
			continue;
		printf("  [%s]: %llu buffers of %llu bytes\n", section, (unsigned long long)bufs,
		       (unsigned long long)size);
	}
}

static void check_section(struct check *c, const char *section)
{
	if (!strncmp(section, "port ", 5))
		check_port(c, section);
	else if (!strncmp(section, "region ", 7)) {
		check_huge(c, section);
		check_gpu(c, section);
	} else if (!strcmp(section, "perf"))
		check_core(c, section, "core");
	else if (!strncmp(section, "rxq ", 4) || !strncmp(section, "txq ", 4)) {
		check_core(c, section, "cpu_core");
		check_huge(c, section);
		check_gpu(c, section);
	} else if (!strncmp(section, "stream ", 7))
		check_core(c, section, "cpu_core");
}

int perf_check(const struct perf_plan *plan)
{
	struct check c = { .plan = plan, .cfg = plan->cfg };
	uint64_t bytes = daqiri_config_memory(plan->cfg);
	const char *section;
	unsigned n;

	for (unsigned i = 0; (section = daqiri_config_section(c.cfg, i)); i++)
		check_section(&c, section);
	if (c.lacks && plan->options->here) {
		perf_fail("%s: sound, but not for this machine", plan->options->config);
		return 1;
	}
	n = plan->n_streams + plan->n_forwards;
	printf("%s: sound; packet memory %llu bytes (%.1f MiB), %u stream%s\n",
	       plan->options->config, (unsigned long long)bytes, (double)bytes / (1 << 20), n,
	       n == 1 ? "" : "s");
	if (plan->options->verbose) {
		print_memory(&c);
		print_queues(&c);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "check.h"

#define GIB (1ULL << 30)

static void print_size(char buf[32], unsigned long long bytes)
{
	static const char *const units[] = {"", "K", "M", "G"};
	unsigned u = 0;

	while (u < 3 && bytes && !(bytes & 1023)) {
		bytes >>= 10;
		u++;
	}
	snprintf(buf, 32, "%llu%s", bytes, units[u]);
}

/* "1G"; 0: it is no size. */
static unsigned long long parse_size(const char *text)
{
	unsigned long long n;
	char unit;

	if (sscanf(text, "%llu%c", &n, &unit) != 2 || n >= 65536)
		return 0;
	return n << (unit == 'G' || unit == 'g' ? 30 : unit == 'M' || unit == 'm' ? 20 : 10);
}

/* "4", or by node "0:4,1:4" (kernel 5.16 and later). */
static long long parse_count(const char *text)
{
	unsigned long long sum = 0, n;

	for (const char *p = text; *p; p += *p == ',') {
		const char *colon = strpbrk(p, ":,");

		if (sscanf(colon && *colon == ':' ? colon + 1 : p, "%llu", &n) != 1 || n >> 32)
			return TUNE_UNKNOWN;
		sum += n;
		p += strcspn(p, ",");
	}
	return *text ? (long long)sum : TUNE_UNKNOWN;
}

/* hugepages= without a size before it: of the default size. */
static unsigned long long default_size(const struct tune_machine *m)
{
	const char *given = tune_machine_flag(m, "default_hugepagesz", 0);

	return given ? parse_size(given) : 2 << 20;
}

/* What the command line asked for of this size. */
static long long asked(const struct tune_machine *m, unsigned long long size)
{
	unsigned long long now = default_size(m);

	for (unsigned i = 0; i < m->n_flags; i++) {
		const struct tune_flag *f = &m->flag[i];

		if (!strcmp(f->name, "hugepagesz"))
			now = parse_size(f->value);
		else if (!strcmp(f->name, "hugepages") && now == size)
			return parse_count(f->value);
	}
	return TUNE_UNKNOWN;
}

static void judge_pool(const struct tune_judge *j, const struct tune_pages *p)
{
	long long wanted = p->node == TUNE_UNKNOWN ? asked(j->m, p->size) : TUNE_UNKNOWN;
	char size[32], object[64];
	struct tune_row *row;

	print_size(size, p->size);
	if (p->node == TUNE_UNKNOWN)
		snprintf(object, sizeof(object), "%s", size);
	else
		snprintf(object, sizeof(object), "%s node %d", size, p->node);
	if (p->total < 0) {
		tune_row(j, TUNE_SKIP, object, "unknown");
		return;
	}
	row = tune_row(j, wanted > p->total ? TUNE_WARN : TUNE_OK, object, "%lld pages", p->total);
	if (p->free >= 0)
		tune_note(row, "%lld free", p->free);
	if (wanted <= p->total)
		return;
	tune_note(row, "asked %lld, got %lld", wanted, p->total);
	tune_want(row, "%lld: memory was in use or in pieces", wanted);
	tune_fix(row, "on the kernel command line, before memory is in pieces; or less of them");
}

/* Free bytes of one size, or (size 0) of the size that has most: a region is of one size. */
static unsigned long long free_bytes(const struct tune_machine *m, unsigned long long size,
				     int node)
{
	unsigned long long most = 0;

	for (unsigned i = 0; i < m->n_pages; i++) {
		const struct tune_pages *p = &m->pages[i];
		unsigned long long bytes = p->free > 0 ? (unsigned long long)p->free * p->size : 0;

		if (p->node == node && (!size || p->size == size) && bytes > most)
			most = bytes;
	}
	return most;
}

static unsigned long long all_bytes(const struct tune_machine *m)
{
	unsigned long long sum = 0;

	for (unsigned i = 0; i < m->n_pages; i++)
		if (m->pages[i].node == TUNE_UNKNOWN && m->pages[i].total > 0)
			sum += (unsigned long long)m->pages[i].total * m->pages[i].size;
	return sum;
}

static void fix_pool(const struct tune_judge *j, struct tune_row *row, unsigned long long bytes)
{
	unsigned long long size = tune_machine_page(j->m), n = (bytes + size - 1) / size;
	char text[32];

	print_size(text, size);
	tune_fix(row,
		 "kernel command line: hugepagesz=%s hugepages=%llu; or now: echo %llu > "
		 "/sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages",
		 text, n, n, size >> 10);
}

/* --persist, or somebody, has asked for them already. */
static void note_pending(const struct tune_judge *j, struct tune_row *row)
{
	if (strstr(j->m->grub, "hugepages=") && !tune_machine_flag(j->m, "hugepages", 0))
		tune_note(row, "the boot loader's files ask for some: update-grub and a reboot");
}

/* The guide's rule of thumb: 3 to 4 GB. */
static void judge_sum(const struct tune_judge *j)
{
	unsigned long long have = all_bytes(j->m);
	struct tune_row *row;

	row = tune_row(j, have >= 3 * GIB ? TUNE_OK : TUNE_WARN, "all", "%llu MiB", have >> 20);
	if (*j->m->mounts)
		tune_note(row, "mounted for others at %s", j->m->mounts);
	if (row->status == TUNE_OK)
		return;
	note_pending(j, row);
	tune_want(row, "3 to 4 GiB, or what --config needs");
	fix_pool(j, row, 4 * GIB);
}

/* Where a huge region's pages come from. */
struct pool {
	unsigned long long size; /* 0: the kernel's default, or what there is enough of */
	int node;
};

static struct pool pool_of(const struct tune_judge *j, const struct tune_wanted_region *r)
{
	return (struct pool){r->page, tune_wanted_region_node(j->m, j->w, r)};
}

/* Bytes of this region and of those before it that want the same pages; each has whole ones. */
static unsigned long long so_far(const struct tune_judge *j, const struct tune_wanted_region *r)
{
	struct pool mine = pool_of(j, r);
	unsigned long long sum = 0, page = mine.size ? mine.size : 2 << 20;

	for (const struct tune_wanted_region *a = j->w->region; a <= r; a++) {
		struct pool its = pool_of(j, a);

		if (!strcmp(a->kind, "huge") && its.size == mine.size && its.node == mine.node)
			sum += (a->bytes + page - 1) / page * page;
	}
	return sum;
}

static void fix_region(const struct tune_judge *j, struct tune_row *row, struct pool pool,
		       unsigned long long need)
{
	unsigned long long size = pool.size ? pool.size : tune_machine_page(j->m);
	unsigned long long count = (need + size - 1) / size;
	char node[48] = "kernel/mm";

	for (unsigned i = 0; i < j->m->n_pages; i++) {
		const struct tune_pages *p = &j->m->pages[i];

		if (p->size == size && p->node == pool.node && p->free >= 0)
			count += (unsigned long long)(p->total - p->free);
	}
	if (pool.node >= 0)
		snprintf(node, sizeof(node), "devices/system/node/node%d", pool.node);
	tune_fix(row, "echo %llu > /sys/%s/hugepages/hugepages-%llukB/nr_hugepages", count, node,
		 size >> 10);
}

static void judge_region(const struct tune_judge *j, const struct tune_wanted_region *r)
{
	struct pool pool = pool_of(j, r);
	unsigned long long have = free_bytes(j->m, pool.size, pool.node), need = so_far(j, r);
	char object[64];
	struct tune_row *row;

	snprintf(object, sizeof(object), "region %s", r->name);
	row = tune_row(j, have >= need ? TUNE_OK : TUNE_WARN, object, "%llu MiB free", have >> 20);
	if (pool.node >= 0)
		tune_note(row, "on node %d", pool.node);
	if (row->status == TUNE_OK)
		return;
	note_pending(j, row);
	tune_want(row, "%llu MiB%s", need >> 20,
		  need >= 2 * r->bytes ? " with those before it" : "");
	fix_region(j, row, pool, need);
}

void tune_judge_hugepages(const struct tune_judge *j)
{
	bool any = false;

	if (!j->m->n_pages) {
		tune_nothing(j, TUNE_SKIP, "the kernel shows no huge pages");
		return;
	}
	for (unsigned i = 0; i < j->m->n_pages; i++)
		judge_pool(j, &j->m->pages[i]);
	for (unsigned i = 0; i < j->w->n_regions; i++) {
		if (strcmp(j->w->region[i].kind, "huge"))
			continue;
		any = true;
		judge_region(j, &j->w->region[i]);
	}
	if (!j->w->given)
		judge_sum(j);
	else if (!any)
		tune_row(j, TUNE_OK, "configuration", "has no region on huge pages");
}

void tune_judge_memlock(const struct tune_judge *j)
{
	long long need = (long long)j->w->memory;
	struct tune_row *row;
	bool enough;

	if (j->m->memlock == -2) {
		tune_nothing(j, TUNE_SKIP, "unknown");
		return;
	}
	if (j->m->ipc_lock) {
		tune_row(j, TUNE_OK, "process", "CAP_IPC_LOCK: the limit does not count");
		return;
	}
	enough = j->m->memlock == -1 || (j->w->given && j->m->memlock >= need);
	row = tune_row(j, enough ? TUNE_OK : TUNE_WARN, "process", "%lld bytes", j->m->memlock);
	if (j->m->memlock == -1)
		tune_put(row->found, sizeof(row->found), "unlimited");
	if (enough)
		return;
	if (j->w->given)
		tune_want(row, "%lld bytes of packet memory, and the rings", need);
	else
		tune_want(row, "unlimited");
	tune_fix(row,
		 "echo '* - memlock unlimited' > /etc/security/limits.d/90-daqiri.conf and log in "
		 "anew; in a unit: LimitMEMLOCK=infinity");
}

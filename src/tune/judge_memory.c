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

/* What the command line asked for of this size: hugepagesz= before hugepages=. */
static long long asked(const struct tune_machine *m, unsigned long long size)
{
	unsigned long long now = 0, n;
	char unit;

	for (unsigned i = 0; i < m->n_flags; i++) {
		const struct tune_flag *f = &m->flag[i];

		if (!strcmp(f->name, "hugepagesz") || !strcmp(f->name, "default_hugepagesz")) {
			if (sscanf(f->value, "%llu%c", &n, &unit) == 2 && n < 65536)
				now = n << (unit == 'G' || unit == 'g'	 ? 30
					    : unit == 'M' || unit == 'm' ? 20
									 : 10);
		} else if (!strcmp(f->name, "hugepages") && now == size &&
			   sscanf(f->value, "%llu", &n) == 1 && n < 1ULL << 32) {
			return (long long)n;
		}
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

/* Free bytes of one size, or (size 0) of all that are 2 MiB at least. */
static unsigned long long free_bytes(const struct tune_machine *m, unsigned long long size,
				     int node)
{
	unsigned long long sum = 0;

	for (unsigned i = 0; i < m->n_pages; i++) {
		const struct tune_pages *p = &m->pages[i];

		if (p->node == node && p->free > 0 && (size ? p->size == size : p->size >= 2 << 20))
			sum += (unsigned long long)p->free * p->size;
	}
	return sum;
}

static unsigned long long all_bytes(const struct tune_machine *m)
{
	unsigned long long sum = 0;

	for (unsigned i = 0; i < m->n_pages; i++)
		if (m->pages[i].node == TUNE_UNKNOWN && m->pages[i].total > 0)
			sum += (unsigned long long)m->pages[i].total * m->pages[i].size;
	return sum;
}

static bool has_gigabytes(const struct tune_machine *m)
{
	for (unsigned i = 0; i < m->n_pages; i++)
		if (m->pages[i].size == GIB)
			return true;
	return false;
}

static void fix_pool(const struct tune_judge *j, struct tune_row *row, unsigned long long bytes)
{
	unsigned long long n = (bytes + GIB - 1) / GIB;

	if (has_gigabytes(j->m))
		tune_fix(row,
			 "kernel command line: hugepagesz=1G hugepages=%llu; or now: echo %llu > "
			 "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages",
			 n, n);
	else
		tune_fix(row, "echo %llu > /proc/sys/vm/nr_hugepages", n * 512);
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
	tune_want(row, "3 to 4 GiB, or what --config needs");
	fix_pool(j, row, 4 * GIB);
}

static void judge_region(const struct tune_judge *j, const struct tune_wanted_region *r)
{
	char object[64];
	unsigned long long have;
	struct tune_row *row;

	snprintf(object, sizeof(object), "region %s", r->name);
	have = free_bytes(j->m, r->page, r->node);
	row = tune_row(j, have >= r->bytes ? TUNE_OK : TUNE_WARN, object, "%llu MiB free",
		       have >> 20);
	if (r->node >= 0)
		tune_note(row, "on node %d", r->node);
	if (row->status == TUNE_OK)
		return;
	tune_want(row, "%llu bytes", (unsigned long long)r->bytes);
	fix_pool(j, row, r->bytes);
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

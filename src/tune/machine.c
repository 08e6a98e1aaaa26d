/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "machine.h"

static const char *const platforms[] = {"unknown", "igx-orin", "dgx-spark", "x86", "other"};

const char *tune_platform_name(enum tune_platform p)
{
	return platforms[p];
}

int tune_platform_parse(enum tune_platform *p, const char *name)
{
	for (unsigned i = TUNE_PLATFORM_IGX; i <= TUNE_PLATFORM_OTHER; i++) {
		if (strcmp(name, platforms[i]))
			continue;
		*p = (enum tune_platform)i;
		return 0;
	}
	return -EINVAL;
}

void *tune_grow(void *array, unsigned *n, size_t size)
{
	void **old = array;
	char *more = realloc(*old, (*n + 1) * size);

	if (!more)
		return NULL;
	*old = more;
	memset(more + *n * size, 0, size);
	return more + (*n)++ * size;
}

json_t *tune_fact(const json_t *facts, const char *section, const char *key)
{
	return json_object_get(json_object_get(facts, section), key);
}

const char *tune_fact_text(const json_t *facts, const char *section, const char *key)
{
	return json_string_value(tune_fact(facts, section, key));
}

int tune_fact_int(const json_t *object, const char *key)
{
	json_t *v = json_object_get(object, key);

	if (json_is_boolean(v))
		return json_is_true(v);
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > INT_MAX)
		return TUNE_UNKNOWN;
	return (int)json_integer_value(v);
}

/* ASCII only, as what comes from files. */
void tune_fact_put(const json_t *object, const char *key, char *dst, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (!text)
		return;
	tune_put(dst, size, text);
	for (char *p = dst; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

bool tune_machine_module(const struct tune_machine *m, const char *name)
{
	return tune_exists(m->root, "sys/module/%s", name);
}

const char *tune_machine_flag(const struct tune_machine *m, const char *name, unsigned nth)
{
	for (unsigned i = 0; i < m->n_flags; i++)
		if (!strcmp(m->flag[i].name, name) && !nth--)
			return m->flag[i].value;
	return NULL;
}

int tune_machine_node_of(const struct tune_machine *m, unsigned core)
{
	for (unsigned i = 0; i < m->n_cpus; i++)
		if (m->cpu[i].id == core)
			return m->cpu[i].node;
	return TUNE_UNKNOWN;
}

static bool has_pages(const struct tune_machine *m, unsigned long long size)
{
	for (unsigned i = 0; i < m->n_pages; i++)
		if (m->pages[i].size == size)
			return true;
	return false;
}

unsigned long long tune_machine_page(const struct tune_machine *m)
{
	if (has_pages(m, 1ULL << 30))
		return 1ULL << 30;
	/* a kernel with base pages of 64 KiB has these, and no gigabytes */
	return has_pages(m, 512ULL << 20) ? 512ULL << 20 : 2ULL << 20;
}

bool tune_machine_locked(const struct tune_machine *m)
{
	if (*m->lockdown)
		return strcmp(m->lockdown, "none") != 0;
	return !strcmp(m->secure_boot, "on");
}

const char *tune_nic_name(const struct tune_nic *nic)
{
	if (*nic->netdev)
		return nic->netdev;
	return *nic->rdma ? nic->rdma : nic->pci.addr;
}

/* GB10 and other chips that share the processor's memory; CUDA says it best. */
bool tune_gpu_integrated(const struct tune_machine *m, const struct tune_gpu *gpu)
{
	if (gpu->integrated != TUNE_UNKNOWN)
		return gpu->integrated;
	return m->platform == TUNE_PLATFORM_SPARK || strstr(gpu->name, "GB10") != NULL;
}

enum { DEVICE_GB10 = 0x2e12 }; /* pci.ids */

/*
 * What DMI did not tell, in a container for one: the card on the IGX Orin developer kit's own board
 * (P3740); the GB10, which is a DGX Spark or another maker's of the same design.
 */
static void recognise_board(struct tune_machine *m)
{
	for (unsigned i = 0; i < m->n_nics; i++)
		if (m->platform != TUNE_PLATFORM_SPARK && !strcmp(m->nic[i].board, "NVD0000000033"))
			m->platform = TUNE_PLATFORM_IGX;
	for (unsigned i = 0; i < m->n_gpus; i++)
		if (m->gpu[i].pci.device == DEVICE_GB10)
			m->platform = TUNE_PLATFORM_SPARK;
}

int tune_machine_read(struct tune_machine *m, struct tune_root *root, json_t *facts)
{
	int ret;

	memset(m, 0, sizeof(*m));
	m->root = root;
	m->facts = facts;
	tune_read_system(m);
	ret = tune_read_cpus(m);
	if (!ret)
		ret = tune_read_nics(m);
	if (!ret)
		ret = tune_read_gpus(m);
	recognise_board(m);
	if (!ret)
		ret = tune_read_memory(m);
	if (!ret)
		ret = tune_read_boot(m);
	return ret;
}

void tune_machine_free(struct tune_machine *m)
{
	free(m->nic);
	free(m->gpu);
	free(m->cpu);
	free(m->pages);
	free(m->flag);
	memset(m, 0, sizeof(*m));
}

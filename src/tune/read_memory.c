/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"

static int read_pool(struct tune_machine *m, const char *dir, int node)
{
	struct tune_pages *p;
	struct tune_names names;
	unsigned long long kb;
	int ret = 0;

	tune_list(m->root, &names, "%s", dir);
	for (unsigned i = 0; i < names.n && !ret; i++) {
		if (sscanf(names.name[i], "hugepages-%llukB", &kb) != 1 || !kb || kb > 1ULL << 40)
			continue;
		p = TUNE_GROW(m, pages, n_pages);
		if (!p) {
			ret = -ENOMEM;
			break;
		}
		p->size = kb << 10;
		p->node = node;
		p->total = p->free = TUNE_UNKNOWN;
		tune_number(m->root, &p->total, "%s/%s/nr_hugepages", dir, names.name[i]);
		tune_number(m->root, &p->free, "%s/%s/free_hugepages", dir, names.name[i]);
	}
	tune_names_free(&names);
	return ret;
}

static void read_mounts(struct tune_machine *m)
{
	char buf[32768], *line, *save = NULL, where[256], type[32], options[256];
	size_t len = 0;

	tune_text(m->root, buf, sizeof(buf), "proc/self/mounts");
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *size;

		if (sscanf(line, "%*s %255s %31s %255s", where, type, options) != 3 ||
		    strcmp(type, "hugetlbfs"))
			continue;
		size = strstr(options, "pagesize=");
		if (size)
			size[strcspn(size, ",")] = 0;
		len += (size_t)snprintf(m->mounts + len, sizeof(m->mounts) - len, "%s%s%s%s%s",
					len ? ", " : "", where, size ? " (" : "",
					size ? size + 9 : "", size ? ")" : "");
		if (len >= sizeof(m->mounts))
			break;
	}
}

int tune_read_memory(struct tune_machine *m)
{
	struct tune_names names;
	char dir[TUNE_PATH];
	int node, ret;

	ret = read_pool(m, "sys/kernel/mm/hugepages", TUNE_UNKNOWN);
	tune_list(m->root, &names, "sys/devices/system/node");
	for (unsigned i = 0; i < names.n && !ret; i++) {
		if (sscanf(names.name[i], "node%d", &node) != 1 || node < 0)
			continue;
		snprintf(dir, sizeof(dir), "sys/devices/system/node/%.64s/hugepages",
			 names.name[i]);
		ret = read_pool(m, dir, node);
	}
	tune_names_free(&names);
	read_mounts(m);
	return ret;
}

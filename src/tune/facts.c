/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "facts.h"

#define FACTS_MAX (1 << 20)

/* A symbol of the kernel; -1: its list cannot be read. It is long: a line at a time. */
static int has_symbol(const struct tune_root *root, const char *name)
{
	int fd = tune_root_fd(root, "proc/kallsyms", O_RDONLY), found = 0;
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char line[512], symbol[256];
	long n = 0;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (!found && fgets(line, sizeof(line), f) && n++ < 4000000)
		found = sscanf(line, "%*s %*s %255s", symbol) == 1 && !strcmp(symbol, name);
	fclose(f);
	return n ? found : -1;
}

static json_t *gather_system(const struct tune_root *root)
{
	int peer = has_symbol(root, "ib_register_peer_memory_client");
	json_t *o = json_object();
	struct utsname u;

	if (!uname(&u))
		json_object_set_new(o, "machine", json_string(u.machine));
	if (peer >= 0)
		json_object_set_new(o, "peer_memory_api", json_boolean(peer));
	return o;
}

static void add(json_t *facts, const char *name, json_t *part)
{
	if (part)
		json_object_set_new(facts, name, part);
}

json_t *tune_facts_gather(const struct tune_root *root)
{
	json_t *facts = json_object();

	if (!facts)
		return NULL;
	json_object_set_new(facts, "schema", json_integer(1));
	add(facts, "system", gather_system(root));
	add(facts, "nvml", tune_gather_nvml());
	add(facts, "cuda", tune_gather_cuda());
	add(facts, "net", tune_gather_net(root));
	add(facts, "rdma", tune_gather_rdma());
	add(facts, "rdma_core", tune_gather_rdma_core());
	return facts;
}

json_t *tune_facts_load(const struct tune_root *root, char err[256])
{
	char *text = malloc(FACTS_MAX);
	json_t *facts = NULL;
	json_error_t at;
	ssize_t n;

	if (!text) {
		snprintf(err, 256, "facts.json: out of memory");
		return NULL;
	}
	n = tune_read(root, text, FACTS_MAX, "facts.json");
	if (n == -ENOENT)
		facts = json_object();
	else if (n < 0)
		snprintf(err, 256, "facts.json: %s", strerror((int)-n));
	else if (n == FACTS_MAX - 1)
		snprintf(err, 256, "facts.json: larger than 1 MiB");
	else {
		facts = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, &at);
		if (!facts)
			snprintf(err, 256, "facts.json:%d: %s", at.line, at.text);
		else if (!json_is_object(facts))
			snprintf(err, 256, "facts.json: no JSON object");
	}
	free(text);
	if (json_is_object(facts))
		return facts;
	json_decref(facts);
	return NULL;
}

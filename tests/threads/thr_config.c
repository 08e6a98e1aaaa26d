/* SPDX-License-Identifier: Apache-2.0 */
/* One configuration read by many threads, and each thread's own errors. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thr.h"

enum { THREADS = 8, ROUNDS = 200 };

static const char text[] =
	"[region rx]\nkind = host\nnum_bufs = 1024\nbuf_size = 2048\n"
	"[port b]\naddress = " MAC_B "\n[rxq b 0-3]\nregions = rx\ndepth = 64\n"
	"[flow b all]\ndst_mac = " MAC_B "\nqueue = 0-3\n[app.mine]\nword = something\n";

static void *read_config(void *arg)
{
	const struct daqiri_config *cfg = arg;
	const char *key, *value;
	uint64_t memory = 0, number;
	char where[128], *all;

	for (int i = 0; i < ROUNDS; i++) {
		value = daqiri_config_get(cfg, "region rx", "num_bufs");
		CHECK(value && !strcmp(value, "1024"), "%s", value ? value : "none");
		CHECK(!daqiri_config_get_u64(cfg, "region rx", "buf_size", &number), "%s",
		      daqiri_error_detail());
		CHECK(number == 2048, "%llu", (unsigned long long)number);
		CHECK(daqiri_config_where(cfg, "port b", "address", where, sizeof(where)) > 0, "%s",
		      daqiri_error_detail());
		CHECK(strstr(where, "test:6"), "%s", where);
		CHECK(!daqiri_config_entry(cfg, "app.mine", 0, &key, &value), "%s",
		      daqiri_error_detail());
		CHECK(daqiri_config_section(cfg, 0), "no section");
		CHECK(!daqiri_config_check(cfg), "%s", daqiri_error_detail());
		CHECK(!memory || memory == daqiri_config_memory(cfg), "another amount of memory");
		memory = daqiri_config_memory(cfg);
		CHECK(!daqiri_config_write(cfg, &all), "%s", daqiri_error_detail());
		CHECK(strstr(all, "something"), "%s", all);
		free(all);
	}
	return NULL;
}

/* What one thread did wrong is told to it and to no other. */
static void *make_errors(void *arg)
{
	struct daqiri_config *cfg = thr_config(text);
	char value[32];

	for (int i = 0; i < ROUNDS; i++) {
		snprintf(value, sizeof(value), "bad-%d-%d", *(int *)arg, i);
		CHECK(daqiri_config_set(cfg, "rxq b 0", "depth", value) == -EINVAL, "%s", value);
		CHECK(strstr(daqiri_error_detail(), value), "%s: %s", value, daqiri_error_detail());
		CHECK(daqiri_strerror(-EINVAL)[0], "no text");
		CHECK(strstr(daqiri_error_detail(), value), "%s: %s", value, daqiri_error_detail());
	}
	daqiri_config_destroy(cfg);
	return NULL;
}

static void *read_keys(void *arg)
{
	struct daqiri_key_info info = {.size = sizeof(info)};
	unsigned n = 0;

	(void)arg;
	while (!daqiri_config_key(n, &info))
		n++;
	CHECK(n > 50, "%u keys", n);
	return NULL;
}

int main(void)
{
	struct daqiri_config *cfg = thr_config(text);
	struct thr threads[3 * THREADS];
	int numbers[THREADS];

	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		thr_start(&threads[3 * i], read_config, cfg);
		thr_start(&threads[3 * i + 1], make_errors, &numbers[i]);
		thr_start(&threads[3 * i + 2], read_keys, NULL);
	}
	thr_join(threads, 3 * THREADS);
	thr_ok("many threads read one configuration");
	thr_ok("each thread has its own error detail");
	daqiri_config_destroy(cfg);
	return thr_done();
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer entry: whatever is parsed can be judged and written, and reads back as the same text.
 *     clang -g -fsanitize=fuzzer,address,undefined -Iinclude tests/fuzz/fuzz_config.c \
 *         BUILD/src/.libs/libdq.a -linih -o fuzz_config
 *     ./fuzz_config -max_len=4096 CORPUS conf tests/data/config
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <daqiri.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *rewrite(const char *text, size_t len, int *err)
{
	struct daqiri_config *cfg;
	char *out = NULL;

	*err = daqiri_config_parse(&cfg, text, len, "fuzz.ini");
	if (*err)
		return NULL;
	if (!daqiri_config_check(cfg))
		daqiri_config_memory(cfg);
	if (daqiri_config_write(cfg, &out))
		abort();
	daqiri_config_destroy(cfg);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *first, *second;
	int err;

	first = rewrite((const char *)data, size, &err);
	if (!first && strncmp(daqiri_error_detail(), "fuzz.ini:", 9))
		abort(); /* every error begins with file and line */
	if (!first)
		return 0;
	second = rewrite(first, strlen(first), &err);
	if (!second || strcmp(first, second))
		abort();
	free(first);
	free(second);
	return 0;
}

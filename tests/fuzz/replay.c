/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target on the inputs in a directory, without a fuzzer: what once was found stays
 * found. Prints TAP, a line for each input. FUZZ_INPUTS names the directory.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes of a file, to be freed; NULL: it cannot be read. */
static uint8_t *read_input(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	long end;

	if (!f)
		return NULL;
	if (!fseek(f, 0, SEEK_END) && (end = ftell(f)) >= 0) {
		rewind(f);
		*size = (size_t)end;
		data = malloc(*size + 1);
	}
	if (data && fread(data, 1, *size, f) != *size) {
		free(data);
		data = NULL;
	}
	fclose(f);
	return data;
}

static int replay(const char *name, int number)
{
	char path[4096];
	uint8_t *data;
	size_t size = 0;

	snprintf(path, sizeof(path), "%s/%s", FUZZ_INPUTS, name);
	data = read_input(path, &size);
	if (data)
		LLVMFuzzerTestOneInput(data, size);
	printf("%sok %d - %s\n", data ? "" : "not ", number, name);
	free(data);
	return !data;
}

int main(void)
{
	DIR *dir = opendir(FUZZ_INPUTS);
	struct dirent *entry;
	int n = 0, failed = 0;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		/* Told before it runs: a crash is then that input's. */
		fprintf(stderr, "%s\n", entry->d_name);
		failed += replay(entry->d_name, ++n);
	}
	if (dir)
		closedir(dir);
	printf("1..%d\n", n);
	return failed || !n;
}

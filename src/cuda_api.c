/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda_api.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define DRIVER "libcuda.so.1"

/* Written once, under once; read-only from then on. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct dq_cuda table;
static const struct dq_cuda *loaded;
static char lack[256];

struct entry {
	const char *name;
	size_t at; /* in struct dq_cuda */
	int needed;
};

static const struct entry entries[] = {
#define F(needed, name, args) {#name, offsetof(struct dq_cuda, name), needed},
#include "cuda_api.def"
#undef F
};

/* The first function that is needed and not there; NULL: all are. */
static const char *fill(void *lib)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		void *symbol = dlsym(lib, entries[i].name);

		if (!symbol && entries[i].needed)
			return entries[i].name;
		memcpy((char *)&table + entries[i].at, &symbol, sizeof(symbol));
	}
	return NULL;
}

static void load(void)
{
	void *lib = dlopen(DRIVER, RTLD_NOW | RTLD_LOCAL);
	const char *missing;
	unsigned error;

	if (!lib) {
		snprintf(lack, sizeof(lack), "no CUDA driver: %s: install NVIDIA's", dlerror());
		return;
	}
	missing = fill(lib);
	if (missing) {
		snprintf(lack, sizeof(lack), "this " DRIVER " is too old: it lacks %s: update it",
			 missing);
		dlclose(lib);
		return;
	}
	error = table.cuInit(0);
	if (error)
		dq_cuda_text(lack, sizeof(lack), "cuInit", error);
	else
		loaded = &table; /* and never unloaded: CUDA cannot be */
}

const struct dq_cuda *dq_cuda(void)
{
	pthread_once(&once, load);
	return loaded;
}

const char *dq_cuda_lack(void)
{
	return lack;
}

const struct dq_cuda *dq_cuda_if_loaded(void)
{
	void *lib = dlopen(DRIVER, RTLD_NOW | RTLD_NOLOAD);

	if (!lib)
		return NULL;
	dlclose(lib);
	return dq_cuda();
}

void dq_cuda_text(char *buf, size_t size, const char *call, unsigned error)
{
	const char *name = NULL, *text = NULL;

	table.cuGetErrorName(error, &name);
	table.cuGetErrorString(error, &text);
	if (name)
		snprintf(buf, size, "%s: %s (%s)", call, name, text ? text : "?");
	else
		snprintf(buf, size, "%s: error %u", call, error);
}

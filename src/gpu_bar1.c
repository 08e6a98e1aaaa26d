/* SPDX-License-Identifier: Apache-2.0 */
/* The BAR1 of a GPU, by NVML: the driver's library for nvidia-smi, which may be missing. */
#include "gpu.h"

#include <dlfcn.h>
#include <string.h>

/* nvml.h: nvmlBAR1Memory_t, bytes */
struct bar1 {
	unsigned long long total, available, used;
};

struct nvml {
	int (*init)(void);
	int (*shutdown)(void);
	int (*find)(const char *pci, void **device);
	int (*bar1)(void *device, struct bar1 *out);
};

static bool fill(struct nvml *nvml, void *lib)
{
	static const struct {
		const char *name;
		size_t at;
	} functions[] = {
		{"nvmlInit_v2", offsetof(struct nvml, init)},
		{"nvmlShutdown", offsetof(struct nvml, shutdown)},
		{"nvmlDeviceGetHandleByPciBusId_v2", offsetof(struct nvml, find)},
		{"nvmlDeviceGetBAR1MemoryInfo", offsetof(struct nvml, bar1)},
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *symbol = dlsym(lib, functions[i].name);

		if (!symbol)
			return false;
		memcpy((char *)nvml + functions[i].at, &symbol, sizeof(symbol));
	}
	return true;
}

uint64_t dq_gpu_bar1(const char *pci)
{
	void *lib = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL), *device;
	struct bar1 found = {0};
	struct nvml nvml;

	if (!lib)
		return 0;
	if (fill(&nvml, lib) && !nvml.init()) {
		if (nvml.find(pci, &device) || nvml.bar1(device, &found))
			found.total = 0;
		nvml.shutdown();
	}
	dlclose(lib);
	return found.total;
}

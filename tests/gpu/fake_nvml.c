/* SPDX-License-Identifier: Apache-2.0 */
/* Of NVML what tells a GPU's BAR1. */
#include "fake_cuda.h"

#include <string.h>
#include <strings.h>

/* nvmlBAR1Memory_t */
struct bar1 {
	unsigned long long total, available, used;
};

FAKE_EXPORT int nvmlInit_v2(void);
FAKE_EXPORT int nvmlInit_v2(void)
{
	return 0;
}

FAKE_EXPORT int nvmlShutdown(void);
FAKE_EXPORT int nvmlShutdown(void)
{
	return 0;
}

FAKE_EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char *pci, void **device);
FAKE_EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char *pci, void **device)
{
	for (int i = 0; i < fake_gpu_count(); i++)
		if (!strcasecmp(pci, fake_gpu(i)->pci)) {
			*device = (void *)(uintptr_t)(i + 1);
			return 0;
		}
	return 6; /* NVML_ERROR_NOT_FOUND */
}

FAKE_EXPORT int nvmlDeviceGetBAR1MemoryInfo(void *device, struct bar1 *out);
FAKE_EXPORT int nvmlDeviceGetBAR1MemoryInfo(void *device, struct bar1 *out)
{
	uint64_t bytes = fake_gpu((int)(uintptr_t)device - 1)->bar1;

	if (!bytes)
		return 3; /* NVML_ERROR_NOT_SUPPORTED */
	*out = (struct bar1){.total = bytes, .available = bytes};
	return 0;
}

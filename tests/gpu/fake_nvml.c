/* SPDX-License-Identifier: Apache-2.0 */
/* Of NVML what tells GPUs, their clocks and BAR1; not the UUID, nor why a clock is what it is. */
#include "fake_cuda.h"

#include <stdio.h>
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

/* nvmlPciInfo_t */
struct pci {
	char legacy[16];
	unsigned domain, bus, device, pci_id, subsystem_id;
	char bus_id[32];
};

FAKE_EXPORT int nvmlSystemGetDriverVersion(char *text, unsigned size);
FAKE_EXPORT int nvmlSystemGetDriverVersion(char *text, unsigned size)
{
	snprintf(text, size, "580.65.06");
	return 0;
}

FAKE_EXPORT int nvmlDeviceGetCount_v2(unsigned *count);
FAKE_EXPORT int nvmlDeviceGetCount_v2(unsigned *count)
{
	*count = (unsigned)fake_gpu_count();
	return 0;
}

FAKE_EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device);
FAKE_EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{
	*device = (void *)(uintptr_t)(index + 1);
	return 0;
}

FAKE_EXPORT int nvmlDeviceGetPciInfo_v3(void *device, struct pci *out);
FAKE_EXPORT int nvmlDeviceGetPciInfo_v3(void *device, struct pci *out)
{
	const char *pci = fake_gpu((int)(uintptr_t)device - 1)->pci;

	memset(out, 0, sizeof(*out));
	snprintf(out->bus_id, sizeof(out->bus_id), "%s", pci);
	return sscanf(pci, "%x:%x:%x", &out->domain, &out->bus, &out->device) == 3 ? 0 : 999;
}

FAKE_EXPORT int nvmlDeviceGetName(void *device, char *text, unsigned size);
FAKE_EXPORT int nvmlDeviceGetName(void *device, char *text, unsigned size)
{
	snprintf(text, size, "%s", fake_gpu((int)(uintptr_t)device - 1)->name);
	return 0;
}

/* nvmlClockType_t: 1 SM, 2 memory */
FAKE_EXPORT int nvmlDeviceGetClockInfo(void *device, unsigned clock, unsigned *mhz);
FAKE_EXPORT int nvmlDeviceGetClockInfo(void *device, unsigned clock, unsigned *mhz)
{
	(void)device;
	*mhz = clock == 1 ? 1905 : 2600;
	return 0;
}

FAKE_EXPORT int nvmlDeviceGetMaxClockInfo(void *device, unsigned clock, unsigned *mhz);
FAKE_EXPORT int nvmlDeviceGetMaxClockInfo(void *device, unsigned clock, unsigned *mhz)
{
	(void)device;
	*mhz = clock == 1 ? 1980 : 2619;
	return 0;
}

FAKE_EXPORT int nvmlDeviceGetPersistenceMode(void *device, unsigned *on);
FAKE_EXPORT int nvmlDeviceGetPersistenceMode(void *device, unsigned *on)
{
	(void)device;
	*on = 1;
	return 0;
}

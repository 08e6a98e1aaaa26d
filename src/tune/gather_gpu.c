/* SPDX-License-Identifier: Apache-2.0 */
/* NVML and CUDA, loaded where they are installed. The prototypes are those of nvml.h and cuda.h. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "facts.h"

typedef void *nvml_device;

struct nvml_pci { /* nvmlPciInfo_t */
	char legacy[16];
	unsigned domain, bus, device, pci_id, subsystem_id;
	char bus_id[32];
};

struct nvml_bar1 { /* nvmlBAR1Memory_t, bytes */
	unsigned long long total, free, used;
};

enum { NVML_CLOCK_SM = 1, NVML_CLOCK_MEM = 2 };

static struct {
	int (*init)(void);
	int (*shutdown)(void);
	int (*driver)(char *, unsigned);
	int (*count)(unsigned *);
	int (*by_index)(unsigned, nvml_device *);
	int (*pci)(nvml_device, struct nvml_pci *);
	int (*name)(nvml_device, char *, unsigned);
	int (*uuid)(nvml_device, char *, unsigned);
	int (*clock)(nvml_device, unsigned, unsigned *);
	int (*max_clock)(nvml_device, unsigned, unsigned *);
	int (*persistence)(nvml_device, unsigned *);
	int (*reasons)(nvml_device, unsigned long long *);
	int (*bar1)(nvml_device, struct nvml_bar1 *);
} nvml;

/* Without the first ones no GPU is told from another; of the rest each is one fact. */
enum { NVML_REQUIRED = 5 };

static const struct {
	const char *name;
	void **to;
} nvml_symbols[] = {
	{"nvmlInit_v2", (void **)&nvml.init},
	{"nvmlShutdown", (void **)&nvml.shutdown},
	{"nvmlDeviceGetCount_v2", (void **)&nvml.count},
	{"nvmlDeviceGetHandleByIndex_v2", (void **)&nvml.by_index},
	{"nvmlDeviceGetPciInfo_v3", (void **)&nvml.pci},
	{"nvmlSystemGetDriverVersion", (void **)&nvml.driver},
	{"nvmlDeviceGetName", (void **)&nvml.name},
	{"nvmlDeviceGetUUID", (void **)&nvml.uuid},
	{"nvmlDeviceGetClockInfo", (void **)&nvml.clock},
	{"nvmlDeviceGetMaxClockInfo", (void **)&nvml.max_clock},
	{"nvmlDeviceGetPersistenceMode", (void **)&nvml.persistence},
	{"nvmlDeviceGetCurrentClocksThrottleReasons", (void **)&nvml.reasons},
	{"nvmlDeviceGetBAR1MemoryInfo", (void **)&nvml.bar1},
};

static void set_int(json_t *o, const char *key, unsigned long long value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

static void add_clocks(json_t *o, nvml_device dev)
{
	const struct {
		const char *key;
		int (*ask)(nvml_device, unsigned, unsigned *);
		unsigned clock;
	} clocks[] = {{"clock_sm_mhz", nvml.clock, NVML_CLOCK_SM},
		      {"clock_mem_mhz", nvml.clock, NVML_CLOCK_MEM},
		      {"max_sm_mhz", nvml.max_clock, NVML_CLOCK_SM},
		      {"max_mem_mhz", nvml.max_clock, NVML_CLOCK_MEM}};
	unsigned mhz;

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++)
		if (clocks[i].ask && !clocks[i].ask(dev, clocks[i].clock, &mhz))
			set_int(o, clocks[i].key, mhz);
}

static json_t *nvml_gpu(unsigned index)
{
	unsigned long long reasons;
	struct nvml_bar1 bar1;
	struct nvml_pci pci;
	json_t *o = json_object();
	char text[96];
	nvml_device dev;
	unsigned on;

	set_int(o, "index", index);
	if (nvml.by_index(index, &dev))
		return o;
	if (!nvml.pci(dev, &pci)) {
		snprintf(text, sizeof(text), "%04x:%02x:%02x.0", pci.domain, pci.bus, pci.device);
		json_object_set_new(o, "pci", json_string(text));
	}
	if (nvml.name && !nvml.name(dev, text, sizeof(text)))
		json_object_set_new(o, "name", json_string(text));
	if (nvml.uuid && !nvml.uuid(dev, text, sizeof(text)))
		json_object_set_new(o, "uuid", json_string(text));
	add_clocks(o, dev);
	if (nvml.persistence && !nvml.persistence(dev, &on))
		json_object_set_new(o, "persistence", json_boolean(on));
	if (nvml.reasons && !nvml.reasons(dev, &reasons)) /* bit 0: nvmlClocksEventReasonGpuIdle */
		json_object_set_new(o, "idle", json_boolean(reasons & 1));
	if (nvml.bar1 && !nvml.bar1(dev, &bar1))
		set_int(o, "bar1_mib", bar1.total >> 20);
	return o;
}

json_t *tune_gather_nvml(void)
{
	void *lib = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
	json_t *o, *gpus;
	unsigned n = 0;
	char text[96];

	for (unsigned i = 0; lib && i < sizeof(nvml_symbols) / sizeof(nvml_symbols[0]); i++) {
		*nvml_symbols[i].to = dlsym(lib, nvml_symbols[i].name);
		if (!*nvml_symbols[i].to && i < NVML_REQUIRED)
			return NULL;
	}
	if (!lib || nvml.init())
		return NULL;
	o = json_object();
	gpus = json_array();
	if (nvml.driver && !nvml.driver(text, sizeof(text)))
		json_object_set_new(o, "driver", json_string(text));
	nvml.count(&n);
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(gpus, nvml_gpu(i));
	json_object_set_new(o, "gpus", gpus);
	nvml.shutdown();
	return o;
}

enum { /* CUdevice_attribute */
       CU_INTEGRATED = 18,
       CU_GPU_DIRECT_RDMA = 116,
       CU_DMA_BUF = 124
};

static struct {
	int (*init)(unsigned);
	int (*count)(int *);
	int (*attribute)(int *, int, int);
	int (*bus_id)(char *, int, int);
} cuda;

static void add_attribute(json_t *o, const char *key, int attribute, int dev)
{
	int value;

	if (!cuda.attribute(&value, attribute, dev))
		json_object_set_new(o, key, json_boolean(value));
}

/* "0000:06:00.0", or with eight digits before it. */
static json_t *cuda_gpu(int dev)
{
	json_t *o = json_object();
	unsigned domain, bus, slot;
	char id[64];

	if (!cuda.bus_id(id, sizeof(id), dev) &&
	    sscanf(id, "%x:%x:%x", &domain, &bus, &slot) == 3) {
		snprintf(id, sizeof(id), "%04x:%02x:%02x.0", domain, bus, slot);
		json_object_set_new(o, "pci", json_string(id));
	}
	add_attribute(o, "integrated", CU_INTEGRATED, dev);
	add_attribute(o, "gpudirect_rdma", CU_GPU_DIRECT_RDMA, dev);
	add_attribute(o, "dmabuf", CU_DMA_BUF, dev);
	return o;
}

json_t *tune_gather_cuda(void)
{
	static void *lib; /* stays loaded: the driver does not like to be unloaded */
	json_t *o, *gpus;
	int n = 0;

	lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return NULL;
	*(void **)&cuda.init = dlsym(lib, "cuInit");
	*(void **)&cuda.count = dlsym(lib, "cuDeviceGetCount");
	*(void **)&cuda.attribute = dlsym(lib, "cuDeviceGetAttribute");
	*(void **)&cuda.bus_id = dlsym(lib, "cuDeviceGetPCIBusId");
	if (!cuda.init || !cuda.count || !cuda.attribute || !cuda.bus_id || cuda.init(0))
		return NULL;
	o = json_object();
	gpus = json_array();
	cuda.count(&n);
	for (int i = 0; i < n; i++)
		json_array_append_new(gpus, cuda_gpu(i));
	json_object_set_new(o, "gpus", gpus);
	return o;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_MACHINE_H
#define TUNE_MACHINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cores.h"
#include "root.h"

/* What is known of a machine: values only. Reading fills it, judging looks at it. */

#define TUNE_UNKNOWN (-1)

enum tune_platform {
	TUNE_PLATFORM_UNKNOWN,
	TUNE_PLATFORM_IGX,
	TUNE_PLATFORM_SPARK,
	TUNE_PLATFORM_X86,
	TUNE_PLATFORM_OTHER
};

/* Of the PCI Express capability (PCIe base specification 7.5.3). */
struct tune_pcie {
	bool denied; /* the configuration space is there and may not be read: not root */
	bool known;  /* the rest was read */
	unsigned mps_cap, mps, mrrs; /* bytes */
	unsigned speed_cap, speed;   /* 1 = 2.5 GT/s … 6 = 64 GT/s */
	unsigned width_cap, width;
	unsigned devctl; /* where Device Control is in the configuration space */
	int acs;	 /* control bits of Access Control Services; TUNE_UNKNOWN: has none */
};

#define TUNE_BRIDGES 8

struct tune_pci {
	char addr[16];
	char path[TUNE_PATH]; /* sys/devices/… */
	unsigned vendor, device, class;
	int numa;	/* TUNE_UNKNOWN where the kernel says -1 */
	char iommu[16]; /* type of its group: "DMA", "identity"; "" no IOMMU */
	struct tune_pcie pcie;
	unsigned n_up; /* the bridges above, from the root port down */
	struct {
		char addr[16];
		struct tune_pcie pcie;
	} up[TUNE_BRIDGES];
};

#define TUNE_IRQS      256
#define TUNE_ADDRESSES 8

struct tune_nic {
	struct tune_pci pci;
	char rdma[64], netdev[16], phys_port[32], firmware[64], board[64];
	char uverbs[64]; /* what the kernel offers to programs: "uverbs0"; "" nothing */
	char link_layer[24]; /* "Ethernet", "InfiniBand"; "" unknown */
	char state[24];	     /* of the RDMA port: "ACTIVE", "DOWN" */
	char mac[24];
	int carrier; /* 0, 1, TUNE_UNKNOWN */
	long long mtu, max_mtu;
	int pause_rx, pause_tx;
	int listed;    /* by ibv_get_device_list() */
	int mlx5;      /* whether libmlx5 is what makes it one */
	int real_time; /* whether timestamps are the real-time clock's */
	int flex;      /* whether the firmware makes parse graphs */
	char ptp[16];
	bool vf;
	unsigned n_addresses;
	char address[TUNE_ADDRESSES][64];
	bool dynamic[TUNE_ADDRESSES]; /* given for a time, as by DHCP */
	bool addresses_known, addresses6_known;
	unsigned n_addresses6; /* of IPv6: judged, and never set */
	char address6[TUNE_ADDRESSES][64];
	unsigned n_irqs; /* with an affinity that can be read */
	struct tune_cores irq_cores;
};

struct tune_gpu {
	struct tune_pci pci;
	int index;   /* NVML's; TUNE_UNKNOWN */
	int ordinal; /* CUDA's, else NVML's; TUNE_UNKNOWN */
	char name[96], uuid[64];
	int integrated, gpudirect, dmabuf; /* CUDA attributes */
	int persistence, idle;
	int clock_sm, clock_mem, max_sm, max_mem; /* MHz */
	long long bar1;				  /* bytes; from the PCI resource, else NVML's */
	long long bar1_largest;			  /* that the resizable BAR capability offers */
	unsigned
		bar1_sizes; /* all that it offers: bit n is 2^n MiB; 0: it has none, or is unread */
};

struct tune_cpu {
	unsigned id;
	char governor[32]; /* "": no cpufreq */
	int capacity, node;
	long long max_khz;
};

struct tune_pages {
	unsigned long long size; /* bytes */
	int node;		 /* TUNE_UNKNOWN: all nodes together */
	long long total, free;
};

struct tune_flag { /* of the kernel's command line */
	char name[48], value[256];
};

struct tune_machine {
	struct tune_root *root;
	json_t *facts;
	enum tune_platform platform;
	char product[128], kernel[96], arch[32];
	bool container, vm, iommu_known;
	char secure_boot[12], lockdown[24]; /* "on", "off", ""; "none", "integrity", … */
	bool open_modules;
	char gpu_driver[160];
	bool nvidia, peermem;
	int peer_api; /* the peer-memory API in ib_core */
	unsigned n_nics, n_gpus, n_cpus, n_pages, n_nodes, n_flags;
	struct tune_nic *nic;
	struct tune_gpu *gpu;
	struct tune_cpu *cpu;
	struct tune_pages *pages;
	struct tune_flag *flag;
	char mounts[1024]; /* of hugetlbfs: "/dev/hugepages (2M)", … */
	struct tune_cores isolated, nohz_full, online;
	bool isolated_known, nohz_known;
	char grub[4096]; /* lines of /etc/default/grub* that set the command line */
	int irqbalance;	 /* 1 runs, 0 does not */
	char irqbalance_banned[128];
	long long memlock; /* bytes; -1 unlimited, -2 unknown */
	bool ipc_lock;	   /* CAP_IPC_LOCK: the limit does not count */
};

/* What is not there is left unknown. -ENOMEM only. */
int tune_machine_read(struct tune_machine *m, struct tune_root *root, json_t *facts);
void tune_machine_free(struct tune_machine *m);

bool tune_machine_module(const struct tune_machine *m, const char *name);
const char *tune_machine_flag(const struct tune_machine *m, const char *name, unsigned nth);
int tune_machine_node_of(const struct tune_machine *m, unsigned core);
const char *tune_platform_name(enum tune_platform p);
int tune_platform_parse(enum tune_platform *p, const char *name);
const char *tune_nic_name(const struct tune_nic *nic);
/* Whether the kernel lets nobody at PCI configuration space and /dev/mem. */
bool tune_machine_locked(const struct tune_machine *m);
/* The size of huge pages to ask for: the guide's 1 GiB or 512 MiB where the kernel has them. */
unsigned long long tune_machine_page(const struct tune_machine *m);
bool tune_gpu_integrated(const struct tune_machine *m, const struct tune_gpu *gpu);

/* The cores of the largest capacity, where they differ; none else. */
void tune_big_cores(const struct tune_machine *m, struct tune_cores *big);

/* Whether a NIC reaches a GPU's memory by dma-buf; by anything. */
bool tune_gpu_dmabuf(const struct tune_machine *m, const struct tune_gpu *gpu);
bool tune_gpu_reachable(const struct tune_machine *m, const struct tune_gpu *gpu);

/* Parts of reading. */
int tune_read_nics(struct tune_machine *m);
int tune_read_gpus(struct tune_machine *m);
int tune_read_cpus(struct tune_machine *m);
int tune_read_memory(struct tune_machine *m);
int tune_read_boot(struct tune_machine *m);
void tune_read_system(struct tune_machine *m);

/* One more element of size bytes, zeroed; NULL: no memory. */
void *tune_grow(void *array, unsigned *n, size_t size);
#define TUNE_GROW(m, what, count) tune_grow(&(m)->what, &(m)->count, sizeof(*(m)->what))

/* Of facts: NULL and TUNE_UNKNOWN where there is nothing of the kind. */
const char *tune_fact_text(const json_t *facts, const char *section, const char *key);
json_t *tune_fact(const json_t *facts, const char *section, const char *key);
int tune_fact_int(const json_t *object, const char *key);
void tune_fact_put(const json_t *object, const char *key, char *dst, size_t size);

#endif

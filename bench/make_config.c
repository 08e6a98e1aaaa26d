/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --make-config: a configuration that suits this machine, on standard output. Ports are those that
 * were named, else two that are not one another's; memory is a GPU's where a NIC is given it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "msg.h"
#include "ports.h"

#define RX_BUFS	  16384u
#define TX_BUFS	  4096u
#define MIN_BUFS  256u /* fewer are of no use */
#define MAX_PORTS 16u

struct machine {
	unsigned n;
	struct daqiri_port_info ports[MAX_PORTS];
	const struct daqiri_port_info *tx, *rx; /* NULL: no such end */
	struct daqiri_gpu_info gpu;		/* index -1: none */
	const char *kind;
	const char *why;
	uint64_t buf_size, rx_bufs, tx_bufs;
	int tx_core, rx_core; /* -1: none is named */
};

/* ---- ports ---- */

static int add_port(void *arg, const struct daqiri_port_info *p)
{
	struct machine *m = arg;

	if (p->ethernet && m->n < MAX_PORTS)
		m->ports[m->n++] = *p;
	return 0;
}

static const struct daqiri_port_info *find_port(const struct machine *m, const char *address)
{
	for (unsigned i = 0; i < m->n; i++)
		if (perf_is_port(&m->ports[i], address))
			return &m->ports[i];
	perf_fail("--make-config: this machine has no Ethernet port %s (daqiri-perf --ports lists "
		  "them)",
		  address);
	return NULL;
}

/* How well a port goes with another: up, of another cage, of the same node. */
static unsigned fits(const struct daqiri_port_info *a, const struct daqiri_port_info *b)
{
	bool same_cage = *a->phys_port && !strcmp(a->phys_port, b->phys_port);

	return 4u * b->link_up + 2u * !same_cage + (a->numa_node == b->numa_node);
}

static const struct daqiri_port_info *partner(const struct machine *m,
					      const struct daqiri_port_info *of)
{
	const struct daqiri_port_info *best = NULL;

	for (unsigned i = 0; i < m->n; i++) {
		const struct daqiri_port_info *p = &m->ports[i];

		if (p != of && (!best || fits(of, p) > fits(of, best)))
			best = p;
	}
	return best;
}

/* Both ends where none is named. */
static int choose_ports(struct machine *m, const struct perf_options *o)
{
	int ret = daqiri_port_each(add_port, m);

	if (ret)
		return perf_fail_library(ret);
	if ((o->make_tx && !(m->tx = find_port(m, o->make_tx))) ||
	    (o->make_rx && !(m->rx = find_port(m, o->make_rx))))
		return -1;
	if (m->tx || m->rx)
		return 0;
	if (m->n < 2)
		return perf_fail(
			"--make-config: this machine has %u Ethernet port%s: name the end that "
			"it is to be, tx=PORT or rx=PORT",
			m->n, m->n == 1 ? "" : "s");
	m->tx = &m->ports[0];
	for (unsigned i = m->n; i-- > 0;)
		if (m->ports[i].link_up)
			m->tx = &m->ports[i];
	m->rx = partner(m, m->tx);
	return 0;
}

/* ---- the GPU, and the kind of memory ---- */

static int choose_gpu(struct machine *m, const char *wanted)
{
	const struct daqiri_port_info *port = m->rx ? m->rx : m->tx;
	struct daqiri_gpu_info gpu = {.size = sizeof(gpu)};
	char index[16];

	m->gpu.index = -1;
	if (wanted && strcmp(wanted, "auto") != 0) {
		if (!strcmp(wanted, "none"))
			return 0;
		m->gpu.size = sizeof(m->gpu);
		return daqiri_gpu_info(wanted, &m->gpu) ? perf_fail("%s", daqiri_error_detail())
							: 0;
	}
	for (int i = 0; i < 64; i++) {
		bool nearer;

		snprintf(index, sizeof(index), "%d", i);
		if (daqiri_gpu_info(index, &gpu))
			break;
		nearer = gpu.integrated == m->gpu.integrated &&
			 gpu.numa_node == port->numa_node && m->gpu.numa_node != port->numa_node;
		if (m->gpu.index < 0 || (m->gpu.integrated && !gpu.integrated) || nearer)
			m->gpu = gpu;
	}
	return 0;
}

static uint64_t read_number(const char *path)
{
	unsigned long long v = 0;
	FILE *f = fopen(path, "re");

	if (f) {
		if (fscanf(f, "%llu", &v) != 1)
			v = 0;
		fclose(f);
	}
	return v;
}

static uint64_t bytes(const struct machine *m)
{
	uint64_t stride = (m->buf_size + 63) / 64 * 64;

	return stride * ((m->rx ? m->rx_bufs : 0) + (m->tx ? m->tx_bufs : 0));
}

/* Each region is a whole number of pages. */
static bool huge_pages_suffice(const struct machine *m)
{
	const uint64_t page = 2u << 20;
	uint64_t have = read_number("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");

	return have >= bytes(m) / page + 2;
}

static void choose_kind(struct machine *m)
{
	bool gpu = m->gpu.index >= 0;

	m->kind = "host";
	m->why = "no GPU is used, and huge pages, which are faster, are too few";
	if (gpu && !m->gpu.integrated && (m->gpu.dmabuf || m->gpu.peermem)) {
		m->kind = "device";
		m->why = m->gpu.dmabuf ? "the GPU's memory, as a dma-buf"
				       : "the GPU's memory, by nvidia_peermem";
	} else if (gpu) {
		m->kind = "host_pinned";
		m->why = m->gpu.integrated
				 ? "an integrated GPU shares the host's memory"
				 : "the GPU exports no memory, and nvidia_peermem is not loaded";
	} else if (huge_pages_suffice(m)) {
		m->kind = "huge";
		m->why = "there are huge pages enough";
	}
}

/* Half the BAR1 at most: other programs want some of it. */
static int choose_sizes(struct machine *m)
{
	uint32_t rx_mtu = m->rx ? m->rx->mtu : 0, tx_mtu = m->tx ? m->tx->mtu : 0;
	uint32_t mtu = rx_mtu > tx_mtu ? rx_mtu : tx_mtu;

	m->rx_bufs = RX_BUFS;
	m->tx_bufs = TX_BUFS;
	m->buf_size = ((uint64_t)(mtu ? mtu : 1500) + 22 + 63) / 64 * 64; /* Ethernet, VLAN, FCS */
	choose_kind(m);
	while (!strcmp(m->kind, "device") && m->gpu.bar1 && bytes(m) > m->gpu.bar1 / 2) {
		m->rx_bufs /= 2;
		m->tx_bufs /= 2;
	}
	return m->tx_bufs >= MIN_BUFS
		       ? 0
		       : perf_fail("--make-config: the BAR1 of GPU %d, %s, is too small "
				   "for packets: %llu bytes; gpu=none does without it",
				   m->gpu.index, m->gpu.name, (unsigned long long)m->gpu.bar1);
}

/* ---- cores ---- */

static int choose_core(const struct daqiri_port_info *p, int other)
{
	char local[160];

	snprintf(local, sizeof(local), "/sys/class/infiniband/%s/device/local_cpulist", p->rdma);
	return perf_cpu_choose(local, other);
}

/* The program's other threads, and the emulated device's, want cores too. */
static void choose_cores(struct machine *m)
{
	m->tx_core = m->rx_core = -1;
	if (perf_cpu_n_usable() < 4)
		return;
	if (m->rx)
		m->rx_core = choose_core(m->rx, -1);
	if (m->tx)
		m->tx_core = choose_core(m->tx, m->rx_core);
}

/* ---- writing ---- */

static void put_address(const struct daqiri_port_info *p)
{
	printf("# %s, %s, %s, MTU %u%s\n", p->rdma, *p->netdev ? p->netdev : "no network interface",
	       p->link_up ? "up" : "down", p->mtu, p->emulated ? ", emulated" : "");
	if (*p->pci && p->port_num == 1)
		printf("address = %s\n", p->pci);
	else if (*p->netdev)
		printf("address = %s\n", p->netdev);
	else
		printf("address = %s\n", p->rdma);
}

static void put_region(const struct machine *m, const char *name, uint64_t bufs)
{
	printf("[region %s]\nkind = %s\n", name, m->kind);
	if (m->gpu.index >= 0)
		printf("affinity = %s            # %s\n", *m->gpu.uuid ? m->gpu.uuid : "auto",
		       m->gpu.name);
	printf("num_bufs = %llu\nbuf_size = %llu\n\n", (unsigned long long)bufs,
	       (unsigned long long)m->buf_size);
}

/* One port that is both ends sends to itself. */
static const char *port_name(const struct machine *m, bool rx)
{
	return m->tx == m->rx ? "p" : rx ? "rx" : "tx";
}

static void put_port(const struct machine *m, bool rx)
{
	printf("[port %s]\n", port_name(m, rx));
	put_address(rx ? m->rx : m->tx);
	if (m->tx == m->rx)
		printf("loopback = hw              # frames turn round before the cable\n");
	putchar('\n');
}

static void put_end(const struct machine *m, bool rx)
{
	const char *name = rx ? "rx" : "tx", *port = port_name(m, rx);
	int core = rx ? m->rx_core : m->tx_core;

	put_region(m, name, rx ? m->rx_bufs : m->tx_bufs);
	if (!rx || m->tx != m->rx)
		put_port(m, rx);
	printf("[%sq %s 0]\nregions = %s\n", name, port, name);
	if (core >= 0)
		printf("cpu_core = %d\n", core);
	if (rx)
		printf("\n[flow %s test]\nudp_dst = 5000\nqueue = 0\n", port);
	putchar('\n');
}

/* What passes both ports; 0: neither tells. */
static uint32_t smaller_mtu(const struct machine *m)
{
	uint32_t tx = m->tx ? m->tx->mtu : 0, rx = m->rx ? m->rx->mtu : 0;

	return tx && (!rx || tx < rx) ? tx : rx;
}

static void put_stream(const struct machine *m)
{
	uint32_t mtu = smaller_mtu(m);

	printf("[stream one]\n");
	if (m->tx)
		printf("tx = %s 0\n", port_name(m, false));
	if (m->rx)
		printf("rx = %s 0\n", port_name(m, true));
	if (m->tx && !m->rx)
		printf("# dst_mac = the receiving port's: daqiri-perf --ports on the other host\n");
	printf("size = %u\nudp = 4000-4063 > 5000\n", (mtu ? mtu : 1500) + 14);
	if (m->gpu.index >= 0)
		printf("batch = 256                # one kernel writes, one checks so many "
		       "frames\n");
}

int perf_make_config(const struct perf_options *o)
{
	struct machine m = {0};

	m.gpu.size = sizeof(m.gpu);
	if (choose_ports(&m, o))
		return 1;
	if (choose_gpu(&m, o->make_gpu) || choose_sizes(&m))
		return 1;
	choose_cores(&m);
	printf("# Made by daqiri-perf --make-config for this machine. Memory: %s.\n\n", m.why);
	if (m.tx)
		put_end(&m, false);
	if (m.rx)
		put_end(&m, true);
	put_stream(&m);
	return 0;
}

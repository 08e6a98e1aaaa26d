/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receives into a GPU's memory and adds up there what each flow brings: packets, bytes, and the sum of
 * the 32-bit numbers behind the UDP header.
 *
 *     nvcc -o gpu_sum gpu_sum.cu $(pkg-config --cflags --libs libdaqiri)
 *     ./gpu_sum rx.ini rx 0        port "rx", queue 0; [region] kind = device or host_pinned
 *
 * Two batches are under way: while kernels read one, the next is polled. Packets go back to the NIC
 * when the kernel that reads them has ended.
 */
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <cuda_runtime.h>
#include <daqiri_gpu.cuh>

enum { BATCH = 1024, FLOWS = 256, HEADERS = 42 /* Ethernet, IPv4, UDP */ };

struct totals {
	unsigned long long packets, bytes, sum;
};

/* One warp a packet. */
__global__ void add_up(struct daqiri_gpu_batch batch, struct totals *flows)
{
	uint32_t i = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
	const struct daqiri_pkt *pkt = daqiri_gpu_pkt(&batch, i);
	unsigned long long sum = 0;
	const uint8_t *word;

	if (!pkt)
		return;
	for (uint32_t at = HEADERS + 4 * lane; (word = daqiri_gpu_bytes(&batch, i, at, 4)); at += 128)
		sum += daqiri_gpu_be32(word);
	for (int mask = 16; mask; mask /= 2)
		sum += __shfl_xor_sync(0xffffffff, sum, mask);
	if (lane)
		return;
	struct totals *t = &flows[daqiri_gpu_flow(pkt) % FLOWS];
	atomicAdd(&t->packets, 1ull);
	atomicAdd(&t->bytes, (unsigned long long)pkt->len);
	atomicAdd(&t->sum, sum);
}

static volatile sig_atomic_t stop;

static void on_interrupt(int)
{
	stop = 1;
}

static void check(cudaError_t error, const char *what)
{
	if (error == cudaSuccess)
		return;
	fprintf(stderr, "gpu_sum: %s: %s\n", what, cudaGetErrorString(error));
	exit(1);
}

/* Descriptors lie where the CPU writes and the GPU reads them. */
struct slot {
	struct daqiri_pkt *pkts;
	struct daqiri_pkt *gpu_pkts;
	cudaEvent_t done;
	int n;
};

static void make(struct slot *s)
{
	check(cudaHostAlloc((void **)&s->pkts, BATCH * sizeof(*s->pkts), cudaHostAllocMapped),
	      "cudaHostAlloc");
	check(cudaHostGetDevicePointer((void **)&s->gpu_pkts, s->pkts, 0),
	      "cudaHostGetDevicePointer");
	check(cudaEventCreateWithFlags(&s->done, cudaEventDisableTiming), "cudaEventCreate");
	s->n = 0;
}

static void finish(struct daqiri_rxq *q, struct slot *s)
{
	if (!s->n)
		return;
	check(cudaEventSynchronize(s->done), "add_up");
	daqiri_rx_release(q, s->n);
	s->n = 0;
}

static bool start(struct daqiri_rxq *q, struct slot *s, uint64_t shift, struct totals *flows)
{
	s->n = daqiri_rx_poll(q, s->pkts, BATCH);
	if (s->n <= 0) {
		bool failed = s->n < 0;

		s->n = 0;
		return !failed;
	}
	if (daqiri_rx_gpu_flush(q))
		return false;
	struct daqiri_gpu_batch batch = {s->gpu_pkts, shift, (uint32_t)s->n};
	add_up<<<(s->n + 7) / 8, 256>>>(batch, flows);
	check(cudaGetLastError(), "add_up");
	check(cudaEventRecord(s->done), "cudaEventRecord");
	return true;
}

static void print(const struct totals *flows)
{
	static struct totals copy[FLOWS];

	check(cudaMemcpy(copy, flows, sizeof(copy), cudaMemcpyDeviceToHost), "cudaMemcpy");
	for (int i = 0; i < FLOWS; i++)
		if (copy[i].packets)
			printf("flow %d: %llu packets, %llu bytes, sum %llu\n", i, copy[i].packets,
			       copy[i].bytes, copy[i].sum);
}

int main(int argc, char **argv)
{
	struct daqiri *dq;
	struct daqiri_rxq_info info;
	struct totals *flows;
	struct slot slots[2];

	if (argc != 4) {
		fprintf(stderr, "usage: gpu_sum FILE.ini PORT QUEUE\n");
		return 2;
	}
	if (daqiri_open(&dq, argv[1])) {
		fprintf(stderr, "gpu_sum: %s\n", daqiri_error_detail());
		return 1;
	}
	struct daqiri_port *port = daqiri_port_find(dq, argv[2]);
	struct daqiri_rxq *q = port ? daqiri_rxq_get(port, (unsigned)atoi(argv[3])) : NULL;
	info.size = sizeof(info);
	if (!q || daqiri_rxq_info(q, &info)) {
		fprintf(stderr, "gpu_sum: no queue %s of port %s\n", argv[3], argv[2]);
		daqiri_close(dq);
		return 1;
	}
	uint64_t shift = daqiri_gpu_shift(info.region);
	make(&slots[0]);
	make(&slots[1]);
	check(cudaMalloc((void **)&flows, FLOWS * sizeof(*flows)), "cudaMalloc");
	check(cudaMemset(flows, 0, FLOWS * sizeof(*flows)), "cudaMemset");
	signal(SIGINT, on_interrupt);
	signal(SIGTERM, on_interrupt);
	for (unsigned turn = 0; !stop; turn++) {
		struct slot *s = &slots[turn % 2];

		/* the oldest packets are this slot's: they are released in the order of polling */
		finish(q, s);
		if (!start(q, s, shift, flows))
			break;
	}
	check(cudaDeviceSynchronize(), "add_up");
	if (daqiri_error_detail()[0])
		fprintf(stderr, "gpu_sum: %s\n", daqiri_error_detail());
	print(flows);
	daqiri_close(dq);
	cudaFree(flows);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels of daqiri-perf, compiled for the CPU, write its bytes and give its verdicts. */
#include <criterion/criterion.h>

#include "../../bench/verify.h"

#define perf_at(address, n) ((void)(n), (void *)(uintptr_t)(address))
#include "../../bench/gpu_body.h"

#define MAX 1600u

enum { ID = 0x1234 };

static uint8_t cpu[MAX + 8], gpu[MAX + 8];

/* i: bit 0 IPv6, bit 1 a VLAN tag. */
static struct perf_flow flow_of(unsigned i)
{
	struct perf_flow f = {
		.dst_mac = {2, 0xda, 1, 0, 0, 2},
		.src_mac = {2, 0xda, 1, 0, 0, 1},
		.vlan = i & 2 ? 100 : -1,
		.ipv6 = i & 1,
		.src_ip = {198, 18, 0, 1},
		.dst_ip = {198, 18, 0, 2},
	};

	f.src_ip[15] = 1;
	f.dst_ip[15] = 2;
	return f;
}

static uint32_t head; /* bytes of the first of two pieces; 0: frames are in one */

/* A frame's descriptor becomes those of two pieces, the second one lying behind the first. */
static void cut(struct daqiri_pkt *pkt, struct daqiri_pkt *rest)
{
	uint32_t len = pkt->len;

	if (pkt->len > head)
		pkt->len = head;
	*rest = *pkt;
	rest->addr += pkt->len;
	rest->len = len - pkt->len;
}

static void fill_gpu(const struct perf_headers *h, uint64_t seq, enum perf_type type)
{
	struct daqiri_pkt pkt = {.addr = (uint64_t)(uintptr_t)gpu - 64, .len = h->frame_len}, rest;
	struct perf_gpu_fill p = {
		.pkts = (uint64_t)(uintptr_t)&pkt,
		.headers = (uint64_t)(uintptr_t)h,
		.shift = 64,
		.seq = seq,
		.time_ns = 0x123456789abc,
		.n = 1,
		.n_sizes = 1,
		.n_src = 64,
		.n_dst = 3,
		.src_lo = 4000,
		.dst_lo = 5000,
		.stream = ID,
		.type = (uint8_t)type,
	};

	if (head) {
		cut(&pkt, &rest);
		p.rests = (uint64_t)(uintptr_t)&rest;
		p.rest_shift = 64;
	}
	perf_gpu_fill_one(&p, 0);
}

static void fill_cpu(const struct perf_headers *h, uint64_t seq, enum perf_type type)
{
	struct perf_mark m = {.type = type, .stream = ID, .seq = seq, .time_ns = 0x123456789abc};
	struct perf_ports ports = {(uint16_t)(4000 + seq % 64), (uint16_t)(5000 + seq / 64 % 3)};

	perf_frame_write(cpu, h, ports, &m);
}

static void write_all(void)
{
	for (unsigned i = 0; i < 4; i++)
		for (uint32_t size = 86; size < MAX; size += size < 120 ? 1 : 97) {
			const struct perf_flow flow = flow_of(i);
			uint64_t seq = size * 1000003ull;
			struct perf_headers h;

			memset(cpu, 0x5a, sizeof(cpu));
			memset(gpu, 0x5a, sizeof(gpu));
			perf_headers_build(&h, &flow, size);
			fill_cpu(&h, seq, PERF_DATA);
			fill_gpu(&h, seq, PERF_DATA);
			cr_assert_arr_eq(cpu, gpu, sizeof(cpu), "kind %u, %u bytes, cut at %u", i,
					 size, head);
		}
}

Test(perf_gpu, writes_the_same_bytes)
{
	write_all();
	for (head = PERF_GPU_HEAD; head < 140; head++)
		write_all();
}

/* As daqiri-perf combines them: the kernel's judgement, then the L2 header by the CPU. */
static enum perf_judgement gpu_judges(const struct perf_expect *e, uint32_t len,
				      enum perf_verify_mode mode, struct perf_mark *mark)
{
	struct perf_gpu_expect expect = {.id = e->id,
					 .dst_lo = e->udp.dst_lo,
					 .dst_hi = e->udp.dst_hi,
					 .ipv6 = e->flow.ipv6};
	struct daqiri_pkt pkt = {.addr = (uint64_t)(uintptr_t)cpu, .len = len}, rest;
	struct perf_gpu_result r;
	struct perf_gpu_check p = {.pkts = (uint64_t)(uintptr_t)&pkt,
				   .results = (uint64_t)(uintptr_t)&r,
				   .expects = (uint64_t)(uintptr_t)&expect,
				   .n = 1,
				   .n_expects = 1,
				   .mode = (uint32_t)mode};

	memcpy(expect.dst_ip, e->flow.dst_ip, sizeof(expect.dst_ip));
	if (head) {
		cut(&pkt, &rest);
		p.rests = (uint64_t)(uintptr_t)&rest;
	}
	perf_gpu_check_one(&p, 0);
	mark->seq = r.seq;
	mark->time_ns = r.time_ns;
	if (r.path_len && (r.path_len != e->path_len || memcmp(r.path, e->path, e->path_len) ||
			   r.hops != e->path[e->path_len]))
		return PERF_BAD_HEADER;
	return (enum perf_judgement)r.judgement;
}

static void compare(const struct perf_expect *expect, uint32_t len, enum perf_verify_mode mode)
{
	struct perf_expect e = *expect;
	struct perf_mark a = {0}, b = {0};
	enum perf_judgement want, got;
	struct perf_verifier *v;

	cr_assert_eq(perf_verifier_create(&v, mode, &e, 1), 0);
	want = perf_verify(v, cpu, len, &a);
	got = gpu_judges(expect, len, mode, &b);
	cr_assert_eq(got, want, "got %d, not %d", got, want);
	if (want <= PERF_BAD_PAYLOAD)
		cr_assert(a.seq == b.seq && a.time_ns == b.time_ns);
	perf_verifier_destroy(v);
}

/* Every bit of every kind of frame wrong once, and lengths that lie. */
static void compare_all(enum perf_verify_mode mode, enum perf_type type, unsigned i)
{
	const struct perf_flow flow = flow_of(i);
	struct perf_expect e = {.id = ID, .flow = flow, .udp = {4000, 4063, 5000, 5002}};
	struct perf_headers h;

	perf_headers_build(&h, &flow, 119);
	perf_expect_path(&e, &h);
	fill_cpu(&h, 77, type);
	compare(&e, 119, mode);
	for (unsigned bit = 0; bit < 8 * 119; bit++) {
		cpu[bit / 8] ^= (uint8_t)(1 << bit % 8);
		compare(&e, 119, mode);
		cpu[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (uint32_t len = 0; len < 119; len++)
		compare(&e, len, mode);
	e.id ^= 1;
	compare(&e, 119, mode);
}

Test(perf_gpu, gives_the_same_verdicts)
{
	static const uint32_t heads[] = {0, PERF_GPU_HEAD, 87, 90, 100};

	for (unsigned k = 0; k < sizeof(heads) / sizeof(heads[0]); k++)
		for (unsigned i = 0; i < 4; i++)
			for (int mode = PERF_VERIFY_OFF; mode <= PERF_VERIFY_FULL; mode++) {
				head = heads[k];
				compare_all((enum perf_verify_mode)mode, PERF_DATA, i);
				compare_all((enum perf_verify_mode)mode, PERF_END, i);
			}
}

Test(perf_gpu, packs_frames)
{
	struct daqiri_pkt pkts[2] = {{.addr = (uint64_t)(uintptr_t)cpu, .len = 100},
				     {.addr = (uint64_t)(uintptr_t)cpu + 129, .len = 70}};
	struct perf_gpu_gather p = {.pkts = (uint64_t)(uintptr_t)pkts,
				    .out = (uint64_t)(uintptr_t)gpu,
				    .n = 2,
				    .skip = 60,
				    .length = 32};

	for (unsigned i = 0; i < MAX; i++)
		cpu[i] = (uint8_t)(i * 7);
	memset(gpu, 0xff, sizeof(gpu));
	perf_gpu_gather_one(&p, 0);
	perf_gpu_gather_one(&p, 1);
	cr_assert_arr_eq(gpu, cpu + 60, 32);
	cr_assert_arr_eq(gpu + 32, cpu + 129 + 60, 10);
	for (unsigned i = 42; i < 64; i++)
		cr_assert_eq(gpu[i], 0);
	cr_assert_eq(gpu[64], 0xff);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sequences of reserve, post and reap with each way to write WQEs, from positions near every
 * index limit: each frame is sent once, in order, byte for byte, and each slot comes back.
 * DAQIRI_MODEL_PACKETS: how many each gets (10^5).
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "noise.h"
#include "tx_model.h"

enum { SEND = 0x0a, EMPW = 0x29, MIN_LEN = 18, MAX_LEN = 310 };

struct model {
	struct tx_device d;
	uint64_t noise;
	uint64_t posted, sent, done; /* packets, from 0 on */
	uint64_t slots_posted, slots_done, first;
	bool is_slot[TX_DEPTH];	  /* by number, modulo, */
	uint64_t times[TX_DEPTH]; /* likewise: that the first one of a post was to wait for; 0: none
				   */
};

static uint32_t random32(struct model *m)
{
	return noise32(&m->noise);
}

static uint32_t len_of(uint64_t number)
{
	return MIN_LEN + (uint32_t)(number * 2654435761u >> 7) % (MAX_LEN - MIN_LEN + 1);
}

static void make_frame(uint64_t number, uint8_t *frame)
{
	for (uint32_t i = 0; i < len_of(number); i++)
		frame[i] = (uint8_t)(((number + 1) * 0x9e3779b97f4a7c15u >> (i % 57)) + i);
}

static void put_tag(const struct tx_kind *kind, uint8_t *frame)
{
	memmove(frame + 16, frame + 12, MAX_LEN - 12);
	frame[12] = kind->insert == 0x8001 ? 0x88 : 0x81;
	frame[13] = kind->insert == 0x8001 ? 0xa8 : 0x00;
	frame[14] = (uint8_t)(kind->tci >> 8);
	frame[15] = (uint8_t)kind->tci;
}

static void check_sent(void *arg, const uint8_t *frame, uint32_t len)
{
	struct model *m = arg;
	uint8_t want[MAX_LEN + 4];
	uint32_t tag = m->d.kind->insert ? 4 : 0;

	cr_assert_lt(m->sent, m->posted);
	make_frame(m->sent, want);
	if (tag)
		put_tag(m->d.kind, want);
	cr_assert_eq(m->d.waited, m->times[m->sent % TX_DEPTH], "packet %llu: its time",
		     (unsigned long long)m->sent);
	m->d.waited = 0;
	cr_assert_eq(len, len_of(m->sent) + tag, "packet %llu of %s", (unsigned long long)m->sent,
		     m->d.kind->name);
	cr_assert(!memcmp(frame, want, len), "packet %llu of %s, from %llx: changed",
		  (unsigned long long)m->sent, m->d.kind->name, (unsigned long long)m->first);
	m->sent++;
}

static void reap(struct model *m)
{
	uint64_t done = daqiri_tx_completed(&m->d.q) - m->first;

	cr_assert_leq(done, m->sent);
	for (; m->done < done; m->done++)
		m->slots_done += m->is_slot[m->done % TX_DEPTH];
}

/* All slots that are free are shown, in order, and no other. */
static void reserve(struct model *m, struct daqiri_pkt pkts[TX_DEPTH])
{
	int n = daqiri_tx_reserve(&m->d.q, pkts, TX_DEPTH);

	reap(m);
	cr_assert_eq(n, TX_DEPTH - (int)(m->slots_posted - m->slots_done), "%d free slots", n);
	for (int i = 0; i < n; i++)
		cr_assert_eq(pkts[i].addr, (uintptr_t)m->d.mem + (m->slots_posted + (uint64_t)i) %
									 TX_DEPTH * TX_SLOT);
}

/* The frames of the next n packets, in slots and elsewhere. */
static void make_packets(struct model *m, struct daqiri_pkt pkts[TX_DEPTH], unsigned n)
{
	struct daqiri_pkt slots[TX_DEPTH];
	unsigned mix = random32(m) % 4, used = 0;

	reserve(m, slots);
	for (unsigned i = 0; i < n; i++) {
		uint64_t number = m->posted + i;
		bool slot = mix < 2 || (mix == 2 && random32(m) % 2);

		if (slot && used < TX_DEPTH - (m->slots_posted - m->slots_done)) {
			pkts[i] = slots[used++];
		} else {
			slot = false;
			pkts[i] = (struct daqiri_pkt){.addr = (uintptr_t)m->d.others +
							      number % TX_OTHERS * TX_SLOT,
						      .key = daqiri_key_from_lkey(TX_LKEY)};
		}
		pkts[i].len = len_of(number);
		make_frame(number, (uint8_t *)(uintptr_t)pkts[i].addr);
	}
}

/* The library has copied these, and does not read them again. */
static void spoil_copied(const struct model *m, const struct daqiri_pkt *pkts, int n)
{
	for (int i = 0; i < n; i++)
		if (pkts[i].len <= m->d.kind->inline_max && !(m->d.kind->latency && n == 1))
			memset((void *)(uintptr_t)pkts[i].addr, 0xdd, pkts[i].len);
}

/* Some posts have a time, up to two seconds ahead; or past, which is none. */
static int post(struct model *m, const struct daqiri_pkt *pkts, int n)
{
	uint64_t first = m->posted % TX_DEPTH, at;
	int posted;

	if (!m->d.kind->timed || random32(m) % 3 == 0) {
		posted = daqiri_tx_post(&m->d.q, pkts, n);
		at = 0;
	} else {
		bool past = random32(m) % 4 == 0;
		uint64_t off = 1000000000 + random32(m) % 1000000000;

		at = past ? tx_device_now() - off : tx_device_now() + off;
		/* However long this process was not run: it need not ask. */
		m->d.timer.sure_ns = at + off;
		posted = daqiri_tx_post_at(&m->d.q, pkts, n, at);
		at = past ? 0 : at;
	}
	if (posted > 0)
		m->times[first] = at;
	for (int i = 1; i < posted; i++)
		m->times[(first + (uint64_t)i) % TX_DEPTH] = 0;
	return posted;
}

static void post_some(struct model *m)
{
	struct daqiri_pkt pkts[TX_DEPTH];
	unsigned n = random32(m) % 4 ? random32(m) % 5 : random32(m) % (TX_DEPTH + 1);
	int room = TX_DEPTH - (int)(m->posted - m->done), posted;

	make_packets(m, pkts, n);
	for (unsigned i = 0; i < n; i++) {
		uint64_t at = pkts[i].addr - (uintptr_t)m->d.mem;

		if ((int)i < room || m->posted + i - m->done < TX_DEPTH)
			m->is_slot[(m->posted + i) % TX_DEPTH] = at < sizeof(m->d.mem);
	}
	posted = post(m, pkts, (int)n);
	cr_assert_geq(posted, (int)n < room ? (int)n : room);
	if (!posted)
		return;
	for (int i = 0; i < posted; i++)
		m->slots_posted += m->is_slot[m->posted++ % TX_DEPTH];
	spoil_copied(m, pkts, posted);
	tx_device_check_doorbell(&m->d, (unsigned)posted);
}

static void send_some(struct model *m)
{
	tx_device_run(&m->d, random32(m) % 8);
}

static void run(const struct tx_kind *kind, uint32_t start, uint64_t packets)
{
	static struct model m;

	memset(&m, 0, sizeof(m));
	m.noise = 0x2545f4914f6cdd1d + start;
	m.first = start;
	tx_device_init(&m.d, kind, start);
	m.d.sent = check_sent;
	m.d.arg = &m;
	while (m.posted < packets) {
		static void (*const steps[])(struct model *) = {post_some, post_some, send_some,
								send_some, reap};

		steps[random32(&m) % 5](&m);
	}
	tx_device_run(&m.d, 2 * TX_DEPTH);
	reap(&m);
	cr_assert_eq(m.done, m.posted);
	cr_assert_eq(m.d.ci, m.d.q.pi);
	cr_assert_eq(m.slots_done, m.slots_posted);
}

static void run_at_every_limit(const struct tx_kind *kind)
{
	static const uint32_t starts[] = {0, 0x10000 - 1000, 0x1000000 - 1000, 0u - 1000};
	const char *packets = getenv("DAQIRI_MODEL_PACKETS");

	for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct tx_kind with = *kind;

		/* None, that of L3, that of L4, both. */
		with.cs_flags = (uint8_t)(i << 6);
		run(&with, starts[i], packets ? strtoull(packets, NULL, 0) : 100000);
	}
}

/* A test for each kind of queue with each set of instructions, and with tx_latency. */
#define MODEL(what, isa, writer, code, ptrs, bytes)                                                \
	Test(tx_model, what##_##isa)                                                               \
	{                                                                                          \
		static const struct tx_kind kinds[] = {{.name = #what " " #isa,                    \
							.write = writer##_##isa,                   \
							.opcode = code,                            \
							.max_ptrs = ptrs,                          \
							.inline_max = bytes},                      \
						       {.name = #what " " #isa " latency",         \
							.write = writer##_##isa,                   \
							.latency = dq_tx_write_latency,            \
							.opcode = code,                            \
							.max_ptrs = ptrs,                          \
							.inline_max = bytes}};                     \
		if (!HAS_##isa)                                                                    \
			cr_skip_test("no " #isa);                                                  \
		run_at_every_limit(&kinds[0]);                                                     \
		run_at_every_limit(&kinds[1]);                                                     \
	}

#define MODELS(isa)                                                                                \
	MODEL(empw, isa, dq_tx_write_empw, EMPW, 58, 0)                                            \
	MODEL(short_empw, isa, dq_tx_write_empw, EMPW, 14, 0)                                      \
	MODEL(send, isa, dq_tx_write_send, SEND, 58, 0)
#define INLINE_MODELS(isa)                                                                         \
	MODEL(inline_64, isa, dq_tx_write_empw_inline, EMPW, 58, 64)                               \
	MODEL(inline_128, isa, dq_tx_write_empw_inline, EMPW, 58, 128)                             \
	MODEL(inline_all, isa, dq_tx_write_empw_inline, EMPW, 58, 310)                             \
	MODEL(short_inline, isa, dq_tx_write_empw_inline, EMPW, 10, 156)

#define HAS_portable 1
MODELS(portable)
INLINE_MODELS(portable)
#ifdef __x86_64__
#define HAS_sse42 dq_simd_has(DQ_SIMD_SSE42)
#define HAS_avx2  dq_simd_has(DQ_SIMD_AVX2)
MODELS(sse42)
MODELS(avx2)
INLINE_MODELS(avx2)
#endif

Test(tx_model, header_inline)
{
	static const struct tx_kind kinds[] = {{.name = "header",
						.write = dq_tx_write_send_inline,
						.opcode = SEND,
						.max_ptrs = 58},
					       {.name = "header latency",
						.write = dq_tx_write_send_inline,
						.latency = dq_tx_write_latency_l2,
						.opcode = SEND,
						.max_ptrs = 58}};

	run_at_every_limit(&kinds[0]);
	run_at_every_limit(&kinds[1]);
}

/* Tags that the device puts in, of both kinds; posts with times, alone and of many. */
#define OFFLOADS(isa)                                                                              \
	Test(tx_model, tags_##isa)                                                                 \
	{                                                                                          \
		struct tx_kind kind = {.name = "tags " #isa,                                       \
				       .write = dq_tx_write_send_##isa,                            \
				       .opcode = SEND,                                             \
				       .max_ptrs = 58,                                             \
				       .insert = 0x8000,                                           \
				       .tci = 0x6005};                                             \
		if (!HAS_##isa)                                                                    \
			cr_skip_test("no " #isa);                                                  \
		run_at_every_limit(&kind);                                                         \
		kind.insert = 0x8001;                                                              \
		kind.latency = dq_tx_write_latency;                                                \
		run_at_every_limit(&kind);                                                         \
	}                                                                                          \
	Test(tx_model, times_##isa)                                                                \
	{                                                                                          \
		struct tx_kind kind = {.name = "times " #isa,                                      \
				       .write = dq_tx_write_empw_##isa,                            \
				       .opcode = EMPW,                                             \
				       .max_ptrs = 58,                                             \
				       .timed = true};                                             \
		if (!HAS_##isa)                                                                    \
			cr_skip_test("no " #isa);                                                  \
		run_at_every_limit(&kind);                                                         \
		kind.write = dq_tx_write_send_##isa;                                               \
		kind.opcode = SEND;                                                                \
		kind.insert = 0x8000;                                                              \
		run_at_every_limit(&kind);                                                         \
	}

OFFLOADS(portable)
#ifdef __x86_64__
OFFLOADS(sse42)
OFFLOADS(avx2)
#endif

Test(tx_model, times_of_inline_frames)
{
	const struct tx_kind kind = {.name = "times inline",
				     .write = dq_tx_write_empw_inline_portable,
				     .opcode = EMPW,
				     .max_ptrs = 58,
				     .inline_max = 310,
				     .timed = true};

	run_at_every_limit(&kind);
}

/* ---- copying --------------------------------------------------------------------------------- */

static struct seen {
	uint8_t frame[1024];
	uint32_t len;
} seen;

static void see(void *arg, const uint8_t *frame, uint32_t len)
{
	(void)arg;
	memcpy(seen.frame, frame, len);
	seen.len = len;
}

/*
 * Frames of every length, up to the last byte before memory that is not there, at each place of the
 * ring: nothing but the frame is read, and nothing written but its WQE.
 */
static void copy_every_length(dq_tx_write_fn write)
{
	static struct tx_device d;
	const struct tx_kind kind = {
		.name = "copy", .write = write, .opcode = EMPW, .max_ptrs = 58, .inline_max = 310};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *mem =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert(mem != MAP_FAILED && !mprotect(mem + page, page, PROT_NONE));
	for (size_t i = 0; i < page; i++)
		mem[i] = (uint8_t)(i * 7 + i / 256);
	tx_device_init(&d, &kind, 0);
	d.sent = see;
	for (uint32_t i = 0; i < 310 * 40; i++) {
		uint32_t len = 1 + i % 310;
		struct daqiri_pkt pkt = {.addr = (uintptr_t)mem + page - len, .len = len};
		uint32_t next;

		memset(d.ring, 0xee, sizeof(d.ring));
		cr_assert_eq(daqiri_tx_post(&d.q, &pkt, 1), 1);
		next = d.q.pi & (d.n_ring - 1);
		for (uint32_t k = 0; k < 64; k++)
			cr_assert_eq(d.ring[(size_t)next * 64 + k], 0xee, "behind the WQE");
		tx_device_run(&d, 1);
		cr_assert(seen.len == len && !memcmp(seen.frame, mem + page - len, len), "%u bytes",
			  len);
		cr_assert_eq(daqiri_tx_completed(&d.q), i + 1u);
	}
	munmap(mem, 2 * page);
}

Test(tx_model, frames_are_copied_and_nothing_else)
{
	copy_every_length(dq_tx_write_empw_inline_portable);
#ifdef __x86_64__
	if (dq_simd_has(DQ_SIMD_AVX2))
		copy_every_length(dq_tx_write_empw_inline_avx2);
#endif
}

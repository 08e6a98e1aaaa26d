/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the receiver must notice. Frames are written by the sender's own code; that their headers
 * are right is judged here by byte-wise sums and by headers that were typed.
 */
#include <criterion/criterion.h>
#include <netinet/in.h>

#include "../../bench/verify.h"

#define MAX 1514

enum { ID = 0x1234, SRC_PORT = 4001, DST_PORT = 5000 };

static uint8_t frame[MAX + 8];
static struct perf_headers headers;
static struct perf_mark mark;

static struct perf_flow flow_of(bool ipv6, bool vlan)
{
	struct perf_flow f = {
		.dst_mac = { 2, 0xda, 1, 0, 0, 2 },
		.src_mac = { 2, 0xda, 1, 0, 0, 1 },
		.vlan = vlan ? 100 : -1,
		.ipv6 = ipv6,
		.src_ip = { 198, 18, 0, 1 },
		.dst_ip = { 198, 18, 0, 2 },
	};

	f.src_ip[15] = 1;
	f.dst_ip[15] = 2;
	return f;
}

static void write_frame(const struct perf_flow *flow, uint32_t size, enum perf_type type,
			uint64_t seq)
{
	struct perf_mark m = { .type = type, .stream = ID, .seq = seq, .time_ns = 0x123456789abc };

	perf_headers_build(&headers, flow, size);
	perf_frame_write(frame, &headers, (struct perf_ports){ SRC_PORT, DST_PORT }, &m);
}

static struct perf_expect expect_of(const struct perf_flow *flow, bool path_known)
{
	struct perf_expect e = { .id = ID, .flow = *flow, .udp = { 4000, 4063, 5000, 5000 } };
	struct perf_headers h;

	perf_headers_build(&h, flow, 100);
	if (path_known)
		perf_expect_path(&e, &h);
	return e;
}

static struct perf_verifier *verifier_of(struct perf_expect *e, enum perf_verify_mode mode)
{
	struct perf_verifier *v;

	cr_assert_eq(perf_verifier_create(&v, mode, e, 1), 0);
	return v;
}

/* ---- the headers themselves ---- */

Test(frame, ipv4_headers_byte_by_byte)
{
	/* 4500 + 0032 + 4000 + 4011 + c612 + 0001 + c612 + 0002 = 2516a: checksum ~516c = ae93. */
	static const uint8_t want[42] = {
		0x02, 0xda, 0x01, 0, 0, 2, 0x02, 0xda, 0x01, 0, 0, 1, 0x08, 0x00,
		0x45, 0x00, 0x00, 0x32, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xae, 0x93,
		198, 18, 0, 1, 198, 18, 0, 2, 0x0f, 0xa1, 0x13, 0x88, 0x00, 0x1e, 0x00, 0x00,
	};
	struct perf_flow flow = flow_of(false, false);

	write_frame(&flow, 64, PERF_DATA, 0);
	cr_assert_arr_eq(frame, want, sizeof(want));
}

Test(frame, vlan_tag_stands_before_the_type)
{
	static const uint8_t want[6] = { 0x81, 0x00, 0x00, 100, 0x08, 0x00 };
	struct perf_flow flow = flow_of(false, true);

	write_frame(&flow, 64, PERF_DATA, 0);
	cr_assert_arr_eq(frame + 12, want, sizeof(want));
	cr_assert_eq(perf_load16(frame + 18 + 2), 64 - 18);
}

/* RFC 8200: the pseudo header is addresses, length and next header. */
static uint32_t udp6_sum_bytewise(const uint8_t *l3, uint32_t len)
{
	uint32_t sum = len + IPPROTO_UDP;

	for (unsigned i = 8; i < 40 + len; i++)
		sum += i % 2 ? l3[i] : (uint32_t)l3[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

Test(frame, ipv6_udp_checksum_is_right_for_every_length)
{
	struct perf_flow flow = flow_of(true, false);

	for (uint32_t size = perf_frame_min(true, false); size < 200; size++) {
		write_frame(&flow, size, PERF_DATA, size);
		cr_assert_eq(perf_load16(frame + 18), size - 54);
		cr_assert_eq(perf_load16(frame + 58), size - 54);
		cr_assert_eq(udp6_sum_bytewise(frame + 14, size - 54), 0xffff, "%u bytes", size);
		cr_assert_neq(perf_load16(frame + 60), 0);
	}
}

Test(frame, smallest_frames)
{
	cr_assert_eq(perf_frame_min(false, false), 60);
	cr_assert_eq(perf_frame_min(false, true), 64);
	cr_assert_eq(perf_frame_min(true, false), 80);
	cr_assert_eq(perf_frame_min(true, true), 84);
}

Test(frame, nothing_is_written_behind_the_frame)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		struct perf_flow flow = flow_of(kind & 1, kind & 2);
		uint32_t min = perf_frame_min(kind & 1, kind & 2);

		for (uint32_t size = min; size < min + 20; size++) {
			memset(frame, 0xee, sizeof(frame));
			write_frame(&flow, size, PERF_DATA, size);
			for (unsigned i = 0; i < 8; i++)
				cr_assert_eq(frame[size + i], 0xee, "kind %u size %u", kind, size);
		}
	}
}

/* ---- what is good ---- */

Test(verify, good_frames_of_every_kind_and_mode)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		struct perf_flow flow = flow_of(kind & 1, kind & 2);
		struct perf_expect e = expect_of(&flow, kind == 0);

		for (unsigned mode = PERF_VERIFY_OFF; mode <= PERF_VERIFY_FULL; mode++) {
			struct perf_verifier *v = verifier_of(&e, (enum perf_verify_mode)mode);

			for (uint32_t size = 84; size <= MAX; size += 11) {
				write_frame(&flow, size, PERF_DATA, 0xabcdef012345 + size);
				cr_assert_eq(perf_verify(v, frame, size, &mark), PERF_GOOD);
				cr_assert_eq(mark.seq, 0xabcdef012345 + size);
				cr_assert_eq(mark.time_ns, 0x123456789abc);
				/* Again, now that the headers are known. */
				cr_assert_eq(perf_verify(v, frame, size, &mark), PERF_GOOD);
			}
			write_frame(&flow, 84, PERF_END, 99);
			cr_assert_eq(perf_verify(v, frame, 84, &mark), PERF_GOOD_END);
			cr_assert_eq(mark.seq, 99);
			perf_verifier_destroy(v);
		}
	}
}

Test(verify, many_ports_are_all_good)
{
	struct perf_flow flow = flow_of(false, false);
	struct perf_expect e = expect_of(&flow, true);
	struct perf_verifier *v = verifier_of(&e, PERF_VERIFY_FULL);

	perf_headers_build(&headers, &flow, 64);
	for (unsigned i = 0; i < 1000; i++) {
		struct perf_mark m = { .type = PERF_DATA, .stream = ID, .seq = i };
		struct perf_ports ports = { (uint16_t)(4000 + i % 300), 5000 };

		perf_frame_write(frame, &headers, ports, &m);
		cr_assert_eq(perf_verify(v, frame, 64, &mark), PERF_GOOD);
	}
	perf_verifier_destroy(v);
}

/* ---- what is not ---- */

/* Any wrong byte, under each of the masks, is corruption; the headers may be known or new. */
static void every_byte_counts(unsigned kind, uint32_t size, bool known)
{
	static const uint8_t masks[] = { 0x01, 0x02, 0x04, 0x08, 0x10,
					 0x20, 0x40, 0x80, 0xff, 0x5a };
	struct perf_flow flow = flow_of(kind & 1, kind & 2);
	struct perf_expect e = expect_of(&flow, true);
	struct perf_verifier *v = verifier_of(&e, PERF_VERIFY_FULL);
	enum perf_judgement j;

	write_frame(&flow, size, PERF_DATA, 0x1122334455);
	if (known)
		cr_assert_eq(perf_verify(v, frame, size, &mark), PERF_GOOD);
	for (uint32_t i = 0; i < size; i++) {
		for (unsigned m = 0; m < sizeof(masks); m++) {
			frame[i] ^= masks[m];
			j = perf_verify(v, frame, size, &mark);
			cr_assert(j == PERF_BAD_HEADER || j == PERF_BAD_PAYLOAD,
				  "kind %u, %u bytes, byte %u ^ %02x: judgement %d", kind, size, i,
				  masks[m], j);
			frame[i] ^= masks[m];
		}
	}
	cr_assert_eq(perf_verify(v, frame, size, &mark), PERF_GOOD);
	perf_verifier_destroy(v);
}

Test(verify, any_wrong_byte_is_corruption)
{
	static const uint32_t extra[] = { 0, 1, 4, 7, 8, 9, 100, 1400 };

	for (unsigned kind = 0; kind < 4; kind++) {
		uint32_t min = perf_frame_min(kind & 1, kind & 2);

		for (unsigned i = 0; i < sizeof(extra) / sizeof(extra[0]); i++) {
			every_byte_counts(kind, min + extra[i], true);
			every_byte_counts(kind, min + extra[i], false);
		}
	}
}

Test(verify, learned_path_is_compared_too)
{
	struct perf_flow flow = flow_of(true, true);
	struct perf_expect e = expect_of(&flow, false);
	struct perf_verifier *v = verifier_of(&e, PERF_VERIFY_FULL);

	write_frame(&flow, 100, PERF_DATA, 1);
	cr_assert_eq(perf_verify(v, frame, 100, &mark), PERF_GOOD);
	for (unsigned i = 0; i < 26; i++) {
		frame[i] ^= 1;
		cr_assert_eq(perf_verify(v, frame, 100, &mark), PERF_BAD_HEADER, "byte %u", i);
		frame[i] ^= 1;
	}
	perf_verifier_destroy(v);
}

Test(verify, header_mode_does_not_look_at_the_pattern)
{
	struct perf_flow flow = flow_of(false, false);
	struct perf_expect e = expect_of(&flow, true);
	struct perf_verifier *v = verifier_of(&e, PERF_VERIFY_HEADER);

	write_frame(&flow, 100, PERF_DATA, 1);
	frame[99] ^= 1;
	cr_assert_eq(perf_verify(v, frame, 100, &mark), PERF_GOOD);
	frame[50] ^= 1; /* of the mark */
	cr_assert_eq(perf_verify(v, frame, 100, &mark), PERF_BAD_HEADER);
	perf_verifier_destroy(v);
}

Test(verify, payload_damage_still_tells_the_sequence_number)
{
	struct perf_flow flow = flow_of(false, false);
	struct perf_expect e = expect_of(&flow, true);
	struct perf_verifier *v = verifier_of(&e, PERF_VERIFY_FULL);

	write_frame(&flow, 64, PERF_DATA, 42);
	frame[63] ^= 0x10;
	cr_assert_eq(perf_verify(v, frame, 64, &mark), PERF_BAD_PAYLOAD);
	cr_assert_eq(mark.seq, 42);
	perf_verifier_destroy(v);
}

Test(verify, wrong_length_is_corruption)
{
	struct perf_flow flow = flow_of(false, false);
	struct perf_expect e = expect_of(&flow, true);
	struct perf_verifier *v = verifier_of(&e, PERF_VERIFY_FULL);

	write_frame(&flow, 100, PERF_DATA, 1);
	cr_assert_eq(perf_verify(v, frame, 100, &mark), PERF_GOOD);
	cr_assert_eq(perf_verify(v, frame, 99, &mark), PERF_BAD_HEADER);
	cr_assert_eq(perf_verify(v, frame, 101, &mark), PERF_BAD_HEADER);
	cr_assert_eq(perf_verify(v, frame, 60, &mark), PERF_BAD_HEADER);
	perf_verifier_destroy(v);
}

Test(verify, old_frame_in_a_new_slot_is_told_by_its_number)
{
	struct perf_flow flow = flow_of(false, false);
	struct perf_expect e = expect_of(&flow, true);
	struct perf_verifier *v = verifier_of(&e, PERF_VERIFY_FULL);
	uint8_t old[200];

	write_frame(&flow, 200, PERF_DATA, 1);
	memcpy(old, frame, 200);
	write_frame(&flow, 200, PERF_DATA, 2);
	memcpy(frame + 64, old + 64, 136); /* the first cache line is new, the others are not */
	cr_assert_eq(perf_verify(v, frame, 200, &mark), PERF_BAD_PAYLOAD);
	perf_verifier_destroy(v);
}

Test(verify, another_stream_is_not_corruption)
{
	struct perf_flow flow = flow_of(false, false);
	struct perf_expect e = expect_of(&flow, true);
	struct perf_verifier *v;

	e.id = ID + 1;
	v = verifier_of(&e, PERF_VERIFY_FULL);
	write_frame(&flow, 64, PERF_DATA, 1);
	cr_assert_eq(perf_verify(v, frame, 64, &mark), PERF_OTHER_STREAM);
	cr_assert_eq(mark.stream, ID);
	perf_verifier_destroy(v);
}

Test(verify, frames_of_others_are_not_corruption)
{
	static const uint8_t arp[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0xda, 1, 0, 0, 1,
					 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1 };
	struct perf_flow flow = flow_of(false, false);
	struct perf_expect e = expect_of(&flow, true);

	for (unsigned mode = PERF_VERIFY_OFF; mode <= PERF_VERIFY_FULL; mode++) {
		struct perf_verifier *v = verifier_of(&e, (enum perf_verify_mode)mode);

		cr_assert_eq(perf_verify(v, arp, sizeof(arp), &mark), PERF_NOT_OURS);
		memset(frame, 0, 100);
		cr_assert_eq(perf_verify(v, frame, 100, &mark), PERF_NOT_OURS);
		cr_assert_eq(perf_verify(v, frame, 20, &mark), PERF_NOT_OURS);
		perf_verifier_destroy(v);
	}
}

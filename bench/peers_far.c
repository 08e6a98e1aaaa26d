/* SPDX-License-Identifier: Apache-2.0 */
/* The far end of the cable, by plain verbs, and the frames. None of it is counted. */
#include "peers_port.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	IP = 14,
	UDP = IP + 20,
	NUMBER = UDP + 8,
	PATTERN = NUMBER + 8,
	SHORTEST = 64,
	VARIED = 2 *
		 PEERS_LAP, /* the first frames have different lengths, all others the shortest */
	WAIT_US = 50,
	PATIENCE = 200000 /* of such waits */
};

struct peers_far {
	struct peers_port port;
	uint8_t (*out)[PEERS_MAX_FRAME], (*in)[PEERS_MAX_FRAME];
	uint32_t posted; /* receive buffers, for ever */
	uint64_t rcv_base, xmit_base;
};

/* ---- frames ---------------------------------------------------------------------------------- */

uint32_t peers_frame_len(uint64_t number)
{
	return number < VARIED ? SHORTEST + (uint32_t)(number * 37 % 61) : SHORTEST;
}

static void put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

/* The Internet checksum of what is there, added to sum. */
static uint16_t checksum(const uint8_t *at, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i += 2)
		sum += (uint32_t)at[i] << 8 | (i + 1 < len ? at[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void peers_frame_build(uint8_t *frame, uint64_t number, uint32_t len, bool to_far)
{
	static const uint8_t head[NUMBER] = {
		0x02, 0xda, 0x01, 0, 0,	  1,  0x02, 0xda, 0x01, 0,  0,	  2, 0x08, 0, /* Ethernet */
		0x45, 0,    0,	  0, 0,	  0,  0,    0,	  64,	17, 0,	  0,	      /* IPv4 */
		198,  18,   0,	  1, 198, 18, 0,    2,	  0x10, 0,  0x10, 1 /* UDP */};
	uint32_t udp_len = len - UDP;

	memcpy(frame, head, sizeof(head));
	if (to_far) {
		frame[5] = 2;
		frame[11] = 1;
	}
	put16(frame + IP + 2, len - IP);
	put16(frame + IP + 10, checksum(frame + IP, 20, 0));
	put16(frame + UDP + 4, udp_len);
	memcpy(frame + NUMBER, &number, sizeof(number));
	for (uint32_t i = PATTERN; i < len; i++)
		frame[i] = (uint8_t)(number * 31 + i);
	/* the pseudo header: both addresses, protocol, length */
	put16(frame + UDP + 6, checksum(frame + IP + 12, len - IP - 12, 17 + udp_len));
}

void peers_frame_check(struct peers_frame frame, uint64_t number, bool to_far)
{
	uint8_t want[PEERS_MAX_FRAME];
	uint32_t len = peers_frame_len(number);

	peers_frame_build(want, number, len, to_far);
	if (frame.len != len)
		peers_fail("packet %" PRIu64 " has %u bytes, not %u", number, frame.len, len);
	if (memcmp(frame.addr, want, len) != 0)
		peers_fail("packet %" PRIu64 " is not the one that was sent", number);
}

/* ---- counters of the near port --------------------------------------------------------------- */

static uint64_t near_counter(const char *name)
{
	char path[128];
	uint64_t value;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/infiniband/mlx5_0/ports/1/counters/%s", name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%" SCNu64, &value) != 1)
		peers_fail("%s cannot be read", path);
	fclose(file);
	return value;
}

/* The device counts when all else is done: completions are there then. */
static void wait_for_counter(const char *name, uint64_t value)
{
	uint64_t now = 0;

	for (int i = 0; i < PATIENCE; i++) {
		now = near_counter(name);
		if (now >= value)
			return;
		usleep(WAIT_US);
	}
	peers_fail("%s is %" PRIu64 ", not %" PRIu64, name, now, value);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void post_buffer(struct peers_far *far)
{
	struct ibv_sge sge = {.addr = (uintptr_t)far->in[far->posted % PEERS_DEPTH],
			      .length = PEERS_MAX_FRAME,
			      .lkey = far->port.mr->lkey};
	struct ibv_recv_wr wr = {.sg_list = &sge, .num_sge = 1}, *bad;

	peers_need(!ibv_post_recv(far->port.qp, &wr, &bad), "ibv_post_recv");
	far->posted++;
}

struct peers_far *peers_far_open(void)
{
	struct peers_far *far = peers_zeroed(sizeof(*far));
	size_t half = (size_t)PEERS_DEPTH * PEERS_MAX_FRAME;
	uint8_t *memory = peers_zeroed(2 * half);

	far->out = (void *)memory;
	far->in = (void *)(memory + half);
	peers_port_open(&far->port, "mlx5_1", memory, 2 * half);
	peers_port_make_queue(&far->port);
	peers_port_start(&far->port);
	for (int i = 0; i < PEERS_DEPTH; i++)
		post_buffer(far);
	peers_port_take_all(&far->port, true);
	far->rcv_base = near_counter("port_rcv_packets");
	far->xmit_base = near_counter("port_xmit_packets");
	return far;
}

void peers_far_close(struct peers_far *far)
{
	peers_port_end_queue(&far->port);
	peers_port_close(&far->port);
	free(far->out);
	free(far);
}

/* ---- frames there and back
 * ----------------------------------------------------------------------- */

/* All with one doorbell, so that the device may compress their completions. */
void peers_far_send(struct peers_far *far, uint64_t first, uint32_t count)
{
	struct ibv_send_wr wr[PEERS_LAP], *bad;
	struct ibv_sge sge[PEERS_LAP];
	struct ibv_wc wc;
	int got = 0;

	for (uint32_t i = 0; i < count; i++) {
		sge[i] = (struct ibv_sge){.addr = (uintptr_t)far->out[i],
					  .length = peers_frame_len(first + i),
					  .lkey = far->port.mr->lkey};
		peers_frame_build(far->out[i], first + i, sge[i].length, false);
		wr[i] = (struct ibv_send_wr){.sg_list = &sge[i],
					     .num_sge = 1,
					     .opcode = IBV_WR_SEND,
					     .next = i + 1 < count ? &wr[i + 1] : NULL};
	}
	wr[count - 1].send_flags = IBV_SEND_SIGNALED;
	peers_need(!ibv_post_send(far->port.qp, wr, &bad), "ibv_post_send");
	wait_for_counter("port_rcv_packets", far->rcv_base + first + count);
	for (int i = 0; i < PATIENCE && !got; i++)
		got = ibv_poll_cq(far->port.send_cq, 1, &wc);
	peers_need(got == 1 && wc.status == IBV_WC_SUCCESS, "sending from the far end");
}

void peers_far_expect(struct peers_far *far, uint64_t first, uint32_t count)
{
	struct ibv_wc wc;
	uint32_t n = 0;

	wait_for_counter("port_xmit_packets", far->xmit_base + first + count);
	for (int i = 0; i < PATIENCE && n < count; i++) {
		if (ibv_poll_cq(far->port.recv_cq, 1, &wc) != 1) {
			usleep(WAIT_US);
			continue;
		}
		peers_need(wc.status == IBV_WC_SUCCESS, "receiving at the far end");
		peers_frame_check(
			(struct peers_frame){far->in[(first + n) % PEERS_DEPTH], wc.byte_len},
			first + n, true);
		post_buffer(far);
		n++;
	}
	if (n != count)
		peers_fail("%u of %u packets came to the far end", n, count);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values that daqiri-perf reads itself, from options and from the keys of [stream]. Pure: text
 * in, value out; 0, or -EINVAL with the output untouched. No message is made here: the caller knows
 * which option or key it was.
 */
#ifndef PERF_PARSE_H
#define PERF_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERF_MAX_SIZES 64
#define PERF_MIN_FRAME 60u
#define PERF_MAX_COUNT ((1ull << 48) - 1) /* frames of a stream: what the mark can number */
#define PERF_MAX_FRAME 65535u

/* How fast a stream sends. */
struct perf_rate {
	double value; /* packets or bits per second; 0: as fast as it goes */
	bool bits;    /* value is bits per second of the frames without FCS (L2) */
};

/* Frame sizes in bytes without FCS, sent in turn. */
struct perf_sizes {
	unsigned n;
	uint32_t v[PERF_MAX_SIZES];
};

/* The UDP ports of a stream: every source port is paired with every destination port in turn. */
struct perf_udp {
	uint16_t src_lo, src_hi;
	uint16_t dst_lo, dst_hi;
};

/* What --max-loss allows. */
struct perf_loss {
	double value; /* frames, or percent of those that were sent */
	bool percent;
};

/* A whole decimal or 0x number within min..max. */
int perf_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* A whole number >= 1, also with k, M or G: "1.5M". */
int perf_parse_count(const char *text, uint64_t *out);

/* A decimal number >= 0, such as 0.5. */
int perf_parse_number(const char *text, double *out);

/* "5", "0.5", "200ms", "10 s", "2m": nanoseconds. A bare number is seconds. */
int perf_parse_time(const char *text, uint64_t *ns);

/* "max", "300k", "1.5M", "10Gbps", "20 kpps". */
int perf_parse_rate(const char *text, struct perf_rate *out);

/* "64", "64,128,1500" or "imix". */
int perf_parse_sizes(const char *text, struct perf_sizes *out);

/* "0.1%" or "20". */
int perf_parse_loss(const char *text, struct perf_loss *out);

/* "02:da:01:00:00:01". */
int perf_parse_mac(const char *text, uint8_t mac[6]);

/* "PORT QUEUE": name is of size bytes. */
int perf_parse_queue(const char *text, char *name, size_t size, unsigned *queue);

/* "A > B": both of family AF_INET or AF_INET6. */
int perf_parse_addrs(const char *text, int family, uint8_t src[16], uint8_t dst[16]);

/* "P[-P] > P[-P]". */
int perf_parse_udp(const char *text, struct perf_udp *out);

#endif

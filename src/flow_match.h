/* SPDX-License-Identifier: Apache-2.0 */
/* A match in the device's format, and what can be said of two of them. Pure functions. */
#ifndef DQ_FLOW_MATCH_H
#define DQ_FLOW_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config_model.h"

/* Sections of fte_match_param (PRM), each with its bit in match_criteria_enable. */
enum dq_match_section {
	DQ_SECTION_OUTER, /* fte_match_set_lyr_2_4 */
	DQ_SECTION_MISC,  /* fte_match_set_misc */
	DQ_SECTION_INNER, /* as the first */
	DQ_SECTION_WORDS, /* not the device's: enum dq_word, which misc_parameters_4 is made of */
};

enum {
	DQ_SECTION_BYTES = 64,
	DQ_AT_WORDS = DQ_SECTION_WORDS * DQ_SECTION_BYTES,
	DQ_MATCH_BYTES = DQ_AT_WORDS + DQ_WORDS * 4,
	DQ_MISC4_CRITERIA = 1 << 5,	       /* MATCH_CRITERIA_ENABLE_MISC4_BIT */
	DQ_PARAM_BYTES = 6 * DQ_SECTION_BYTES, /* of fte_match_param, up to misc_parameters_4 */
};

struct dq_match_buf {
	uint8_t mask[DQ_MATCH_BYTES], value[DQ_MATCH_BYTES]; /* value: 0 outside the mask */
};

/* That a match may have: of ports source and destination, outer and inner, and a length. */
enum { DQ_MATCH_RANGES = 5 };

/* A range of ports or lengths that is not one of them: at which bytes of a match it stands. */
struct dq_match_range {
	unsigned at;
	struct dq_range range;
};

/* Those of a match; their number. */
unsigned dq_match_ranges(const struct dq_match *match, struct dq_match_range out[DQ_MATCH_RANGES]);

/* Of such a range nothing but what it says of the protocol is encoded. */
void dq_match_encode(struct dq_match_buf *out, const struct dq_match *match);

/* Adds bits of two bytes. */
void dq_match_put_bits(struct dq_match_buf *match, unsigned at, uint16_t value, uint16_t mask);

/* flow_tunnel.c: adds what a match says of a tunnel's own header. */
void dq_match_put_tunnel(struct dq_match_buf *buf, const struct dq_match *match);

/*
 * Makes it a match of frames that a send queue of that number sends, in the table for those. It
 * then overlaps with no match of received ones.
 */
void dq_match_put_sender(struct dq_match_buf *match, uint32_t qpn);
bool dq_match_is_sent(const struct dq_match_buf *match);

/* What headers are: 0 stands for any. */
struct dq_match_kind {
	enum dq_match_section section; /* outer or inner headers */
	uint16_t ethertype;
	uint8_t proto;
};

/* Adds this to a match. False: it contradicts it, which is not to be used any more. */
bool dq_match_narrow(struct dq_match_buf *match, const struct dq_match_kind *kind);

/* Whether the match names an IP protocol, so that nothing but IP packets match it. */
bool dq_match_has_protocol(const struct dq_match_buf *match, enum dq_match_section section);

/* Whether two flows ask for the same packets. */
bool dq_match_equal(const struct dq_match *a, const struct dq_match *b);

bool dq_match_same_mask(const struct dq_match_buf *a, const struct dq_match_buf *b);
bool dq_match_same(const struct dq_match_buf *a, const struct dq_match_buf *b);

/* Whether some packet may match both. */
bool dq_match_overlap(const struct dq_match_buf *a, const struct dq_match_buf *b);

/*
 * The kernel puts a rule behind all others whose destination looks to it like a multicast address
 * of IPv4: 224.0.0.0/3, or an IPv6 prefix of 99 bits with those three bits at its end, which lie in
 * the same place. Then two rules with one bit more do: match becomes the first of them.
 */
bool dq_match_split_multicast(struct dq_match_buf *match, struct dq_match_buf *second);

/* How narrow it is: the number of bits that it looks at. */
unsigned dq_match_bits(const struct dq_match *match);

/* Which of enum dq_word it looks at, a bit each. */
unsigned dq_match_words(const struct dq_match_buf *match);

/* match_criteria_enable, and the bytes that the kernel needs to see. */
uint8_t dq_match_criteria(const struct dq_match_buf *match);
size_t dq_match_size(const struct dq_match_buf *match);

/*
 * The mask or the value as the device wants it. ids: what it calls the words that are looked at, by
 * enum dq_word.
 */
void dq_match_lay(uint8_t out[DQ_PARAM_BYTES], const struct dq_match_buf *match, bool mask,
		  const uint32_t ids[DQ_WORDS]);

#endif

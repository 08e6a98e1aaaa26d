/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of dq_conf_resolve(): what its steps share. Each returns 0 or a negative errno. */
#ifndef DQ_CONFIG_RESOLVE_H
#define DQ_CONFIG_RESOLVE_H

#include "config_model.h"
#include "config_pool.h"
#include "config_priv.h"

/* A queue in file order, receive and send queues together: the order in which slots are dealt. */
struct dq_user {
	const struct dq_section *sec;
	bool rx;
	unsigned index;   /* into rxqs or txqs */
	int region;       /* index into regions; -1: none */
	int payload;	  /* the second one's, where regions = HEADER,PAYLOAD; -1: none */
	bool striding;	  /* depth is in strides */
	uint32_t depth;   /* 0: auto, until slots are dealt */
	uint32_t spares;  /* until they are dealt, the most that it may have */
	uint64_t share;	  /* slots that it may have of each region, where depth is 0 */
};

struct dq_resolver {
	const struct daqiri_config *cfg;
	const char *const *may_lack_address;
	const struct dq_running *running; /* NULL: a context of its own */
	const struct dq_conf *open; /* one flow, for this open port with these queues; else NULL */
	struct dq_conf *conf;
	unsigned n_users;
	struct dq_user *users;
	/* The section behind each element of conf's arrays; a private region's is its queue. */
	const struct dq_section **region_sec, **port_sec, **rxq_sec, **txq_sec, **flow_sec;
};

/* A result from a resolver that has none yet, by these steps; nothing is left where they fail. */
int dq_conf_make(struct dq_conf **out, struct dq_resolver *r,
		 int (*resolve)(struct dq_resolver *r));

int dq_no_memory(void);
#ifdef __clang_analyzer__
#define dq_no_memory() (dq_no_memory() | -1) /* as in error.h */
#endif
void *dq_resolver_alloc(struct dq_resolver *r, size_t n, size_t size);

/* "PATH:LINE: [section]", owned by the pool. NULL: no memory. */
const char *dq_resolver_where(struct dq_resolver *r, const struct dq_section *sec);

/* A number that was set or is the default; otherwise where the value is a word or missing. */
uint64_t dq_section_number(const struct dq_section *sec, const char *key, uint64_t otherwise);
bool dq_section_is(const struct dq_section *sec, const char *key, const char *word);

/* The i-th word between the brackets: 0 is the kind. */
void dq_section_word(const struct dq_section *sec, unsigned i, char buf[DQ_NAME_MAX + 1]);
bool dq_section_has_kind(const struct dq_section *sec, const char *word);

/* Index of the named port or region, -1: none. */
int dq_port_index(const struct dq_conf *conf, const char *name);
int dq_region_index(const struct dq_conf *conf, const char *name);
int dq_rxq_index(const struct dq_conf *conf, unsigned port, unsigned id);
int dq_txq_index(const struct dq_conf *conf, unsigned port, unsigned id);

/* The port that the section's second word names; negative errno with key-less blame. */
int dq_resolve_port_word(struct dq_resolver *r, const struct dq_section *sec, unsigned *port);

/* Blames key for a name that is not there, and tells which name is near. */
int dq_blame_missing(struct dq_resolver *r, const struct dq_section *sec, const char *key,
		     const char *kind, const char *name);

/* Sections of this word. */
unsigned dq_count_kind(const struct daqiri_config *cfg, const char *word);

/* One more region, with the keys that [region] and a queue share; name "": private. */
int dq_resolve_add_region(struct dq_resolver *r, const struct dq_section *sec, const char *name);

/* A region of the running context for sec, a queue's: its index; -1: none of that name. */
int dq_borrow_region(struct dq_resolver *r, const struct dq_section *sec, const char *name);

int dq_resolve_regions(struct dq_resolver *r);
int dq_resolve_region_ports(struct dq_resolver *r);
int dq_resolve_ports(struct dq_resolver *r);
int dq_resolve_added(struct dq_resolver *r);
int dq_resolve_queues(struct dq_resolver *r);
int dq_resolve_slots(struct dq_resolver *r);

/* Judges what a queue says of two regions; bytes of a frame that go to the first, 0: one region. */
int dq_check_split(struct dq_resolver *r, const struct dq_user *user);
uint32_t dq_split_of(const struct dq_resolver *r, const struct dq_user *user);

int dq_resolve_workers(struct dq_resolver *r);
/* What a flow matches, and how it is spread over the queues that it has already. */
int dq_resolve_match(struct dq_resolver *r, const struct dq_section *sec, struct dq_match *m);
/* Adds to what decap has the match ask for already. */
int dq_resolve_tunnel_fields(struct dq_resolver *r, const struct dq_section *sec,
			     struct dq_match *m);
int dq_check_tunnel_fields(struct dq_resolver *r, const struct dq_section *sec,
			   const struct dq_match *m);
int dq_resolve_tunnels(struct dq_resolver *r);
int dq_resolve_flexes(struct dq_resolver *r);
/*
 * Adds ipv4_len, eCPRI and flex to a match whose other fields are there, and what they say of the
 * headers before them.
 */
int dq_resolve_words(struct dq_resolver *r, const struct dq_section *sec, struct dq_match *m);
/* decap = TUNNEL of a flow, before its match: what it takes off is matched, too. */
int dq_resolve_decap(struct dq_resolver *r, const struct dq_section *sec, struct dq_conf_flow *flow);
/* The tunnel that a flow's key names: decap or encap, which is given. NULL: there is none, which is said. */
const struct dq_conf_tunnel *dq_find_tunnel(struct dq_resolver *r, const struct dq_section *sec,
					    const char *key);
/* encap = TUNNEL of a flow, before its match; the queues whose frames it takes. */
int dq_resolve_encap(struct dq_resolver *r, const struct dq_section *sec, struct dq_conf_flow *flow);
int dq_resolve_rss(struct dq_resolver *r, const struct dq_section *sec, struct dq_conf_flow *flow);
int dq_resolve_flows(struct dq_resolver *r);
int dq_resolve_unmatched(struct dq_resolver *r);
int dq_resolve_streams(struct dq_resolver *r);

#endif

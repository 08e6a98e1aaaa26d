/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as the builder of a context wants it: every reference resolved to an index,
 * every default filled in, every rule between sections checked. Made by dq_conf_resolve(); what
 * needs the device (its limits, its addresses) is not judged here.
 */
#ifndef DQ_CONFIG_MODEL_H
#define DQ_CONFIG_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <daqiri.h>

#include "gpu.h"
#include "simd.h"

enum dq_region_kind {
	DQ_REGION_HOST,
	DQ_REGION_HUGE,
	DQ_REGION_HOST_PINNED,
	DQ_REGION_DEVICE,
	DQ_REGION_APP
};

enum { DQ_AUTO = -1 };

struct dq_conf_region {
	const char *where;        /* "PATH:LINE: [region rx]", for messages */
	const char *name;         /* "" for a private region, described inside a queue */
	enum dq_region_kind kind;
	uint64_t num_bufs;
	uint64_t buf_size;
	uint64_t page_size;       /* 0: auto */
	uint32_t align;           /* power of two, >= 1 */
	int numa;                 /* node; DQ_AUTO: that of the ports that use it */
	int relaxed_ordering;     /* 0, 1, DQ_AUTO */
	const char *gpu;          /* index, PCI address or UUID; NULL: auto */
	enum dq_gpu_export gpu_export;
	struct daqiri_memory app; /* kind app: the program's; size 0: not given */
	bool borrowed;            /* of a context that runs: dq_conf_resolve_added() */
	unsigned n_ports;         /* registered there besides where its queues are */
	unsigned *ports;
};

/* As the configuration spells it. */
const char *dq_region_kind_name(enum dq_region_kind kind);

enum dq_unmatched { DQ_UNMATCHED_KERNEL, DQ_UNMATCHED_DROP, DQ_UNMATCHED_QUEUE };

struct dq_conf_port {
	const char *where;
	const char *name;
	const char *address;      /* NULL: an attached port */
	uint32_t mtu;             /* 0: keep */
	bool promiscuous;
	bool allmulticast;
	bool loopback;            /* its receive queues take what it sends itself */
	enum dq_unmatched unmatched;
	unsigned n_queues;        /* of unmatched = queue N[,N] */
	unsigned *queues;         /* indices into rxqs */
};

enum dq_rx_mode { DQ_RX_AUTO, DQ_RX_CYCLIC, DQ_RX_STRIDING };
enum dq_clock_choice { DQ_CLOCK_AUTO, DQ_CLOCK_REAL, DQ_CLOCK_FREE };
enum dq_compression { DQ_COMPRESSION_AUTO, DQ_COMPRESSION_ON, DQ_COMPRESSION_OFF };

struct dq_conf_rxq {
	const char *where;
	unsigned port;            /* index into ports */
	unsigned id;
	unsigned region;          /* index into regions */
	uint64_t first_slot;      /* of its region, which is dealt to its queues in file order */
	uint64_t num_slots;       /* that it was dealt: depth, or what so many strides take */
	int payload;              /* index of a second region; -1: none */
	uint64_t payload_slot;    /* the first of as many slots there, and as many spares */
	uint32_t split;           /* bytes of a frame that go to the first region; 0: all */
	uint32_t depth;           /* power of two, 64..32768; striding: strides, any number of them */
	enum dq_rx_mode rx_mode;  /* as said */
	enum dq_compression compression; /* of completions: as said */
	int forward;              /* index into ports: whose keys packets get; -1: flow ids */
	uint32_t spares;          /* slots behind those, for packets that are kept */
	unsigned metadata;        /* enum daqiri_metadata, or-ed */
	enum dq_clock_choice clock;
	bool vlan_strip;
	enum dq_simd simd;
	int cpu_core;             /* -1: none */
	bool worker;              /* a thread of the library polls, on cpu_core */
	uint32_t batch;           /* packets that it hands over at once */
	uint32_t timeout_us;      /* … and when it hands over fewer; 0: never */
};

/* Of frames that are sent: what the NIC fills in. */
enum { DQ_CHECKSUM_L3 = 1 << 0, DQ_CHECKSUM_L4 = 1 << 1 };

/* What a queue sends at most; zeros: as much as it can. */
struct dq_pacing {
	uint32_t mbps;            /* of frame bytes */
	uint32_t burst;           /* bytes at once; 0: the device's choice */
	uint32_t size;            /* typical bytes of a frame; 0: the device's choice */
};

struct dq_conf_txq {
	const char *where;
	unsigned port;
	unsigned id;
	int region;               /* index into regions; -1: none (posts only foreign memory) */
	uint64_t first_slot;
	uint64_t num_slots;       /* slots that tx_reserve() deals, <= depth */
	int payload;              /* index of a second region, for packets of two parts; -1: none */
	uint64_t payload_slot;    /* the first of as many slots there */
	uint32_t depth;           /* power of two, 64..32768 */
	bool tx_latency;          /* a packet that is posted alone goes out with its doorbell */
	uint32_t tx_inline;       /* frames of up to so many bytes go into the ring; 0: none */
	unsigned checksum;        /* DQ_CHECKSUM_*, or-ed */
	uint32_t tso;		  /* TCP data of a segment that the NIC cuts; 0: it cuts none */
	struct dq_pacing pacing;
	bool timed;               /* packets may have a launch time, */
	enum dq_clock_choice clock; /* by this clock */
	int vlan_tci;             /* of a tag that every frame gets; -1: none */
	uint16_t vlan_tpid;       /* its EtherType: 0x8100 or 0x88a8 */
	bool src_mac;             /* frames get the port's address as their source */
	enum dq_simd simd;
	int cpu_core;
	bool worker;              /* a thread of the library posts, on cpu_core */
	uint32_t batch;           /* packets that it posts at once */
};

/* Whether a queue has packets, or parts of them, in the region of that index. */
static inline bool dq_rxq_uses(const struct dq_conf_rxq *q, unsigned region)
{
	return q->region == region || q->payload == (int)region;
}

static inline bool dq_txq_uses(const struct dq_conf_txq *q, unsigned region)
{
	return q->region == (int)region || q->payload == (int)region;
}

/* Fields of a packet's headers that [flow] matches. */
enum dq_match_field {
	DQ_MATCH_SRC_MAC = 1 << 0,
	DQ_MATCH_DST_MAC = 1 << 1,
	DQ_MATCH_ETHERTYPE = 1 << 2,
	DQ_MATCH_IPV4_SRC = 1 << 3,
	DQ_MATCH_IPV4_DST = 1 << 4,
	DQ_MATCH_UDP_SRC = 1 << 5,
	DQ_MATCH_UDP_DST = 1 << 6,
	DQ_MATCH_VLAN_ID = 1 << 7,
	DQ_MATCH_VLAN_PCP = 1 << 8,
	DQ_MATCH_IPV6_SRC = 1 << 9,
	DQ_MATCH_IPV6_DST = 1 << 10,
	DQ_MATCH_IP_PROTO = 1 << 11,
	DQ_MATCH_TCP_SRC = 1 << 12,
	DQ_MATCH_TCP_DST = 1 << 13
};

enum {
	DQ_MATCH_IPV4 = DQ_MATCH_IPV4_SRC | DQ_MATCH_IPV4_DST,
	DQ_MATCH_IPV6 = DQ_MATCH_IPV6_SRC | DQ_MATCH_IPV6_DST,
	DQ_MATCH_UDP = DQ_MATCH_UDP_SRC | DQ_MATCH_UDP_DST,
	DQ_MATCH_TCP = DQ_MATCH_TCP_SRC | DQ_MATCH_TCP_DST
};

/* Both ends belong to it. */
struct dq_range {
	uint16_t first, last;
};

/* Which fields are given, and their values; numbers in host byte order. */
struct dq_headers {
	uint32_t fields;          /* enum dq_match_field, or-ed */
	uint8_t src_mac[6];
	uint8_t dst_mac[6];
	uint16_t ethertype;
	uint16_t vlan_id;
	uint8_t vlan_pcp;
	uint8_t ip_proto;
	uint8_t ipv4_src[4], ipv4_src_mask[4]; /* the value is 0 outside the mask */
	uint8_t ipv4_dst[4], ipv4_dst_mask[4];
	uint8_t ipv6_src[16], ipv6_src_mask[16];
	uint8_t ipv6_dst[16], ipv6_dst_mask[16];
	struct dq_range udp_src, udp_dst, tcp_src, tcp_dst;
};

/* Fields of a tunnel's own header. */
enum dq_tunnel_field {
	DQ_MATCH_VNI = 1 << 0,
	DQ_MATCH_TNI = 1 << 1,
	DQ_MATCH_GRE_KEY = 1 << 2,
	DQ_MATCH_GRE_PROTOCOL = 1 << 3, /* of GRE that decap takes off */
	DQ_MATCH_IPV4_LEN = 1 << 4
};

/*
 * Words of a frame that have no place in a rule of their own: the NIC's programmable parser is told
 * where they stand. As many as it has room for.
 */
enum dq_word {
	DQ_WORD_IPV4,	  /* the first of the IPv4 header, which has its length */
	DQ_WORD_ECPRI,	  /* of the eCPRI header, which has the message's type */
	DQ_WORD_ECPRI_ID, /* the one after that */
	DQ_WORD_FLEX,	  /* of UDP's payload: the first of those that [flex] names */
	DQ_WORDS = 8
};

enum { DQ_FLEX_MAX = DQ_WORDS - DQ_WORD_FLEX };

/* A match of [flow]. */
struct dq_match {
	struct dq_headers outer, inner;
	uint32_t fields;          /* enum dq_tunnel_field, or-ed */
	uint32_t vni, tni, gre_key;
	uint16_t gre_protocol;
	struct dq_range ipv4_len;
	uint32_t words[DQ_WORDS], word_masks[DQ_WORDS]; /* the value is 0 outside the mask */
};

/* The keys of [flow] that it was made of, for messages: "dst_mac, udp_dst"; "" of none. */
void dq_match_keys(char *buf, size_t size, const struct dq_match *match);

enum dq_tunnel_type { DQ_TUNNEL_VXLAN, DQ_TUNNEL_GRE, DQ_TUNNEL_NVGRE };

struct dq_conf_tunnel {
	const char *where;
	const char *name;
	enum dq_tunnel_type type;
	bool has_macs;            /* both of them */
	bool has_ips;             /* both of them */
	uint8_t mac_src[6], mac_dst[6];
	uint8_t ipv4_src[4], ipv4_dst[4];
	uint8_t ttl, tos, flow_id;
	uint32_t vni, tni;
	uint16_t protocol;        /* gre: ethertype of what it carries */
	uint16_t udp_src, udp_dst; /* vxlan */
};

/* [flex PORT NAME]: a word behind the UDP header of packets to a port. */
struct dq_conf_flex {
	const char *name;
	unsigned port; /* index into ports */
	uint16_t udp_dst;
	uint8_t offset;
	unsigned word; /* DQ_WORD_FLEX + n; those of one place have one */
};

/* As enum ibv_rx_hash_fields, which flow_rss.c asserts: the configuration knows no verbs. */
enum dq_rss_field {
	DQ_RSS_IPV4_SRC = 1 << 0,
	DQ_RSS_IPV4_DST = 1 << 1,
	DQ_RSS_IPV6_SRC = 1 << 2,
	DQ_RSS_IPV6_DST = 1 << 3,
	DQ_RSS_TCP_SRC = 1 << 4,
	DQ_RSS_TCP_DST = 1 << 5,
	DQ_RSS_UDP_SRC = 1 << 6,
	DQ_RSS_UDP_DST = 1 << 7,
	DQ_RSS_ALL = (1 << 8) - 1 /* rss_fields = auto, and unmatched = queue A,B */
};

enum { DQ_RSS_KEY_BYTES = 40 };

/* How a flow is spread over several queues. */
struct dq_conf_rss {
	uint32_t fields;          /* enum dq_rss_field, or-ed; 0 where there is one queue */
	bool inner;               /* those within a tunnel */
	bool has_key;             /* else the library's */
	uint8_t key[DQ_RSS_KEY_BYTES];
};

struct dq_conf_flow {
	const char *where;
	unsigned port;
	const char *name;
	struct dq_match match;
	uint32_t tag;             /* 1..0xfffffe; auto ones are assigned, unique within the port */
	int priority;             /* DQ_AUTO, or 0..13 */
	bool drop;                /* then there is no queue */
	bool count;               /* the NIC counts its packets and bytes */
	unsigned n_queues;        /* one: queue; several: RSS */
	unsigned *queues;         /* indices into rxqs */
	struct dq_conf_rss rss;
	const struct dq_conf_tunnel *decap; /* whose header its frames lose; NULL: none */
	const struct dq_conf_tunnel *encap; /* whose header they get: a flow of sent frames; NULL: none */
	unsigned n_senders;       /* of encap; else 0 */
	unsigned *senders;        /* indices into txqs */
};

struct dq_pool;

struct dq_conf {
	struct dq_pool *pool;     /* owns all of this, dq_conf itself too */
	enum daqiri_log_level log_level;
	enum dq_simd simd;
	unsigned n_regions, n_ports, n_rxqs, n_txqs, n_flows, n_tunnels, n_flexes;
	struct dq_conf_region *regions;
	struct dq_conf_port *ports;
	struct dq_conf_rxq *rxqs;
	struct dq_conf_txq *txqs;
	struct dq_conf_flow *flows;
	struct dq_conf_tunnel *tunnels;
	struct dq_conf_flex *flexes;
};

/*
 * Judges the configuration as a whole. The result owns all its text and outlives cfg; free it with
 * dq_conf_free(). -EINVAL with the detail at the section and key to blame. may_lack_address: the
 * names of ports whose address key may be missing (attached ones), NULL-terminated, or NULL.
 */
int dq_conf_resolve(struct dq_conf **out, const struct daqiri_config *cfg,
		    const char *const *may_lack_address);
/*
 * Judges a configuration of one flow alone, for a port that is open: `open` has that port and its
 * receive queues, and what [tunnel] and [flex] said when it was opened. The result's queues are
 * indices into those; it has nothing but the flow, whose tag is 0 where none is given.
 */
int dq_conf_resolve_flow(struct dq_conf **out, const struct daqiri_config *cfg,
			 const struct dq_conf *open);
void dq_conf_free(struct dq_conf *conf);

/* What a configuration of more regions and queues may name besides. */
struct dq_running {
	const struct dq_conf *opened; /* all ports; their index stays the same */
	unsigned n_regions;
	const struct dq_conf_region *const *regions; /* that have names */
};

/*
 * Likewise, where a context runs already. A region of it that a queue names becomes one of the
 * result's, borrowed: it has all slots to deal, whoever has them now, and points into its own
 * configuration.
 */
int dq_conf_resolve_added(struct dq_conf **out, const struct daqiri_config *cfg,
			  const struct dq_running *running);

/* Logs what is legal and probably not meant, such as a core that several queues name. At open. */
void dq_conf_warn(const struct dq_conf *conf);
/* Likewise of receive queues to which nothing leads. Not of added ones: their flows come later. */
void dq_conf_warn_unfed(const struct dq_conf *conf);

#endif

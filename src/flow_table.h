/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of a port's receive rules, shared by the flow*.c files only. One thread at a time is in
 * here: that which has the context's lock, daqiri_port.lock. The data path knows nothing of it.
 */
#ifndef DQ_FLOW_TABLE_H
#define DQ_FLOW_TABLE_H

#include "flow_counter.h"
#include "flow_order.h"
#include "flow_parser.h"
#include "flow_reformat.h"
#include "flow_target.h"

struct dq_matcher;

/* The priority before all others, which is the device's 0. */
enum { DQ_PRIORITY_GATE = -1 };

/* A rule of a flow. The device's object is made anew where its priority changes. */
struct dq_flow_rule {
	struct dq_placed placed;
	struct dq_flow *flow;
	uint64_t hash_fields;	    /* enum ibv_rx_hash_fields; 0: to the first queue */
	struct ibv_flow *ibv;	    /* NULL: not in the device */
	struct dq_matcher *matcher; /* NULL: it is of verbs */
	struct ibv_flow *next_ibv;  /* at its new priority, while it moves */
	struct dq_matcher *next_matcher;
};

struct dq_flow {
	const struct dq_conf_flow *conf;
	struct dq_conf *owner; /* what conf lies in, if it is no part of the context's */
	uint32_t tag;	       /* 0: none, as of `unmatched` */
	uint64_t seq;
	struct dq_flow_target target;
	struct dq_flow_counter counter;
	struct daqiri_txq **senders;	  /* encap: the queues whose frames it takes; else NULL */
	struct ibv_flow_action *reformat; /* decap or encap; NULL: none */
	unsigned words;		       /* enum dq_word that its rules match by, a bit each */
	struct dq_flow_rule *rules;
	unsigned n_rules;
	struct dq_link by_name, by_tag;
	unsigned index; /* in the table's list */
	bool leaving;	/* named by the call that removes flows */
};

struct dq_flow_table {
	struct daqiri_port *port;
	const struct dq_conf *opened; /* the context's configuration, and the port in it */
	unsigned index;
	struct daqiri_rxq *const *rxqs; /* the context's */
	struct daqiri_txq *const *txqs;
	struct dq_order order;
	struct dq_parser parser;
	struct dq_flow **flows; /* all but `unmatched` */
	unsigned n_flows, capacity;
	struct dq_hash by_name, by_tag; /* of those */
	struct dq_matcher *matchers;
	struct dq_verbs_sink {
		struct ibv_cq *cq;
		struct ibv_qp *qp; /* NULL: not needed yet */
	} sink;			   /* of rules of verbs that drop */
	struct dq_conf_flow unmatched_conf, gate_conf;
	struct dq_flow gate_flow;  /* drops everything */
	struct dq_flow_rule gate;  /* of it; in the device between drop_all and allow_all */
	struct dq_flow *unmatched; /* NULL: unmatched = kernel */
	uint64_t next_seq;
	uint32_t last_tag; /* that was chosen, not given */
};

/* ---- flow_make.c: one flow, before its rules are in the device --------------------------------
 */

/* From conf, which owner holds if it is not NULL; the flow then owns that, also where this fails.
 */
int dq_flow_create(struct dq_flow **out, struct dq_flow_table *table,
		   const struct dq_conf_flow *conf, struct dq_conf *owner);
/* What becomes of unmatched frames, as a flow: table->unmatched; none where they are the kernel's.
 */
int dq_flow_create_unmatched(struct dq_flow_table *table);
/* Its rules must be out of the device. NULL does nothing. */
void dq_flow_destroy(struct dq_flow *flow);

/* ---- flow_rule.c: rules in the device -------------------------------------------------------- */

/* Makes the rule at its priority: next_ibv. What it had before is still there. */
int dq_rule_make(struct dq_flow_table *table, struct dq_flow_rule *rule);
/* Takes that back. */
void dq_rule_unmake(struct dq_flow_table *table, struct dq_flow_rule *rule);
/* What it had before goes, and next_ibv is what it has. */
void dq_rule_settle(struct dq_flow_table *table, struct dq_flow_rule *rule);
void dq_rule_destroy(struct dq_flow_table *table, struct dq_flow_rule *rule);
/* Where the kernel refuses (-errno), the rule stays as it is. */
int dq_rule_try_destroy(struct dq_flow_table *table, struct dq_flow_rule *rule);

/* ---- flow_explain.c: why the kernel refused one ------------------------------------------------ */

/* what: "its flow rule". Writes the detail: which keys, and what kernel or device may lack. -err. */
int dq_rule_explain(const struct dq_placed *rule, const char *what, int err);

/* ---- flow_verbs.c ---------------------------------------------------------------------------- */

/* Makes next_ibv of a rule with verbs' counters. */
int dq_verbs_rule_make(struct dq_flow_table *table, struct dq_flow_rule *rule);
void dq_verbs_sink_destroy(struct dq_flow_table *table);

/* ---- flow_apply.c ---------------------------------------------------------------------------- */

/*
 * Puts all rules of n flows into the device, or none. Every packet is taken meanwhile by the rule
 * that it matched before, or by that which it matches afterwards.
 */
int dq_flows_apply(struct dq_flow_table *table, struct dq_flow *const *flows, unsigned n);
/* Takes them out of it: their packets are taken by other flows, or go where unmatched ones go. */
void dq_flows_withdraw(struct dq_flow_table *table, struct dq_flow *const *flows, unsigned n);

/* ---- flow_text.c ----------------------------------------------------------------------------- */

/* What the keys of a flow may name. */
struct dq_flow_context {
	struct dq_conf_port port;
	struct dq_conf conf; /* that port alone, with the queues that it has now */
};

int dq_flow_context_make(struct dq_flow_context *out, const struct daqiri_port *port);
void dq_flow_context_free(struct dq_flow_context *context);

/* A flow's part of a configuration, of queues that are indices into the port's. tag 0: none given.
 */
int dq_flow_from_text(struct dq_conf **out, const struct dq_flow_context *context,
		      const struct daqiri_flow_text *text);

/* ---- flow_gate.c ----------------------------------------------------------------------------- */

void dq_gate_init(struct dq_flow_table *table);

/* ---- flow.c ---------------------------------------------------------------------------------- */

/* Makes room for n flows more in the list. */
int dq_flows_reserve(struct dq_flow_table *table, unsigned n);
/* Notes a flow, for which there is room; forgets it. */
void dq_flow_enter(struct dq_flow_table *table, struct dq_flow *flow);
void dq_flow_leave(struct dq_flow_table *table, struct dq_flow *flow);

/* The flow of this name; NULL: none. */
struct dq_flow *dq_flow_find(const struct dq_flow_table *table, const char *name);

#endif

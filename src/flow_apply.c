/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules into the device and out of it, without a packet going astray meanwhile.
 *
 * New rules, and rules that change their priority, are made from the first priority to the last: a
 * packet's new rule is then the first of the new ones to be there, and until it is, only old ones
 * match. What is to go goes from the last priority to the first: a packet's old rule is the last of
 * the old ones to go.
 */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "flow_table.h"

struct list {
	struct dq_flow_rule **rules;
	unsigned n;
};

static struct dq_flow_rule *rule_of(struct dq_placed *placed)
{
	return DQ_HASH_ENTRY(placed, struct dq_flow_rule, placed);
}

static int by_new_priority(const void *a, const void *b)
{
	const struct dq_flow_rule *x = *(struct dq_flow_rule *const *)a;
	const struct dq_flow_rule *y = *(struct dq_flow_rule *const *)b;

	return (x->placed.priority > y->placed.priority) -
	       (x->placed.priority < y->placed.priority);
}

static int by_old_priority_backwards(const void *a, const void *b)
{
	const struct dq_flow_rule *x = *(struct dq_flow_rule *const *)a;
	const struct dq_flow_rule *y = *(struct dq_flow_rule *const *)b;

	return (x->placed.was < y->placed.was) - (x->placed.was > y->placed.was);
}

static void collect_changed(void *arg, struct dq_placed *placed)
{
	struct list *list = arg;

	if (placed->priority != placed->was)
		list->rules[list->n++] = rule_of(placed);
}

static int make_all(struct dq_flow_table *table, const struct list *list)
{
	unsigned made = 0;
	int ret = 0;

	qsort(list->rules, list->n, sizeof(struct dq_flow_rule *), by_new_priority);
	while (!ret && made < list->n) {
		ret = dq_rule_make(table, list->rules[made]);
		made += !ret;
	}
	while (ret && made)
		dq_rule_unmake(table, list->rules[--made]);
	return ret;
}

static void settle_all(struct dq_flow_table *table, const struct list *list)
{
	qsort(list->rules, list->n, sizeof(struct dq_flow_rule *), by_old_priority_backwards);
	for (unsigned i = 0; i < list->n; i++) {
		dq_rule_settle(table, list->rules[i]);
		dq_order_settle(&list->rules[i]->placed);
	}
}

static unsigned count_rules(struct dq_flow *const *flows, unsigned n)
{
	unsigned n_rules = 0;

	for (unsigned i = 0; i < n; i++)
		n_rules += flows[i]->n_rules;
	return n_rules;
}

/* The rules of n flows. */
static int collect(struct list *list, const struct dq_flow_table *table,
		   struct dq_flow *const *flows, unsigned n)
{
	*list = (struct list){calloc(count_rules(flows, n) + 1, sizeof(struct dq_flow_rule *)), 0};
	if (!list->rules)
		return dq_error(ENOMEM, "%s: out of memory", table->order.where);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < flows[i]->n_rules; k++)
			list->rules[list->n++] = &flows[i]->rules[k];
	return 0;
}

/* Gives the rules their priorities; undone by dq_order_undo(). */
static int place(struct dq_flow_table *table, const struct list *list, struct dq_placed ***out)
{
	struct dq_placed **placed = calloc(list->n + 1, sizeof(struct dq_placed *));
	int ret;

	if (!placed)
		return dq_error(ENOMEM, "%s: out of memory", table->order.where);
	for (unsigned i = 0; i < list->n; i++)
		placed[i] = &list->rules[i]->placed;
	ret = dq_order_add(&table->order, placed, list->n);
	if (ret)
		free(placed);
	else
		*out = placed;
	return ret;
}

/* Of the whole table, if others than the new rules change. */
static int widen(struct dq_flow_table *table, struct list *list)
{
	struct dq_flow_rule **rules;

	if (!table->order.moved)
		return 0;
	rules = calloc(table->order.n_rules + 1, sizeof(struct dq_flow_rule *));
	if (!rules)
		return dq_error(ENOMEM, "%s: out of memory", table->order.where);
	free(list->rules);
	list->rules = rules;
	list->n = 0;
	dq_order_each(&table->order, collect_changed, list);
	return 0;
}

int dq_flows_apply(struct dq_flow_table *table, struct dq_flow *const *flows, unsigned n)
{
	struct dq_placed **placed = NULL;
	struct list list;
	int ret = collect(&list, table, flows, n);

	if (ret)
		return ret;
	ret = place(table, &list, &placed);
	if (ret)
		goto out;
	ret = widen(table, &list);
	if (!ret)
		ret = make_all(table, &list);
	if (ret)
		dq_order_undo(&table->order, placed, count_rules(flows, n));
	else
		settle_all(table, &list);
	free(placed);
out:
	free(list.rules);
	return ret;
}

/* Without the memory for a list rules go flow by flow, and a packet may fall to a wider one. */
static void withdraw_each(struct dq_flow_table *table, struct dq_flow *const *flows, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = flows[i]->n_rules; k--;) {
			dq_rule_destroy(table, &flows[i]->rules[k]);
			dq_order_remove(&table->order, &flows[i]->rules[k].placed);
		}
	}
}

void dq_flows_withdraw(struct dq_flow_table *table, struct dq_flow *const *flows, unsigned n)
{
	struct list list;

	if (collect(&list, table, flows, n)) {
		withdraw_each(table, flows, n);
		return;
	}
	qsort(list.rules, list.n, sizeof(struct dq_flow_rule *), by_old_priority_backwards);
	for (unsigned i = 0; i < list.n; i++) {
		dq_rule_destroy(table, list.rules[i]);
		dq_order_remove(&table->order, &list.rules[i]->placed);
	}
	free(list.rules);
}

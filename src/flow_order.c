/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "flow_order.h"

/* All rules of one mask. Of two that are not the same no packet matches both. */
struct dq_mask_group {
	struct dq_placed **rules;
	unsigned n, capacity;
	unsigned shall[DQ_PRIORITIES], has[DQ_PRIORITIES]; /* rules, by priority and by was */
};

void dq_order_init(struct dq_order *order, const char *where)
{
	*order = (struct dq_order){.where = where, .last = DQ_PRIORITY_LAST - 1};
}

void dq_order_free(struct dq_order *order)
{
	for (unsigned i = 0; i < order->n_groups; i++) {
		free(order->groups[i]->rules);
		free(order->groups[i]);
	}
	free(order->groups);
	dq_hash_free(&order->by_match);
	*order = (struct dq_order){0};
}

void dq_order_each(const struct dq_order *order, void (*fn)(void *arg, struct dq_placed *rule),
		   void *arg)
{
	for (unsigned i = 0; i < order->n_groups; i++)
		for (unsigned k = 0; k < order->groups[i]->n; k++)
			fn(arg, order->groups[i]->rules[k]);
}

/* ---- groups ---------------------------------------------------------------------------------- */

static void set_priority(struct dq_placed *rule, int priority)
{
	if (rule->priority != DQ_AUTO)
		rule->group->shall[rule->priority]--;
	if (priority != DQ_AUTO)
		rule->group->shall[priority]++;
	rule->priority = priority;
}

void dq_order_settle(struct dq_placed *rule)
{
	if (rule->was != DQ_AUTO)
		rule->group->has[rule->was]--;
	rule->group->has[rule->priority]++;
	rule->was = rule->priority;
}

static bool is_of(const struct dq_mask_group *group, const struct dq_placed *rule)
{
	const struct dq_placed *one = group->rules[0];

	return one->by_verbs == rule->by_verbs && dq_match_same_mask(&one->match, &rule->match);
}

/* The group of a rule's mask, made if need be. NULL: no memory. */
static struct dq_mask_group *find_group(struct dq_order *order, const struct dq_placed *rule)
{
	struct dq_mask_group **groups, *group;

	for (unsigned i = 0; i < order->n_groups; i++)
		if (is_of(order->groups[i], rule))
			return order->groups[i];
	groups = realloc(order->groups, (order->n_groups + 1) * sizeof(struct dq_mask_group *));
	if (!groups)
		return NULL;
	order->groups = groups;
	group = calloc(1, sizeof(*group));
	if (group)
		groups[order->n_groups++] = group;
	return group;
}

static void drop_if_empty(struct dq_order *order, struct dq_mask_group *group)
{
	unsigned i = 0;

	if (group->n)
		return;
	while (order->groups[i] != group)
		i++;
	order->groups[i] = order->groups[--order->n_groups];
	free(group->rules);
	free(group);
}

static bool make_room(struct dq_mask_group *group)
{
	unsigned capacity = group->capacity ? group->capacity * 2 : 4;
	struct dq_placed **rules;

	if (group->n < group->capacity)
		return true;
	rules = realloc(group->rules, capacity * sizeof(struct dq_placed *));
	if (!rules)
		return false;
	group->rules = rules;
	group->capacity = capacity;
	return true;
}

static int link_rule(struct dq_order *order, struct dq_placed *rule)
{
	struct dq_mask_group *group = find_group(order, rule);

	if (!group || !make_room(group)) {
		if (group)
			drop_if_empty(order, group);
		return dq_error(ENOMEM, "%s: out of memory", rule->flow->where);
	}
	rule->group = group;
	rule->index = group->n;
	group->rules[group->n++] = rule;
	if (rule->priority != DQ_AUTO)
		group->shall[rule->priority]++;
	dq_hash_add(&order->by_match, &rule->by_match,
		    dq_hash_bytes(&rule->match, sizeof(rule->match)));
	order->n_rules++;
	return 0;
}

void dq_order_remove(struct dq_order *order, struct dq_placed *rule)
{
	struct dq_mask_group *group = rule->group;
	struct dq_placed *last;

	if (!group)
		return;
	rule->group = NULL;
	last = group->rules[--group->n];
	group->rules[rule->index] = last;
	last->index = rule->index;
	if (rule->priority != DQ_AUTO)
		group->shall[rule->priority]--;
	if (rule->was != DQ_AUTO)
		group->has[rule->was]--;
	rule->was = DQ_AUTO;
	dq_hash_remove(&order->by_match, &rule->by_match);
	order->n_rules--;
	drop_if_empty(order, group);
}

/* ---- one rule against the others ------------------------------------------------------------ */

static bool is_ahead(const struct dq_placed *a, const struct dq_placed *b)
{
	if (a->bits != b->bits)
		return a->bits > b->bits;
	return a->seq != b->seq ? a->seq < b->seq : a->level < b->level;
}

/* Where a rule may be, by those that it overlaps with. */
struct bounds {
	int low, high;
	unsigned taken;		      /* priorities where it must not be, as bits */
	const struct dq_placed *with; /* a given one at the rule's own given priority */
};

/* It must come before that priority. */
static void before(struct bounds *b, int priority)
{
	if (b->high >= priority)
		b->high = priority - 1;
}

static void behind(struct bounds *b, int priority)
{
	if (b->low <= priority)
		b->low = priority + 1;
}

static void bound(struct bounds *b, const struct dq_placed *rule, const struct dq_placed *other)
{
	/* The device would take both for one, until the other one has moved. */
	if (other->was != DQ_AUTO && dq_match_same(&other->match, &rule->match))
		b->taken |= 1u << other->was;
	if (other->priority == DQ_AUTO)
		return;
	/* Two that are in the device keep their order, or packets would change from one to the
	 * other. */
	if (other->given && rule->was != DQ_AUTO && other->was != DQ_AUTO) {
		if (rule->was < other->was)
			before(b, other->was);
		else
			behind(b, other->was);
	} else if (rule->given || other->given) {
		b->taken |= 1u << other->priority;
		if (other->given && other->priority == rule->priority)
			b->with = other;
	} else if (is_ahead(other, rule)) {
		behind(b, other->priority);
	} else {
		before(b, other->priority);
	}
}

static struct bounds find_bounds(const struct dq_order *order, const struct dq_placed *rule)
{
	struct bounds b = {.low = 0, .high = order->last};

	for (const struct dq_link *link = dq_hash_first(&order->by_match, rule->by_match.hash);
	     link; link = dq_hash_next(link)) {
		const struct dq_placed *other = DQ_HASH_ENTRY(link, struct dq_placed, by_match);

		if (other != rule && dq_match_same(&other->match, &rule->match))
			bound(&b, rule, other);
	}
	for (unsigned i = 0; i < order->n_groups; i++) {
		const struct dq_mask_group *group = order->groups[i];

		for (unsigned k = 0; group != rule->group && k < group->n; k++)
			if (dq_match_overlap(&group->rules[k]->match, &rule->match))
				bound(&b, rule, group->rules[k]);
	}
	return b;
}

static unsigned count_groups(unsigned n)
{
	return (n + DQ_GROUP_RULES - 1) / DQ_GROUP_RULES;
}

enum { ONE_MORE = 1, SETTLED = 2 };

/* The kernel's groups that a priority needs, in the rule's table. ONE_MORE: with the rule; SETTLED:
 * once nothing that moves is in two places any more. */
static unsigned groups_at(const struct dq_order *order, const struct dq_placed *rule, int priority,
			  unsigned how)
{
	unsigned n = 0;

	for (unsigned i = 0; i < order->n_groups; i++) {
		const struct dq_mask_group *group = order->groups[i];
		const struct dq_match_buf *mask = &group->rules[0]->match;
		unsigned has = how & SETTLED ? 0 : group->has[priority];
		unsigned more = how & ONE_MORE && group == rule->group;
		unsigned shall = group->shall[priority] + more;

		if (dq_match_is_sent(mask) == dq_match_is_sent(&rule->match))
			n += count_groups(shall > has ? shall : has);
	}
	return n;
}

/* Finds a priority for a rule that has none. False: there is none, as the others lie. */
static bool place(const struct dq_order *order, struct dq_placed *rule)
{
	struct bounds b = find_bounds(order, rule);

	for (int p = b.low; p <= b.high; p++) {
		if (!(b.taken >> p & 1) && groups_at(order, rule, p, ONE_MORE) <= DQ_LARGE_GROUPS) {
			set_priority(rule, p);
			return true;
		}
	}
	return false;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int by_rank(const void *a, const void *b)
{
	const struct dq_placed *x = *(struct dq_placed *const *)a;
	const struct dq_placed *y = *(struct dq_placed *const *)b;

	return is_ahead(x, y) ? -1 : is_ahead(y, x);
}

static int check_given(const struct dq_order *order, struct dq_placed *const *rules, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct dq_placed *rule = rules[i], *with;

		with = rule->given ? find_bounds(order, rule).with : NULL;
		if (with)
			return dq_error(EINVAL,
					"%s: has priority %d, as %s, and a packet may match both: "
					"which comes first is not defined; choose another, or auto",
					rule->flow->where, rule->priority, with->flow->where);
	}
	return 0;
}

struct list {
	struct dq_placed **rules;
	unsigned n;
};

static void collect_movable(void *arg, struct dq_placed *rule)
{
	struct list *list = arg;

	if (rule->given)
		return;
	set_priority(rule, DQ_AUTO);
	list->rules[list->n++] = rule;
}

static int place_each(struct dq_order *order, const struct list *list)
{
	qsort(list->rules, list->n, sizeof(struct dq_placed *), by_rank);
	for (unsigned i = 0; i < list->n; i++)
		if (!place(order, list->rules[i]))
			return dq_error(EINVAL,
					"%s: no priority is left for it: the flows of %s overlap "
					"in too many different ways (%d priorities): match the "
					"same fields in more of them, let ranges begin and end at "
					"multiples of a power of two, or give none a priority",
					list->rules[i]->flow->where, order->where, order->last + 1);
	return 0;
}

/* While given ones alone have a priority. */
static int check_room(const struct dq_order *order, struct dq_placed *const *rules, unsigned n)
{
	unsigned i = 0;

	while (i < n && (!rules[i]->given || groups_at(order, rules[i], rules[i]->priority,
						       SETTLED) <= DQ_LARGE_GROUPS))
		i++;
	if (i == n)
		return 0;
	return dq_error(EINVAL,
			"%s: rules at priority %d look at more than the %d different sets of bits "
			"that the kernel has room for at one: leave priority out, or let ranges "
			"begin and end at multiples of a power of two",
			rules[i]->flow->where, rules[i]->priority, DQ_LARGE_GROUPS);
}

/* From the narrowest rule on, all anew. rules: the n new ones. */
static int place_all(struct dq_order *order, struct dq_placed *const *rules, unsigned n)
{
	struct list list = {calloc(order->n_rules + 1, sizeof(struct dq_placed *)), 0};
	int ret;

	if (!list.rules)
		return dq_error(ENOMEM, "%s: out of memory", order->where);
	order->moved = true;
	dq_order_each(order, collect_movable, &list);
	ret = check_room(order, rules, n);
	if (!ret)
		ret = place_each(order, &list);
	free(list.rules);
	return ret;
}

/* Whether new rules find places among the others as these are. */
static bool place_new(const struct dq_order *order, struct dq_placed *const *sorted, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct dq_placed *rule = sorted[i];

		if (rule->given &&
		    (find_bounds(order, rule).taken >> rule->priority & 1 ||
		     groups_at(order, rule, rule->priority, 0) > DQ_LARGE_GROUPS))
			return false;
		if (!rule->given && !place(order, rule))
			return false;
	}
	return true;
}

/*
 * The rule of the same match, that would have to leave the given priority first, while the new one is
 * made before any moves; NULL: none.
 */
static const struct dq_placed *leaver(const struct dq_order *order, const struct dq_placed *rule)
{
	for (const struct dq_link *link = dq_hash_first(&order->by_match, rule->by_match.hash);
	     link; link = dq_hash_next(link)) {
		const struct dq_placed *other = DQ_HASH_ENTRY(link, struct dq_placed, by_match);

		if (other != rule && other->was == rule->priority &&
		    dq_match_same(&other->match, &rule->match))
			return other;
	}
	return NULL;
}

static int check_leavers(const struct dq_order *order, struct dq_placed *const *rules, unsigned n)
{
	const struct dq_placed *other;

	for (unsigned i = 0; i < n; i++) {
		other = rules[i]->given ? leaver(order, rules[i]) : NULL;
		if (other)
			return dq_error(EINVAL,
					"%s priority=%d: %s has a rule of the same match there: give "
					"another priority, or none, or remove that flow first",
					rules[i]->flow->where, rules[i]->priority,
					other->flow->where);
	}
	return 0;
}

static int place_added(struct dq_order *order, struct dq_placed *const *rules, unsigned n)
{
	struct dq_placed **sorted = calloc(n + 1, sizeof(struct dq_placed *));
	int ret;

	if (!sorted)
		return dq_error(ENOMEM, "%s: out of memory", order->where);
	memcpy(sorted, rules, n * sizeof(struct dq_placed *));
	qsort(sorted, n, sizeof(struct dq_placed *), by_rank);
	ret = check_given(order, rules, n);
	if (!ret && !place_new(order, sorted, n)) {
		ret = place_all(order, rules, n);
		if (!ret)
			ret = check_leavers(order, rules, n);
	}
	free(sorted);
	return ret;
}

/* The same packets for two flows: which queue would get them? The NIC would give them to both. */
static int check_twice(const struct dq_order *order, const struct dq_placed *rule)
{
	uint64_t hash = dq_hash_bytes(&rule->match, sizeof(rule->match));

	for (const struct dq_link *link = dq_hash_first(&order->by_match, hash); link;
	     link = dq_hash_next(link)) {
		const struct dq_placed *other = DQ_HASH_ENTRY(link, struct dq_placed, by_match);

		if (other->flow != rule->flow && dq_match_same(&other->match, &rule->match) &&
		    dq_match_equal(&other->flow->match, &rule->flow->match))
			return dq_error(EINVAL,
					"%s: matches the same packets as %s: name all queues in "
					"one flow",
					rule->flow->where, other->flow->where);
	}
	return 0;
}

static void restore(void *arg, struct dq_placed *rule)
{
	(void)arg;
	if (!rule->given)
		set_priority(rule, rule->was);
}

void dq_order_undo(struct dq_order *order, struct dq_placed *const *rules, unsigned n)
{
	while (n)
		dq_order_remove(order, rules[--n]);
	if (order->moved)
		dq_order_each(order, restore, NULL);
}

int dq_order_add(struct dq_order *order, struct dq_placed *const *rules, unsigned n)
{
	unsigned linked = 0;
	int ret = 0;

	order->moved = false;
	while (!ret && linked < n) {
		ret = check_twice(order, rules[linked]);
		if (!ret)
			ret = link_rule(order, rules[linked]);
		linked += !ret;
	}
	if (!ret)
		ret = place_added(order, rules, n);
	if (ret)
		dq_order_undo(order, rules, linked);
	return ret;
}

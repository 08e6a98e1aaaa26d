/* SPDX-License-Identifier: Apache-2.0 */
/* Flow rules in shared memory, and how each process keeps its compiled form of them up to date. */
#include <errno.h>

#include "wire.h"

struct emu_steer *emu_wire_steer(unsigned port)
{
	return emu_wire.ports[port].steer;
}

/* Lock held. Tells everybody that a rule has come or gone. */
static void announce(struct wire_port *port, unsigned slot)
{
	uint32_t gen = atomic_load_explicit(&port->gen, memory_order_relaxed);

	port->log[gen % WIRE_LOG] = slot;
	/* release: the rule is seen by whoever sees the number; pairs with emu_wire_sync() */
	atomic_store_explicit(&port->gen, gen + 1, memory_order_release);
}

static void apply(unsigned port, unsigned slot)
{
	const struct wire_rule *rule = &emu_wire.head->ports[port].rules[slot];
	struct emu_steer *steer = emu_wire.ports[port].steer;

	emu_steer_del(steer, slot); /* nothing where it was not there */
	if (rule->used && emu_steer_add(steer, &rule->def, slot))
		emu_complain("port %u: no memory for flow rule %u of another process", port, slot);
}

void emu_wire_follow(unsigned port)
{
	struct wire_port *shared = &emu_wire.head->ports[port];
	uint32_t gen = atomic_load_explicit(&shared->gen, memory_order_acquire);
	uint32_t from = emu_wire.ports[port].gen, i;

	if (gen - from > WIRE_LOG) {
		for (i = 0; i < WIRE_RULES; i++)
			apply(port, i);
	} else {
		for (i = from; i != gen; i++)
			apply(port, shared->log[i % WIRE_LOG] % WIRE_RULES);
	}
	emu_wire.ports[port].gen = gen;
}

void emu_wire_sync(void)
{
	uint32_t gen;
	unsigned i;

	if (emu_wire.fd < 0)
		return;
	for (i = 0; i < emu_settings.n_ports; i++) {
		gen = atomic_load_explicit(&emu_wire.head->ports[i].gen, memory_order_relaxed);
		if (gen == emu_wire.ports[i].gen || !emu_wire_lock(true))
			continue;
		emu_wire_follow(i);
		emu_wire_unlock();
	}
}

static int find_free(struct wire_port *port, unsigned *slot)
{
	unsigned i, at;

	for (i = 0; i < WIRE_RULES; i++) {
		at = (port->hint + i) % WIRE_RULES;
		if (port->rules[at].used)
			continue;
		port->hint = at + 1;
		*slot = at;
		return 0;
	}
	return -ENOSPC;
}

static int add_locked(unsigned number, struct emu_rule_def *def, unsigned *slot)
{
	struct wire_port *port = &emu_wire.head->ports[number];
	int rc;

	emu_wire_follow(number);
	rc = emu_steer_place(emu_wire.ports[number].steer, def);
	if (rc)
		return rc;
	rc = find_free(port, slot);
	if (rc)
		return rc;
	rc = emu_steer_add(emu_wire.ports[number].steer, def, *slot);
	if (rc)
		return rc;
	port->rules[*slot].def = *def;
	/* A process that dies before this line leaves no rule, behind it a whole one. */
	__atomic_store_n(&port->rules[*slot].used, 1, __ATOMIC_RELEASE);
	announce(port, *slot);
	emu_wire.ports[number].gen++; /* steer has it already */
	return 0;
}

int emu_wire_rule_add(unsigned port, struct emu_rule_def *def, unsigned *slot)
{
	int rc;

	if (emu_wire.fd < 0 || !emu_wire_lock(false))
		return -EIO;
	def->owner = (uint16_t)emu_wire.slot;
	rc = add_locked(port, def, slot);
	emu_wire_unlock();
	return rc;
}

static void remove_rule(struct wire_port *port, unsigned slot)
{
	__atomic_store_n(&port->rules[slot].used, 0, __ATOMIC_RELEASE);
	port->hint = slot;
	announce(port, slot);
}

void emu_wire_rule_del(unsigned port, unsigned slot)
{
	if (emu_wire.fd < 0 || !emu_wire_lock(false))
		return;
	remove_rule(&emu_wire.head->ports[port], slot);
	emu_wire_follow(port);
	emu_wire_unlock();
}

void emu_wire_rules_of(unsigned slot)
{
	struct wire_port *port;
	unsigned i, j;

	for (i = 0; i < emu_wire.head->n_ports; i++) {
		port = &emu_wire.head->ports[i];
		for (j = 0; j < WIRE_RULES; j++)
			if (port->rules[j].used && port->rules[j].def.owner == slot)
				remove_rule(port, j);
	}
}

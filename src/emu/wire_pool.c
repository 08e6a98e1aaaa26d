/* SPDX-License-Identifier: Apache-2.0 */
/* Flow counters and flow actions, in shared memory: given out, given back, read and counted. */
#include <errno.h>
#include <string.h>

#include "wire.h"

_Static_assert(WIRE_ACTION_DATA == EMU_ACTION_DATA, "one length");

static struct wire_pool *pool(void)
{
	return &emu_wire.head->pool;
}

/* ---- counters ------------------------------------------------------------------------------- */

static bool all_free(const uint8_t *owner, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (owner[i])
			return false;
	return true;
}

static int take_counters(unsigned n, unsigned align, uint32_t *first)
{
	struct wire_pool *p = pool();
	uint32_t at, i;

	for (i = 0; i < WIRE_COUNTERS; i++) {
		at = (p->counter_hint + i) % WIRE_COUNTERS;
		if (p->counter_owner[at] || (at + 1) % align || at + n > WIRE_COUNTERS ||
		    !all_free(&p->counter_owner[at], n))
			continue;
		memset(&p->counter_owner[at], (int)emu_wire.slot + 1, n);
		memset(&p->counters[at], 0, n * sizeof(p->counters[0]));
		p->counter_hint = at + n;
		*first = at + 1;
		return 0;
	}
	return -ENOSPC;
}

int emu_wire_counter_new(unsigned n, unsigned align, uint32_t *first)
{
	int rc;

	if (emu_wire.fd < 0 || !emu_wire_lock(false))
		return -EIO;
	rc = take_counters(n, align, first);
	emu_wire_unlock();
	return rc;
}

void emu_wire_counter_free(uint32_t first, unsigned n)
{
	if (!first || emu_wire.fd < 0 || !emu_wire_lock(false))
		return;
	memset(&pool()->counter_owner[first - 1], 0, n);
	pool()->counter_hint = first - 1;
	emu_wire_unlock();
}

void emu_wire_counter_read(uint32_t number, uint64_t *packets, uint64_t *bytes)
{
	struct wire_counter *c = &pool()->counters[number - 1];

	*packets = __atomic_load_n(&c->packets, __ATOMIC_RELAXED);
	*bytes = __atomic_load_n(&c->bytes, __ATOMIC_RELAXED);
}

void emu_wire_counter_take(uint32_t number, uint64_t *packets, uint64_t *bytes)
{
	struct wire_counter *c = &pool()->counters[number - 1];

	*packets = __atomic_exchange_n(&c->packets, 0, __ATOMIC_RELAXED);
	*bytes = __atomic_exchange_n(&c->bytes, 0, __ATOMIC_RELAXED);
}

void emu_wire_count(uint32_t number, uint32_t bytes)
{
	struct wire_counter *c = &pool()->counters[(number - 1) % WIRE_COUNTERS];

	__atomic_fetch_add(&c->packets, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&c->bytes, bytes, __ATOMIC_RELAXED);
}

/* ---- actions -------------------------------------------------------------------------------- */

static int take_action(enum emu_action kind, const void *data, size_t len, uint16_t *number)
{
	struct wire_action *a = pool()->actions;
	uint16_t i;

	for (i = 0; i < WIRE_ACTIONS; i++) {
		if (a[i].owner)
			continue;
		a[i].owner = (uint8_t)(emu_wire.slot + 1);
		a[i].kind = (uint8_t)kind;
		a[i].len = (uint16_t)len;
		memcpy(a[i].data, data, len);
		*number = (uint16_t)(i + 1);
		return 0;
	}
	return -ENOSPC;
}

int emu_wire_action_new(enum emu_action kind, const void *data, size_t len, uint16_t *number)
{
	int rc;

	if (len > WIRE_ACTION_DATA)
		return -EINVAL;
	if (emu_wire.fd < 0 || !emu_wire_lock(false))
		return -EIO;
	rc = take_action(kind, data, len, number);
	emu_wire_unlock();
	return rc;
}

void emu_wire_action_free(uint16_t number)
{
	if (!number || emu_wire.fd < 0 || !emu_wire_lock(false))
		return;
	pool()->actions[number - 1].owner = 0;
	emu_wire_unlock();
}

const struct wire_action *emu_wire_action(uint32_t number)
{
	return number && number <= WIRE_ACTIONS ? &pool()->actions[number - 1] : NULL;
}

/* ---- samples of the programmable parser ------------------------------------------------------ */

static void clear_sample(struct emu_sample *s)
{
	__atomic_store_n(&s->id, 0, __ATOMIC_RELEASE);
	s->owner = 0;
}

static int take_sample(struct emu_sample *samples, const struct emu_sample *s)
{
	int i;

	for (i = 0; i < (int)EMU_DEEP_SAMPLES; i++) {
		if (samples[i].owner)
			continue;
		memcpy(samples[i].arcs, s->arcs, sizeof(s->arcs));
		samples[i].header = s->header;
		samples[i].offset = s->offset;
		samples[i].owner = (uint8_t)(emu_wire.slot + 1);
		__atomic_store_n(&samples[i].id, s->id, __ATOMIC_RELEASE);
		return i;
	}
	return -ENOSPC;
}

int emu_wire_sample_new(unsigned port, const struct emu_sample *s)
{
	int slot;

	if (emu_wire.fd < 0 || !emu_wire_lock(false))
		return -EIO;
	slot = take_sample(emu_wire.head->ports[port].samples, s);
	emu_wire_unlock();
	return slot;
}

void emu_wire_sample_free(unsigned port, unsigned slot)
{
	if (emu_wire.fd < 0 || !emu_wire_lock(false))
		return;
	clear_sample(&emu_wire.head->ports[port].samples[slot]);
	emu_wire_unlock();
}

unsigned emu_wire_sample_find(unsigned port, uint32_t id)
{
	const struct emu_sample *samples = emu_wire.head->ports[port].samples;
	unsigned i = 0;

	while (i < EMU_DEEP_SAMPLES && samples[i].id != id)
		i++;
	return i;
}

/* ---- what a process leaves behind ----------------------------------------------------------- */

static void release_samples(struct emu_sample *samples, unsigned slot)
{
	for (unsigned i = 0; i < EMU_DEEP_SAMPLES; i++)
		if (samples[i].owner == slot + 1)
			clear_sample(&samples[i]);
}

void emu_wire_pool_of(unsigned slot)
{
	struct wire_pool *p = pool();
	uint32_t i;

	for (i = 0; i < WIRE_COUNTERS; i++)
		if (p->counter_owner[i] == slot + 1)
			p->counter_owner[i] = 0;
	for (i = 0; i < WIRE_ACTIONS; i++)
		if (p->actions[i].owner == slot + 1)
			p->actions[i].owner = 0;
	for (i = 0; i < emu_wire.head->n_ports; i++)
		release_samples(emu_wire.head->ports[i].samples, slot);
}

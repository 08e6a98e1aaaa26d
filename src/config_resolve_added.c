/* SPDX-License-Identifier: Apache-2.0 */
/* More regions and queues for a context that runs, whose ports they use. */
#include <errno.h>
#include <string.h>

#include "config_resolve.h"

static bool can_be_added(const struct dq_section *sec)
{
	return dq_section_has_kind(sec, "region") || dq_section_has_kind(sec, "rxq") ||
	       dq_section_has_kind(sec, "txq");
}

/* What is there already and would have that name twice. */
static int check_region(struct dq_resolver *r, const struct dq_section *sec)
{
	char name[DQ_NAME_MAX + 1];

	dq_section_word(sec, 1, name);
	for (unsigned i = 0; i < r->running->n_regions; i++)
		if (!strcmp(r->running->regions[i]->name, name))
			return dq_blame_key(r->cfg, sec, NULL,
					    "the context has a region of this name: name it "
					    "otherwise, or destroy that one first");
	return 0;
}

int dq_resolve_added(struct dq_resolver *r)
{
	const struct dq_conf *opened = r->running->opened;
	int err = 0;

	for (unsigned i = 0; !err && i < r->cfg->n_sections; i++) {
		const struct dq_section *sec = &r->cfg->sections[i];

		if (!sec->kind)
			continue;
		if (!can_be_added(sec))
			err = dq_blame_key(r->cfg, sec, NULL,
					   "cannot be added to a context that runs; allowed "
					   "[region], [rxq] and [txq]");
		else if (dq_section_has_kind(sec, "region"))
			err = check_region(r, sec);
	}
	r->conf->ports = opened->ports; /* which outlives all that is added */
	r->conf->n_ports = opened->n_ports;
	return err;
}

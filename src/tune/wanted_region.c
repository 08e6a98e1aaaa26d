/* SPDX-License-Identifier: Apache-2.0 */
/* Where a region of a configuration lies: by the rules of daqiri.ini(5), affinity and numa. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "machine.h"
#include "wanted.h"

const struct tune_nic *tune_wanted_region_nic(const struct tune_machine *m,
					      const struct tune_wanted *w,
					      const struct tune_wanted_region *r)
{
	for (unsigned i = 0; *r->port && i < m->n_nics; i++) {
		const struct tune_wanted_port *port = tune_wanted_port(w, &m->nic[i]);

		if (port && !strcmp(port->name, r->port))
			return &m->nic[i];
	}
	return NULL;
}

int tune_wanted_region_node(const struct tune_machine *m, const struct tune_wanted *w,
			    const struct tune_wanted_region *r)
{
	const struct tune_nic *nic = tune_wanted_region_nic(m, w, r);

	if (r->node >= 0)
		return r->node;
	return nic && m->n_nodes > 1 ? nic->pci.numa : -1;
}

/* By number, PCI address with or without its domain of 0, or UUID with or without "GPU-". */
static bool is_named(const struct tune_gpu *gpu, const char *name)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", gpu->ordinal);
	if (!strcmp(name, number) || tune_wanted_pci(name, &gpu->pci))
		return true;
	return strlen(gpu->uuid) > 4 &&
	       (!strcasecmp(name, gpu->uuid) || !strcasecmp(name, gpu->uuid + 4));
}

/* One on the port's node, for device one with memory of its own, else the first by CUDA's count. */
static const struct tune_gpu *any_gpu(const struct tune_machine *m, int node, bool discrete)
{
	const struct tune_gpu *best = NULL;
	int most = 0;

	for (unsigned i = 0; i < m->n_gpus; i++) {
		const struct tune_gpu *gpu = &m->gpu[i];
		int score = 2 * !(discrete && tune_gpu_integrated(m, gpu)) +
			    (node >= 0 && gpu->pci.numa == node);
		int more = best ? score - most : 1;

		if (more > 0 || (!more && gpu->ordinal < best->ordinal)) {
			best = gpu;
			most = score;
		}
	}
	return best;
}

const struct tune_gpu *tune_wanted_region_gpu(const struct tune_machine *m,
					      const struct tune_wanted *w,
					      const struct tune_wanted_region *r)
{
	const struct tune_nic *nic = tune_wanted_region_nic(m, w, r);

	if (strcmp(r->kind, "device") && strcmp(r->kind, "host_pinned"))
		return NULL;
	if (!*r->affinity || !strcmp(r->affinity, "auto"))
		return any_gpu(m, nic ? nic->pci.numa : TUNE_UNKNOWN, !strcmp(r->kind, "device"));
	for (unsigned i = 0; i < m->n_gpus; i++)
		if (is_named(&m->gpu[i], r->affinity))
			return &m->gpu[i];
	/* without NVML and CUDA there is neither number nor UUID */
	return m->n_gpus == 1 && m->gpu[0].ordinal == TUNE_UNKNOWN ? &m->gpu[0] : NULL;
}

bool tune_wanted_this_gpu(const struct tune_machine *m, const struct tune_wanted *w,
			  const struct tune_gpu *gpu)
{
	for (unsigned i = 0; i < w->n_regions; i++)
		if (tune_wanted_region_gpu(m, w, &w->region[i]) == gpu)
			return true;
	return !w->given;
}

uint64_t tune_wanted_on_gpu(const struct tune_machine *m, const struct tune_wanted *w,
			    const struct tune_gpu *gpu)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < w->n_regions; i++)
		if (!strcmp(w->region[i].kind, "device") &&
		    tune_wanted_region_gpu(m, w, &w->region[i]) == gpu)
			sum += w->region[i].bytes;
	return sum;
}

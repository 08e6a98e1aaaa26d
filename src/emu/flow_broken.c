/* SPDX-License-Identifier: Apache-2.0 */
/* daqiri-emu --break: what is wrong with flow rules. Control path. */
#include <string.h>

#include "broken.h"
#include "flow.h"

#define LAST_PRIORITY 15u

/* Bits of word i that rules do not look at; PRM, fte_match_set_lyr_2_4 */
static uint32_t unmatched(unsigned i)
{
	if (emu_broken(ETHERTYPE) && i == 1)
		return htobe32(0xffff);
	if (emu_broken(VLAN_ID) && i == 3)
		return htobe32(0xfff);
	if (emu_broken(UDP_DPORT) && i == 7)
		return htobe32(0xffff);
	if (emu_broken(IPV4_SRC) && i == 11)
		return UINT32_MAX;
	return 0;
}

static void blur(struct emu_rule_def *def)
{
	unsigned i, n = 0;

	for (i = 0; i < def->n_words; i++) {
		uint32_t keep = ~unmatched(def->index[i]);

		if (!(def->mask[i] & keep))
			continue;
		def->index[n] = def->index[i];
		def->mask[n] = def->mask[i] & keep;
		def->value[n++] = def->value[i] & keep;
	}
	def->n_words = n;
}

bool emu_flow_spoil(struct emu_rule_def *def)
{
	blur(def);
	if (emu_broken(PRIORITY) && def->level <= LAST_PRIORITY)
		def->level = (uint16_t)(LAST_PRIORITY - def->level);
	if (emu_broken(MULTICAST) && def->level == EMU_LEVEL_MCAST)
		def->level = 0;
	return emu_broken(DROP_RULE) && (def->flags & EMU_RULE_DROP);
}

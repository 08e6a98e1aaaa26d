/* SPDX-License-Identifier: Apache-2.0 */
/* Memory keys that are made of pieces of others. */
#include "emu_dev.h"

/* Pieces may be made of direct keys only, of the same PD. */
static uint8_t *piece_at(const struct emu_dev *dev, const struct emu_klm *what, uint32_t pdn,
			 uint32_t access)
{
	const struct emu_mkey *mkey = emu_mkey_find(dev, what->key, pdn, access);

	if (!mkey || mkey->n_klm || !emu_mkey_covers(mkey, what->addr, what->length))
		return NULL;
	return mkey->host + (what->addr - mkey->iova);
}

/* What goes over from one piece into the next must lie so in this process's memory, too. */
uint8_t *emu_mem_pieces(const struct emu_dev *dev, const struct emu_mkey *mkey,
			const struct emu_klm *what, uint32_t access)
{
	uint64_t offset = what->addr - mkey->iova;
	uint32_t left = what->length, i;
	uint8_t *start = NULL, *end = NULL, *at;
	struct emu_klm part;

	for (i = 0; i < mkey->n_klm && (left || !start); i++) {
		part = mkey->klm[i];
		if (offset >= part.length) {
			offset -= part.length;
			continue;
		}
		part.addr += offset;
		part.length -= (uint32_t)offset;
		part.length = part.length < left ? part.length : left;
		offset = 0;
		at = piece_at(dev, &part, mkey->pdn, access);
		if (!at || (start && at != end))
			return NULL;
		start = start ? start : at;
		end = at + part.length;
		left -= part.length;
	}
	return left ? NULL : start;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Memory keys: which are free, and the table that the device looks them up in. */
#include "caps.h"
#include "uverbs_mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define FIRST_MKEYS 4096u
#define LOW_MKEYS   16u /* never given: 0, and what terminates a scatter list, lie here */

static uint32_t random_number(void)
{
	uint32_t value;

	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		value = (uint32_t)getpid() * 2654435761u;
	return value;
}

/* Twice the table; the engine must not look while it moves. */
static int grow_mkeys(struct emu_dev *dev)
{
	uint32_t n = dev->n_mkeys ? 2 * dev->n_mkeys : FIRST_MKEYS;
	struct emu_mkey **table, **old = dev->mkeys;

	if (n > 1u << EMU_LOG_MAX_MKEY)
		return -ENOMEM;
	table = calloc(n, sizeof(struct emu_mkey *));
	if (!table)
		return -ENOMEM;
	if (old)
		memcpy(table, old, dev->n_mkeys * sizeof(struct emu_mkey *));
	emu_engine_pause();
	dev->mkeys = table;
	dev->n_mkeys = n;
	emu_engine_resume();
	free(old);
	return 0;
}

/* A free place, from anywhere on: keys are not to be guessed from one another. */
static uint32_t free_index(const struct emu_dev *dev)
{
	uint32_t at = dev->n_mkeys ? random_number() : 0;

	for (uint32_t i = 0; i < dev->n_mkeys / 2; i++) {
		uint32_t index = (at + i) % dev->n_mkeys;

		if (index >= LOW_MKEYS && (!dev->mkeys[index] || !dev->mkeys[index]->live))
			return index;
	}
	return 0;
}

/* The place's key of last time is never given again at once: who kept it fails. */
struct emu_mkey *emu_mkey_take(struct emu_dev *dev)
{
	uint32_t index = free_index(dev);
	struct emu_mkey *mkey;

	if (!index) {
		if (grow_mkeys(dev))
			return NULL;
		index = free_index(dev);
	}
	if (!index)
		return NULL;
	mkey = dev->mkeys[index];
	if (mkey) {
		mkey->key = index << 8 | ((mkey->key + 1) & 0xff);
		return mkey;
	}
	mkey = calloc(1, sizeof(*mkey));
	if (!mkey)
		return NULL;
	mkey->key = index << 8 | (random_number() & 0xff);
	emu_engine_pause();
	dev->mkeys[index] = mkey;
	emu_engine_resume();
	return mkey;
}

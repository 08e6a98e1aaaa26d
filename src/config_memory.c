/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the program, for regions of kind app: what no text can say. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "config_priv.h"
#include "error.h"

/* The members that the first version of the structure had. */
#define MIN_SIZE (offsetof(struct daqiri_memory, dmabuf_offset) + sizeof(uint64_t))

static int check(const char *section, const struct daqiri_memory *memory)
{
	if (memory->size < MIN_SIZE)
		return dq_error(EINVAL,
				"[%s]: its memory's structure has no size: set it to "
				"sizeof(struct daqiri_memory)",
				section);
	if (!memory->addr || !memory->length || memory->addr + memory->length < memory->addr)
		return dq_error(EINVAL, "[%s]: its memory, %llu bytes at 0x%llx, is none", section,
				(unsigned long long)memory->length,
				(unsigned long long)memory->addr);
	return 0;
}

int daqiri_config_set_memory(struct daqiri_config *cfg, const char *section,
			     const struct daqiri_memory *memory)
{
	struct dq_section *sec;
	int ret;

	if (!cfg || !section || !memory)
		return dq_error(EINVAL, "daqiri_config_set_memory: an argument is NULL");
	sec = dq_config_find(cfg, section);
	if (!sec)
		return dq_error(ENOENT, "[%s]: no such section to give memory to", section);
	if (!sec->kind || !dq_key_find(sec->kind->word, "kind"))
		return dq_error(EINVAL,
				"[%s]: has no memory: give it to a [region NAME] of kind app",
				section);
	ret = check(section, memory);
	if (ret)
		return ret;
	sec->memory = *memory;
	sec->memory.size = sizeof(sec->memory);
	return 0;
}

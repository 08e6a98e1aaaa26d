/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "config_priv.h"
#include "error.h"

#define S(word, args, supported, doc)
#define K(section, key, type, allowed, later, def, doc)                                            \
	{section, key, DQ_T_##type, allowed, later, def, doc},
const struct dq_key dq_keys[] = {
#include "config_keys.def"
};
#undef S
#undef K

#define S(word, args, supported, doc) {word, args, supported, doc},
#define K(section, key, type, allowed, later, def, doc)
const struct dq_kind dq_kinds[] = {
#include "config_keys.def"
};
#undef S
#undef K

const unsigned dq_n_keys = sizeof(dq_keys) / sizeof(dq_keys[0]);
const unsigned dq_n_kinds = sizeof(dq_kinds) / sizeof(dq_kinds[0]);

const struct dq_kind *dq_kind_find(const char *word)
{
	for (unsigned i = 0; i < dq_n_kinds; i++)
		if (!strcmp(dq_kinds[i].word, word))
			return &dq_kinds[i];
	return NULL;
}

const struct dq_key *dq_key_find(const char *section, const char *key)
{
	for (unsigned i = 0; i < dq_n_keys; i++)
		if (!strcmp(dq_keys[i].section, section) && !strcmp(dq_keys[i].key, key))
			return &dq_keys[i];
	return NULL;
}

int daqiri_config_key(unsigned i, struct daqiri_key_info *info)
{
	struct daqiri_key_info full = {0};
	const struct dq_key *key;

	if (i >= dq_n_keys)
		return dq_error(ENOENT, "key %u: the grammar has %u keys", i, dq_n_keys);
	if (!info || info->size < sizeof(info->size))
		return dq_error(EINVAL, "daqiri_config_key: info->size is not set");
	key = &dq_keys[i];
	full.size = info->size;
	full.section = key->section;
	full.key = key->key;
	full.supported = *key->allowed != '\0';
	full.allowed = full.supported ? key->allowed : key->later;
	full.def = *key->def ? key->def : NULL;
	full.doc = key->doc;
	memcpy(info, &full, info->size < sizeof(full) ? info->size : sizeof(full));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "broken.h"

static const struct {
	const char *name, *meaning;
} list[] = {
	{"nothing", "the device is as it should be"},
#define B(id, name, meaning) {name, meaning},
#include "broken.def"
#undef B
};

const char *emu_broken_name(unsigned i)
{
	return i < sizeof(list) / sizeof(list[0]) ? list[i].name : NULL;
}

const char *emu_broken_meaning(unsigned i)
{
	return i < sizeof(list) / sizeof(list[0]) ? list[i].meaning : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"

static int add_flag(struct tune_machine *m, char *word)
{
	struct tune_flag *f = TUNE_GROW(m, flag, n_flags);
	char *value = strchr(word, '=');

	if (!f)
		return -ENOMEM;
	if (value)
		*value++ = 0;
	tune_put(f->name, sizeof(f->name), word);
	tune_put(f->value, sizeof(f->value), value ? value : "");
	return 0;
}

/* What follows "--" is for init. */
static int read_cmdline(struct tune_machine *m)
{
	char buf[4096], *word, *save = NULL;
	int ret = 0;

	tune_text(m->root, buf, sizeof(buf), "proc/cmdline");
	for (word = strtok_r(buf, " \n\t", &save); word && !ret;
	     word = strtok_r(NULL, " \n\t", &save)) {
		if (!strcmp(word, "--"))
			break;
		ret = add_flag(m, word);
	}
	return ret;
}

static void read_grub(struct tune_machine *m, const char *path)
{
	char buf[16384], *line, *save = NULL;
	size_t len = strlen(m->grub);

	tune_text(m->root, buf, sizeof(buf), "%s", path);
	for (line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "GRUB_CMDLINE_LINUX", 18))
			continue;
		len += (size_t)snprintf(m->grub + len, sizeof(m->grub) - len, "%s\n", line);
		if (len >= sizeof(m->grub))
			return;
	}
}

int tune_read_boot(struct tune_machine *m)
{
	struct tune_names names;
	char path[TUNE_PATH];
	int ret = read_cmdline(m);

	read_grub(m, "etc/default/grub");
	tune_list(m->root, &names, "etc/default/grub.d");
	for (unsigned i = 0; i < names.n; i++) {
		size_t len = strlen(names.name[i]);

		if (len < 4 || strcmp(names.name[i] + len - 4, ".cfg"))
			continue;
		snprintf(path, sizeof(path), "etc/default/grub.d/%.255s", names.name[i]);
		if (strlen(m->grub) + 1 < sizeof(m->grub))
			read_grub(m, path);
	}
	tune_names_free(&names);
	return ret;
}

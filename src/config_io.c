/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration from a file or text, and back to text. */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_priv.h"
#include "error.h"

int daqiri_config_parse(struct daqiri_config **out, const char *text, size_t len, const char *name)
{
	struct daqiri_config *cfg;
	int err;

	if (!out || (!text && len) || !name)
		return dq_error(EINVAL, "daqiri_config_parse: an argument is NULL");
	err = daqiri_config_create(&cfg);
	if (err)
		return err;
	cfg->path = strdup(name);
	err = cfg->path ? dq_file_parse(cfg, text ? text : "", len)
			: dq_error(ENOMEM, "no memory for the configuration");
	if (err)
		daqiri_config_destroy(cfg);
	else
		*out = cfg;
	return err;
}

/* Reads at most size bytes; the number read, or -errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buf + len, size - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < size) || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : (ssize_t)len;
}

static int read_error(const char *path, int err)
{
	return dq_error(err, "%s: cannot be read: %s", path, daqiri_strerror(err));
}

int daqiri_config_load(struct daqiri_config **out, const char *path)
{
	ssize_t len;
	char *text;
	int fd, err;

	if (!out || !path)
		return dq_error(EINVAL, "daqiri_config_load: an argument is NULL");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return read_error(path, errno);
	text = malloc(DQ_FILE_MAX + 1);
	if (!text) {
		err = dq_error(ENOMEM, "no memory for the configuration");
		goto close_file;
	}
	len = read_all(fd, text, DQ_FILE_MAX + 1);
	if (len < 0)
		err = read_error(path, (int)-len);
	else if (len > DQ_FILE_MAX)
		err = dq_error(EINVAL, "%s: no configuration: larger than 1 MiB", path);
	else
		err = daqiri_config_parse(out, text, (size_t)len, path);
	free(text);
close_file:
	close(fd);
	return err;
}

/* Blanks around = are left out where a line would become too long by them. */
static void write_entry(FILE *f, const struct dq_entry *entry)
{
	bool tight = strlen(entry->key) + strlen(" = ") + strlen(entry->value) > DQ_LINE_MAX;

	fprintf(f, "%s%s%s\n", entry->key, tight ? "=" : " = ", entry->value);
}

int daqiri_config_write(const struct daqiri_config *cfg, char **text)
{
	char *buf = NULL;
	size_t len;
	FILE *f;

	if (!cfg || !text)
		return dq_error(EINVAL, "daqiri_config_write: an argument is NULL");
	f = open_memstream(&buf, &len);
	if (!f)
		return dq_error(ENOMEM, "no memory for the configuration");
	for (unsigned i = 0; i < cfg->n_sections; i++) {
		const struct dq_section *sec = &cfg->sections[i];

		fprintf(f, "%s[%s]\n", i ? "\n" : "", sec->name);
		for (unsigned k = 0; k < sec->n_entries; k++)
			write_entry(f, &sec->entries[k]);
	}
	if (fclose(f)) {
		free(buf);
		return dq_error(ENOMEM, "no memory for the configuration");
	}
	*text = buf;
	return 0;
}

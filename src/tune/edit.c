/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit.h"

static const char grub_open[] = "GRUB_CMDLINE_LINUX=\"${GRUB_CMDLINE_LINUX} ";
static const char grub_close[] = "\" # daqiri-tune";

/* A line of an INI text, without blanks around it and its end. */
static size_t trimmed(const char **line, const char *end)
{
	while (*line < end && (**line == ' ' || **line == '\t'))
		++*line;
	while (end > *line && strchr(" \t\r\n", end[-1]))
		end--;
	return (size_t)(end - *line);
}

static const char *line_end(const char *p)
{
	const char *nl = strchr(p, '\n');

	return nl ? nl + 1 : p + strlen(p);
}

static bool is_section(const char *line, size_t len, const char *section)
{
	return len == strlen(section) + 2 && *line == '[' && line[len - 1] == ']' &&
	       !strncmp(line + 1, section, len - 2);
}

/* "key" of "key = value"; 0: it is another one. Else where the value begins. */
static size_t is_key(const char *line, size_t len, const char *key, size_t key_len)
{
	size_t at = key_len;

	if (len <= key_len || strncmp(line, key, key_len))
		return 0;
	while (at < len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	return at < len && line[at] == '=' ? at + 1 : 0;
}

struct place {
	const char *key, *key_end; /* the line that has it */
	const char *section_end;   /* after the last line of the section that is not blank */
};

static struct place find(const char *text, const char *section, const char *key, size_t key_len)
{
	struct place at = {0};
	bool inside = false;

	for (const char *p = text; *p; p = line_end(p)) {
		const char *line = p, *end = line_end(p);
		size_t len = trimmed(&line, end);

		if (len && *line == '[')
			inside = is_section(line, len, section);
		if (!inside || !len)
			continue;
		at.section_end = end;
		if (!at.key && is_key(line, len, key, key_len)) {
			at.key = p;
			at.key_end = end;
		}
	}
	return at;
}

static char *splice(const char *old, const char *from, const char *to, const char *text)
{
	size_t before = (size_t)(from - old);
	bool newline = before && old[before - 1] != '\n';
	char *out = malloc(before + strlen(text) + strlen(to) + 3);

	if (!out)
		return NULL;
	memcpy(out, old, before);
	sprintf(out + before, "%s%s\n%s", newline ? "\n" : "", text, to);
	return out;
}

char *tune_edit_ini(const char *old, const char *section, const char *line)
{
	size_t key_len = strcspn(line, " =");
	const char *end;
	struct place at;
	char *whole, *out;

	old = old ? old : "";
	at = find(old, section, line, key_len);
	if (at.key)
		return splice(old, at.key, at.key_end, line);
	if (at.section_end)
		return splice(old, at.section_end, at.section_end, line);
	whole = malloc(strlen(section) + strlen(line) + 8);
	if (!whole)
		return NULL;
	sprintf(whole, "%s[%s]\n%s", *old ? "\n" : "", section, line);
	end = old + strlen(old);
	out = splice(old, end, end, whole);
	free(whole);
	return out;
}

bool tune_edit_get(const char *text, const char *section, const char *key, char value[256])
{
	struct place at = find(text, section, key, strlen(key));
	const char *line = at.key;
	size_t len, from;

	if (!line)
		return false;
	len = trimmed(&line, at.key_end);
	from = is_key(line, len, key, strlen(key));
	while (from < len && (line[from] == ' ' || line[from] == '\t'))
		from++;
	len -= from;
	len = len < 255 ? len : 255;
	memcpy(value, line + from, len);
	value[len] = 0;
	return true;
}

static size_t name_length(const char *flag)
{
	return strcspn(flag, "= ");
}

static bool named(const char *names, const char *flag)
{
	size_t len = name_length(flag);

	for (const char *p = names; *p; p += strspn(p, " ")) {
		if (strcspn(p, " ") == len && !strncmp(p, flag, len))
			return true;
		p += strcspn(p, " ");
	}
	return false;
}

char *tune_edit_flags(const char *old, const char *names, const char *add)
{
	char *out = malloc(strlen(old) + strlen(add) + 2);
	size_t len = 0;

	if (!out)
		return NULL;
	for (const char *p = old + strspn(old, " "); *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		if (!named(names, p)) {
			memcpy(out + len, p, n);
			len += n;
			out[len++] = ' ';
		}
		p += n;
	}
	memcpy(out + len, add, strlen(add));
	len += strlen(add);
	while (len && out[len - 1] == ' ')
		len--;
	out[len] = 0;
	return out;
}

bool tune_edit_flag(const char *flags, const char *name, char value[256])
{
	for (const char *p = flags + strspn(flags, " "); *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " "), n = name_length(p);

		if (n == strlen(name) && !strncmp(p, name, n)) {
			n += p[n] == '=';
			snprintf(value, 256, "%.*s", (int)(len - n), p + n);
			return true;
		}
		p += len;
	}
	return false;
}

static bool is_ours(const char *line, size_t len)
{
	size_t n = strlen(grub_close);

	return len > n && !strncmp(line + len - n, grub_close, n);
}

char *tune_edit_grub_flags(const char *text, bool ours)
{
	char *out = calloc(1, strlen(text) + 2);
	size_t at = 0;

	for (const char *p = text; out && *p; p = line_end(p)) {
		const char *line = p, *from, *to;
		size_t len = trimmed(&line, line_end(p));

		if (strncmp(line, "GRUB_CMDLINE_LINUX", 18) || is_ours(line, len) != ours)
			continue;
		from = memchr(line, '=', len);
		if (!from)
			continue;
		from++;
		from += *from == '"' || *from == '\'';
		if (*from == '$') /* "${GRUB_CMDLINE_LINUX} …" */
			from += strcspn(from, " \"'\n");
		from += strspn(from, " ");
		to = from + strcspn(from, "\"'\n");
		at += (size_t)sprintf(out + at, "%s%.*s", at ? " " : "", (int)(to - from), from);
	}
	return out;
}

char *tune_edit_grub(const char *old, const char *flags)
{
	size_t room = strlen(old) + strlen(flags) + sizeof(grub_open) + sizeof(grub_close) + 4;
	char *out = calloc(1, room);
	size_t at = 0;

	for (const char *p = old; out && *p; p = line_end(p)) {
		const char *line = p;
		size_t len = trimmed(&line, line_end(p)), whole = (size_t)(line_end(p) - p);

		if (is_ours(line, len))
			continue;
		memcpy(out + at, p, whole);
		at += whole;
	}
	if (out && *flags)
		sprintf(out + at, "%s%s%s%s\n", at && out[at - 1] != '\n' ? "\n" : "", grub_open,
			flags, grub_close);
	return out;
}

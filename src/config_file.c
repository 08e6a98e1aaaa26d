/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file's lines. inih splits them into key and value, but lets much through (it cuts long lines
 * and section names, joins indented lines, ignores an unclosed bracket, goes on after an error): so
 * every line is judged here first, and inih gets what is left of the good ones. The first error
 * ends the reading.
 */
#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "config_priv.h"
#include "error.h"

struct reader {
	struct daqiri_config *cfg;
	const char *next, *end;
	unsigned line;
	int err;
	bool in_section;
	struct dq_secname section;
};

static int syntax(struct reader *r, const char *what)
{
	struct dq_at at = {.path = r->cfg->path, .line = r->line};

	return dq_blame(&at, "%s", what);
}

/* The length of the UTF-8 character at s, of at most len bytes; 0: it is none. */
static size_t utf8_length(const unsigned char *s, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3
		 : (s[0] & 0xf8) == 0xf0 ? 4 : 0;
	uint32_t c = n > 1 ? s[0] & (0x7fU >> n) : 0;

	if (n <= 1)
		return n;
	if (n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

const char *dq_text_fault(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_length(s + i, len - i);
		if (!n)
			return "not UTF-8";
		if (!s[i])
			return "a NUL byte";
		if ((s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
			return "a control character";
	}
	return NULL;
}

/* The length of s up to a comment, without the blanks before it. */
static size_t without_comment(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((s[i] == '#' || s[i] == ';') && (!i || isblank((unsigned char)s[i - 1])))
			len = i;
	while (len && isblank((unsigned char)s[len - 1]))
		len--;
	return len;
}

static int open_section(struct reader *r, char *line)
{
	char *close = strchr(line, ']');
	struct dq_at at = {.path = r->cfg->path, .line = r->line, .section = line + 1};
	char name[DQ_SECTION_BUF], first[600];
	int err;

	if (!close)
		return syntax(r, "the section's bracket is not closed");
	if (close[1])
		return syntax(r, "something stands after the section's closing bracket");
	*close = '\0';
	err = dq_secname_parse(&r->section, line + 1, &at);
	for (unsigned i = 0; !err && i < dq_secname_count(&r->section); i++) {
		struct dq_section *old, *sec;

		dq_secname_format(&r->section, i, name);
		old = dq_config_find(r->cfg, name);
		at.section = name;
		if (old) {
			dq_place(r->cfg, old->line, first, sizeof(first));
			return dq_blame(&at, "a second section of this name; the first is %s",
					first);
		}
		err = dq_config_add(r->cfg, name, &at, &sec);
	}
	r->in_section = true;
	*close = ']';
	return err;
}

static int check_assignment(struct reader *r, const char *line)
{
	const char *equals = strchr(line, '=');
	char key[DQ_NAME_MAX + 1];
	size_t len = equals ? (size_t)(equals - line) : 0;

	while (len && isblank((unsigned char)line[len - 1]))
		len--;
	if (!equals)
		return syntax(r, "neither [section] nor key = value");
	snprintf(key, sizeof(key), "%.*s", (int)len, line);
	if (len > DQ_NAME_MAX || !dq_parse_name(key))
		return syntax(r, "before = must stand a key of 1 to 31 letters, digits and _.-");
	if (!r->in_section)
		return syntax(r, "a key stands before the first [section]");
	return 0;
}

/* Judges the raw line of len bytes; leaves what counts of it in buf. */
static int judge(struct reader *r, const char *line, size_t len, char buf[DQ_LINE_MAX + 1])
{
	const char *fault;

	if (len && line[len - 1] == '\r')
		len--;
	if (len > DQ_LINE_MAX)
		return syntax(r, "the line is longer than 198 bytes");
	if (r->line == 1 && len >= 3 && !memcmp(line, "\xef\xbb\xbf", 3))
		return syntax(r, "a byte order mark: save the file as UTF-8 without it");
	fault = dq_text_fault(line, len);
	if (fault)
		return syntax(r, fault);
	len = without_comment(line, len);
	memcpy(buf, line, len);
	buf[len] = '\0';
	if (!len)
		return 0;
	if (isblank((unsigned char)*buf))
		return syntax(r, "the line begins with a blank; lines cannot be continued");
	return *buf == '[' ? open_section(r, buf) : check_assignment(r, buf);
}

/* inih's fgets(): the next line, or NULL at the end and after an error. */
static char *read_line(char *str, int num, void *stream)
{
	struct reader *r = stream;
	char buf[DQ_LINE_MAX + 1];
	const char *newline;
	size_t len;

	if (r->err || r->next == r->end)
		return NULL;
	newline = memchr(r->next, '\n', (size_t)(r->end - r->next));
	len = (size_t)((newline ? newline : r->end) - r->next);
	r->line++;
	r->err = judge(r, r->next, len, buf);
	if (r->err)
		return NULL;
	if (snprintf(str, (size_t)num, "%s\n", buf) >= num) {
		r->err = syntax(r, "the line is longer than this system's inih takes");
		return NULL;
	}
	r->next = newline ? newline + 1 : r->end;
	return str;
}

/* inih's handler: 1 to go on. */
static int take_value(void *user, const char *section, const char *key, const char *value)
{
	struct reader *r = user;
	struct dq_at at = {.path = r->cfg->path, .line = r->line, .section = r->section.text,
			   .key = key, .value = value};

	(void)section;
	if (!r->err)
		r->err = dq_config_assign(r->cfg, &r->section, &at);
	return !r->err;
}

int dq_file_parse(struct daqiri_config *cfg, const char *text, size_t len)
{
	struct reader r = {.cfg = cfg, .next = text, .end = text + len};
	int rc = ini_parse_stream(read_line, &r, take_value, &r);

	if (!r.err && rc)
		r.err = rc == -2 ? dq_error(ENOMEM, "no memory for the configuration")
				 : syntax(&r, "not understood by inih");
	return r.err;
}

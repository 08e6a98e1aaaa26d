/* SPDX-License-Identifier: Apache-2.0 */
/* The file of --faults, read strictly; and whose turn it is. */
#include "script.h"
#include "emu.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE  200
#define MAX_WORDS 6
#define BLANKS	  " \t\r\n"

uint32_t emu_script_on;

static struct emu_script playing;

/* ---- words ----------------------------------------------------------------------------------- */

static const char *const when_names[] = {"at", "every", "random", "after", NULL};

/* In the order of enum emu_script_on. */
static const char *const on_names[] = {"frame",	 "send", "receive",  "completion", "port",
				       "device", "call", "register", NULL};

static const char *const call_names[] = {
	"open",		"query_device", "query_port",	  "alloc_pd",	    "reg_mr",
	"alloc_uar",	"create_cq",	"create_qp",	  "modify_qp",	    "create_wq",
	"create_table", "create_flow",	"create_matcher", "create_channel", NULL};

static const struct {
	const char *name;
	enum emu_script_on on;
	const char *arg; /* what it takes; NULL: nothing */
} acts[] = {
	[EMU_DO_DROP] = {"drop", EMU_ON_FRAME, NULL},
	[EMU_DO_DUPLICATE] = {"duplicate", EMU_ON_FRAME, NULL},
	[EMU_DO_CORRUPT] = {"corrupt", EMU_ON_FRAME, NULL},
	[EMU_DO_REORDER] = {"reorder", EMU_ON_FRAME, NULL},
	[EMU_DO_DELAY] = {"delay", EMU_ON_FRAME, "microseconds"},
	[EMU_DO_ERROR] = {"error", EMU_ON_SEND, "a syndrome, 1 to 255"},
	[EMU_DO_OVERRUN] = {"overrun", EMU_ON_COMPLETION, NULL},
	[EMU_DO_DOWN] = {"down", EMU_ON_PORT, NULL},
	[EMU_DO_UP] = {"up", EMU_ON_PORT, NULL},
	[EMU_DO_FATAL] = {"fatal", EMU_ON_DEVICE, NULL},
	[EMU_DO_FAIL] = {"fail", EMU_ON_CALL, "the name of an errno"},
	[EMU_DO_MEMLOCK] = {"memlock", EMU_ON_REGISTER, NULL},
};

static const struct {
	const char *name;
	uint32_t number;
} errnos[] = {
	{"EPERM", EPERM},   {"EIO", EIO},	{"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM},
	{"EACCES", EACCES}, {"EFAULT", EFAULT}, {"EBUSY", EBUSY},   {"ENODEV", ENODEV},
	{"EINVAL", EINVAL}, {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE}, {"EOPNOTSUPP", EOPNOTSUPP},
};

const char *emu_script_call_name(unsigned call)
{
	return call_names[call];
}

static int find(const char *const *names, const char *word, size_t len)
{
	for (int i = 0; names[i]; i++) {
		if (strlen(names[i]) == len && !memcmp(names[i], word, len))
			return i;
	}
	return -1;
}

static bool number(const char *word, uint64_t max, uint64_t *value)
{
	char *end;
	unsigned long long n;

	if (*word < '0' || *word > '9')
		return false;
	errno = 0;
	n = strtoull(word, &end, 0);
	*value = n;
	return !*end && !errno && n <= max;
}

/* ---- one line -------------------------------------------------------------------------------- */

/* Where it is and why it is wrong. */
struct place {
	const char *path;
	unsigned line;
	char *err;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int wrong(const struct place *p, const char *format,
						       ...)
{
	int used = snprintf(p->err, p->size, "%s:%u: ", p->path, p->line);
	va_list args;

	va_start(args, format);
	if (used >= 0 && (size_t)used < p->size)
		vsnprintf(p->err + used, p->size - (size_t)used, format, args);
	va_end(args);
	return -1;
}

static int parse_when(const struct place *p, struct emu_script_line *l, char **word)
{
	int when = find(when_names, word[0], strlen(word[0]));

	if (when < 0)
		return wrong(p, "'%s': must be at, every, random or after", word[0]);
	l->when = (enum emu_script_when)when;
	if (!number(word[1], UINT32_MAX, &l->n) || (!l->n && l->when != EMU_AFTER))
		return wrong(p, "%s %s: must be a number, from 1 on", word[0], word[1]);
	return 0;
}

static int parse_object(const struct place *p, struct emu_script_line *l, const char *word)
{
	size_t len = strcspn(word, ":");
	int on = find(on_names, word, len), call;
	uint64_t port = 0;

	if (on < 0)
		return wrong(p, "'%s': there is no such object", word);
	l->on = (enum emu_script_on)on;
	l->port = -1;
	if (l->on == EMU_ON_CALL) {
		call = word[len] ? find(call_names, word + len + 1, strlen(word + len + 1)) : -1;
		if (call < 0)
			return wrong(p, "'%s': there is no such call that can fail", word);
		l->call = (unsigned)call;
		return 0;
	}
	if (!word[len])
		return 0;
	if (l->on == EMU_ON_REGISTER)
		return wrong(p, "'%s': register has no port", word);
	if (!number(word + len + 1, EMU_MAX_PORTS - 1, &port))
		return wrong(p, "'%s': a port is a number, 0 to %d", word, EMU_MAX_PORTS - 1);
	l->port = (int)port;
	return 0;
}

static bool parse_arg(struct emu_script_line *l, const char *word)
{
	uint64_t value = 0;

	if (l->act != EMU_DO_FAIL) {
		if (!number(word, l->act == EMU_DO_ERROR ? 255 : 10000000, &value) || !value)
			return false;
		l->arg = (uint32_t)value;
		return true;
	}
	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++) {
		if (!strcmp(errnos[i].name, word))
			l->arg = errnos[i].number;
	}
	return l->arg;
}

static int parse_action(const struct place *p, struct emu_script_line *l, char **word, unsigned n)
{
	size_t i, count = sizeof(acts) / sizeof(acts[0]);

	for (i = 0; i < count && strcmp(acts[i].name, word[0]); i++)
		;
	if (i == count)
		return wrong(p, "'%s': there is no such action", word[0]);
	l->act = (enum emu_script_act)i;
	if (acts[i].on != l->on && !(l->act == EMU_DO_ERROR && l->on == EMU_ON_RECEIVE))
		return wrong(p, "%s is nothing that happens to a %s", word[0], on_names[l->on]);
	if ((l->when == EMU_AFTER) != (l->on == EMU_ON_PORT || l->on == EMU_ON_DEVICE))
		return wrong(p, "a %s has %s", on_names[l->on],
			     l->when == EMU_AFTER ? "turns: at, every or random"
						  : "no turns: after MILLISECONDS");
	if (n != (acts[i].arg ? 2 : 1))
		return wrong(p, "%s takes %s", word[0], acts[i].arg ? acts[i].arg : "nothing more");
	if (acts[i].arg && !parse_arg(l, word[1]))
		return wrong(p, "%s %s: must be %s", word[0], word[1], acts[i].arg);
	return 0;
}

static int parse_line(const struct place *p, struct emu_script *script, uint64_t *seed, char *text)
{
	char *word[MAX_WORDS], *save = NULL;
	struct emu_script_line *l;
	unsigned n = 0;

	text[strcspn(text, "#")] = 0;
	for (char *w = strtok_r(text, BLANKS, &save); w && n < MAX_WORDS;
	     w = strtok_r(NULL, BLANKS, &save))
		word[n++] = w;
	if (!n)
		return 0;
	if (!strcmp(word[0], "seed"))
		return n == 2 && !script->n && number(word[1], UINT64_MAX, seed)
			       ? 0
			       : wrong(p, "seed NUMBER stands once, before all faults");
	if (n < 4 || n == MAX_WORDS)
		return wrong(p, "must be WHEN NUMBER OBJECT ACTION");
	if (script->n == EMU_SCRIPT_LINES)
		return wrong(p, "more than %u faults", EMU_SCRIPT_LINES);
	l = &script->lines[script->n];
	memset(l, 0, sizeof(*l));
	if (parse_when(p, l, word) || parse_object(p, l, word[2]) ||
	    parse_action(p, l, word + 3, n - 3))
		return -1;
	l->random = *seed * 0x9e3779b97f4a7c15u + p->line;
	script->n++;
	return 0;
}

int emu_script_read(const char *path, struct emu_script *script, char *err, size_t size)
{
	struct place p = {path, 0, err, size};
	char text[MAX_LINE + 2];
	uint64_t seed = 1;
	int ret = 0;
	FILE *f = fopen(path, "re");

	script->n = 0;
	if (!f) {
		snprintf(err, size, "%s: %s", path, strerror(errno));
		return -1;
	}
	while (!ret && fgets(text, sizeof(text), f)) {
		p.line++;
		if (strlen(text) > MAX_LINE)
			ret = wrong(&p, "more than %d characters", MAX_LINE);
		else
			ret = parse_line(&p, script, &seed, text);
	}
	if (!ret && ferror(f)) {
		snprintf(err, size, "%s: %s", path, strerror(errno));
		ret = -1;
	}
	fclose(f);
	return ret;
}

/* ---- playing --------------------------------------------------------------------------------- */

void emu_script_load(void)
{
	static bool loaded;
	char err[512];

	if (loaded || !emu_settings.fault_file[0])
		return;
	loaded = true;
	if (emu_script_read(emu_settings.fault_file, &playing, err, sizeof(err))) {
		fprintf(stderr, "daqiri-emu: --faults %s: none is played\n", err);
		return;
	}
	emu_script_on = 0;
	for (unsigned i = 0; i < playing.n; i++)
		emu_script_on |= 1u << playing.lines[i].on;
}

/* xorshift64* by G. Marsaglia and S. Vigna */
uint32_t emu_script_random(struct emu_script_line *line, uint32_t n)
{
	uint64_t x = line->random ? line->random : 1;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	line->random = x;
	return (uint32_t)((x * 0x2545f4914f6cdd1du) >> 33) % n;
}

static bool its_turn(struct emu_script_line *line)
{
	line->count++;
	switch (line->when) {
	case EMU_AT:
		return line->count == line->n;
	case EMU_EVERY:
		return line->count % line->n == 0;
	case EMU_RANDOM:
		return emu_script_random(line, (uint32_t)line->n) == 0;
	default: /* count is milliseconds here, and set by the caller */
		return false;
	}
}

struct emu_script_line *emu_script_hit(enum emu_script_on on, unsigned port, unsigned call)
{
	struct emu_script_line *hit = NULL;

	for (unsigned i = 0; i < playing.n; i++) {
		struct emu_script_line *l = &playing.lines[i];

		if (l->on != on || (l->port >= 0 && (unsigned)l->port != port) || l->call != call)
			continue;
		if (its_turn(l) && !hit)
			hit = l;
	}
	return hit;
}

struct emu_script_line *emu_script_due(uint64_t ms)
{
	for (unsigned i = 0; i < playing.n; i++) {
		struct emu_script_line *l = &playing.lines[i];

		if (l->when != EMU_AFTER || l->done || l->n > ms)
			continue;
		l->done = true;
		return l;
	}
	return NULL;
}

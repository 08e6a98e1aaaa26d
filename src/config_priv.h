/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the configuration, shared by the config_*.c files only.
 *
 * Text comes in through config_file.c (a file) or config.c (set, override), is split by
 * config_section.c and judged key by key by config_check.c with the table of config_keys.def;
 * config_resolve*.c then judge the whole.
 */
#ifndef DQ_CONFIG_PRIV_H
#define DQ_CONFIG_PRIV_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <daqiri.h>

enum {
	DQ_LINE_MAX = 198,    /* bytes of a line without its newline: what inih's buffer takes */
	DQ_SECTION_MAX = 49,  /* bytes between brackets: what inih's buffer takes */
	DQ_SECTION_BUF = 64,  /* room for a section's name with any queue id */
	DQ_NAME_MAX = 31,     /* bytes of a name */
	DQ_QUEUE_ID_MAX = 4095,
	DQ_SECTIONS_MAX = 8192,
	DQ_FILE_MAX = 1 << 20 /* bytes: more is no configuration */
};

/* ---- the grammar: config_keys.c ---- */

enum dq_type {
	DQ_T_WORD,
	DQ_T_WORDS,     /* list */
	DQ_T_ONOFF,
	DQ_T_INT,
	DQ_T_INT2,      /* power of two */
	DQ_T_RANGE,     /* INT or N-M */
	DQ_T_SIZE,
	DQ_T_SIZE2,     /* power of two */
	DQ_T_SIZES,     /* list */
	DQ_T_TIME,
	DQ_T_RATE,
	DQ_T_AFFINITY,
	DQ_T_NAME,
	DQ_T_NAMES,     /* list */
	DQ_T_ADDRESS,
	DQ_T_MAC,
	DQ_T_PREFIX,
	DQ_T_PREFIX6,
	DQ_T_IPV4_PAIR,
	DQ_T_IPV6_PAIR,
	DQ_T_UDP_PAIR,
	DQ_T_QUEUE,
	DQ_T_QUEUES,    /* list */
	DQ_T_UNMATCHED,
	DQ_T_KEYMODE,
	DQ_T_HEX,
	DQ_T_OTHER      /* of keys that this version refuses */
};

struct dq_key {
	const char *section;
	const char *key;
	enum dq_type type;
	const char *allowed; /* "" where the key is refused */
	const char *later;
	const char *def;     /* "": none, "*": required */
	const char *doc;
};

struct dq_kind {
	const char *word;
	const char *args;    /* "", "NAME", "PORT ID", "PORT NAME" */
	bool supported;
	const char *doc;
};

extern const struct dq_key dq_keys[];
extern const unsigned dq_n_keys;
extern const struct dq_kind dq_kinds[];
extern const unsigned dq_n_kinds;

const struct dq_kind *dq_kind_find(const char *word);
const struct dq_key *dq_key_find(const char *section, const char *key);

/* ---- the object: config.c ---- */

struct dq_entry {
	char *key;
	char *value;
	unsigned line; /* 0: set in code */
};

struct dq_section {
	char *name;                 /* "rxq rx 0": words, one blank between them */
	const struct dq_kind *kind; /* NULL: [app.*] */
	unsigned line;              /* 0: made in code */
	unsigned n_entries;
	struct dq_entry *entries;
	struct daqiri_memory memory; /* daqiri_config_set_memory(); size 0: none */
};

struct daqiri_config {
	char *path; /* of the file, as given; NULL: made in code */
	unsigned n_sections;
	struct dq_section *sections;
};

struct dq_section *dq_config_find(const struct daqiri_config *cfg, const char *name);
struct dq_entry *dq_section_find(const struct dq_section *sec, const char *key);

/* What was set, else the default, else NULL. key must be in the table. */
const char *dq_section_value(const struct dq_section *sec, const char *key);

/* ---- messages: config_blame.c ---- */

/* What is to blame: "PATH:LINE: [section] key=value: ". Any member may be NULL or 0. */
struct dq_at {
	const char *path;
	unsigned line;
	const char *section;
	const char *key;
	const char *value;
};

int dq_blame(const struct dq_at *at, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Blames a key of a section, where it was set; the section where it was not set. */
int dq_blame_key(const struct daqiri_config *cfg, const struct dq_section *sec, const char *key,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The place of a section or key: "PATH:LINE: [section] key"; key may be NULL. As snprintf(). */
int dq_where(const struct daqiri_config *cfg, const struct dq_section *sec, const char *key,
	     char *buf, size_t size);

/* "PATH:LINE", or "set in code", for a second place in a message. */
void dq_place(const struct daqiri_config *cfg, unsigned line, char *buf, size_t size);

int dq_blame_unknown_section(const struct dq_at *at, const char *word);
int dq_blame_unknown_key(const struct dq_at *at, const struct dq_kind *kind);

bool dq_is_foreign_value(const struct dq_key *key, const char *value);

/* Of the n words, the one that word was probably meant to be; NULL: none is near. */
const char *dq_nearest(const char *word, const char *const *words, unsigned n);

/* Adds an empty section; at tells the line, and is blamed for one too many. */
int dq_config_add(struct daqiri_config *cfg, const char *name, const struct dq_at *at,
		  struct dq_section **out);

/* ---- section names: config_section.c ---- */

/* [rxq rx 0-3] taken apart. */
struct dq_secname {
	const struct dq_kind *kind;    /* NULL: [app.*] */
	char text[DQ_SECTION_MAX + 1]; /* as written, one blank between words */
	char base[DQ_SECTION_MAX + 1]; /* text without the id where there is one */
	bool numbered;
	unsigned first, last;          /* ids, where numbered */
};

int dq_secname_parse(struct dq_secname *out, const char *text, const struct dq_at *at);
void dq_secname_format(const struct dq_secname *name, unsigned i, char buf[DQ_SECTION_BUF]);
unsigned dq_secname_count(const struct dq_secname *name);

/* Whether value is a list to be spread over n sections: 1, 0, or -EINVAL with at blamed. */
int dq_spread(const struct dq_key *key, const char *value, unsigned n, const struct dq_at *at);

/* The i-th value of such a list. */
void dq_spread_pick(const char *value, unsigned i, char *buf, size_t size);

/*
 * Judges at->key = at->value and sets it in every section that name stands for. A key that is set
 * already is replaced in code (at->line 0) and refused in a file.
 */
int dq_config_assign(struct daqiri_config *cfg, const struct dq_secname *name,
		     const struct dq_at *at);

/* ---- values: config_value.c ---- */

/* Each takes the whole of s. Numbers: 0, -EINVAL (no number) or -ERANGE (does not fit). */
int dq_parse_number(enum dq_type type, const char *s, uint64_t *out);
bool dq_parse_name(const char *s);
bool dq_parse_mac(const char *s, uint8_t mac[6]);
bool dq_parse_prefix(const char *s, uint8_t addr[4], unsigned *len);
bool dq_parse_prefix6(const char *s, uint8_t addr[16], unsigned *len);
bool dq_parse_range(const char *s, uint64_t max, uint64_t *first, uint64_t *last);
bool dq_parse_queue(const char *s, char port[DQ_NAME_MAX + 1], unsigned *id);

/*
 * Takes the next element off a comma-separated list: *list moves on. false: the end. An element
 * that does not fit into buf comes as "", which nothing allows.
 */
bool dq_list_next(const char **list, char *buf, size_t size);

/* Splits "A > B". */
bool dq_parse_pair(const char *s, char *a, char *b, size_t size);

/* What no word or number of the table can say: a type's own syntax. */
bool dq_parse_special(enum dq_type type, const char *s);

bool dq_type_is_list(enum dq_type type);
bool dq_type_is_number(enum dq_type type);

/* ---- one key: config_check.c ---- */

/* Judges value by the table. 0, or -EINVAL with at blamed. */
int dq_check_value(const struct dq_key *key, const char *value, const struct dq_at *at);

/* ---- the file: config_file.c ---- */

int dq_file_parse(struct daqiri_config *cfg, const char *text, size_t len);

/* What makes a line impossible, in words; NULL: nothing. */
const char *dq_text_fault(const char *text, size_t len);

#endif

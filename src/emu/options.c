/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"
#include "fault.h"
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Changed with every change of the text's form, so that a stale wrapper or library is noticed. */
#define EMU_FORM "6"

#define AT(member) offsetof(struct emu_settings, member)
#define ON_OFF	   "on|off"

/* A new option: a field of struct emu_settings and a row, .ready once it has its effect. */
static const struct emu_option options[] = {
	{"ports", EMU_OPTION_NUMBER, AT(n_ports), .ready = true, .shared = true, .start = 2,
	 .min = 1, .max = EMU_MAX_PORTS, .arg = "N",
	 .doc = "number of ports, 1 to 16 (default 2); 0 and 1, 2 and 3, ...\n"
		"are cabled, an odd last one is looped to itself"},
	{"wire", EMU_OPTION_TEXT, AT(wire), .ready = true, .arg = "NAME",
	 .doc = "the cable's name: programs started with the same name share\n"
		"it (default: private to PROGRAM and its children)"},
	{"names", EMU_OPTION_CHOICE, AT(pci_names), .ready = true, .shared = true,
	 .choices = "mlx5|pci", .doc = "RDMA devices named mlx5_N (default) or rocepXsYfZ"},
	{"device", EMU_OPTION_CHOICE, AT(model), .ready = true, .shared = true, .start = EMU_CX7,
	 .choices = "cx6dx|cx7|bf3", .arg = "MODEL",
	 .doc = "cx6dx, cx7 (default) or bf3: the card"},
	{"topology", EMU_OPTION_CHOICE, AT(topology), .ready = true, .shared = true,
	 .choices = "two-port|igx-orin|dgx-spark|x86-server", .arg = "SHAPE",
	 .doc = "two-port (default), igx-orin, dgx-spark or x86-server:\n"
		"where in the machine the cards are"},
	{"netdev", EMU_OPTION_FLAG, AT(netdev), .ready = true, .shared = true,
	 .doc = "as root: a real network interface for each port"},
	{"vf", EMU_OPTION_FLAG, AT(vf), .ready = true, .shared = true,
	 .doc = "ports filter by MAC address like virtual functions"},
	{"fault", EMU_OPTION_SET, AT(faults), .ready = true, .shared = true, .arg = "NAME",
	 .doc = "a card, kernel or right that is less than usual; repeatable:\n"
		"link-down, infiniband, no-access, no-net-raw, no-devx, no-empw,\n"
		"inline-l2, small, no-rss, no-cqe-v1, no-roce, no-dmabuf,\n"
		"small-mr, no-compression, no-offloads, eswitch-encap,\n"
		"whole-words"},
	{"devx", EMU_OPTION_SWITCH, AT(devx), .start = true, .ready = true,
	 .doc = "the kernel grants DevX (default on)"},
	{"wc", EMU_OPTION_SWITCH, AT(wc), .ready = true, .start = true,
	 .doc = "write-combining doorbells (default on)"},
	{"clock", EMU_OPTION_CHOICE, AT(clock), .ready = true, .start = EMU_CLOCK_BOTH,
	 .choices = "free|real|both", .doc = "timestamp formats of the queues (default both)"},
	{"clock-drift", EMU_OPTION_CHOICE, AT(clock_drift), .ready = true,
	 .choices = "none|fast|slow",
	 .doc = "the free-running counter is 50 ppm fast or slow, which the\n"
		"kernel corrects (default none)"},
	{"clock-bits", EMU_OPTION_NUMBER, AT(clock_bits), .ready = true, .start = 63, .min = 32,
	 .max = 63, .arg = "N",
	 .doc = "bits of the free-running counter, 32 to 63 (default): 32\n"
		"wrap every 4.3 s"},
	{"flex-parser", EMU_OPTION_SWITCH, AT(flex_parser), .ready = true,
	 .doc = "firmware has the programmable parser (default off)"},
	{"netlink", EMU_OPTION_SWITCH, AT(netlink), .start = false, .ready = true,
	 .doc = "RDMA netlink answers (default off)"},
	{"dmabuf", EMU_OPTION_CHOICE, AT(dmabuf), .ready = true, .choices = "real|memfd|opaque",
	 .doc = "what is taken for a dma-buf: only what is one (default),\n"
		"or sealed memfds too; opaque: these cannot be mapped, as a\n"
		"GPU's cannot, so that CUDA must reach their bytes"},
	{"peermem", EMU_OPTION_SWITCH, AT(peermem), .ready = true, .shared = true,
	 .doc = "nvidia_peermem is loaded: the memory of a GPU can be\n"
		"registered by its address (default off)"},
	{"integrated-gpu", EMU_OPTION_FLAG, AT(integrated_gpu), .ready = true,
	 .doc = "the GPU is an integrated one, whose memory the card\n"
		"cannot reach"},
	{"net-raw", EMU_OPTION_SWITCH, AT(net_raw), .start = true, .ready = true,
	 .doc = "PROGRAM has CAP_NET_RAW (default on)"},
	{"stride-min", EMU_OPTION_NUMBER, AT(stride_min), .ready = true, .start = 3,
	 .choices = "3|9", .doc = "log of the fewest strides in a striding WQE (default 3)"},
	{"empw", EMU_OPTION_SWITCH, AT(empw), .start = true, .ready = true,
	 .doc = "enhanced multi-packet send (default on)"},
	{"pcap", EMU_OPTION_PATH, AT(pcap), .ready = true, .arg = "FILE",
	 .doc = "record what PROGRAM sends over the wire"},
	{"faults", EMU_OPTION_PATH, AT(fault_file), .ready = true, .arg = "FILE",
	 .doc = "play the faults that FILE lists"},
	{"break", EMU_OPTION_CHOICE, AT(broken), .ready = true, .arg = "NAME", .choices = "nothing"
#define B(id, name, meaning) "|" name
#include "broken.def"
#undef B
	 ,
	 .doc = "a device that does something wrong, for tests of tests;\n"
		"list: tells what"},
	/* what the command tells the library besides */
	{"bus", EMU_OPTION_NUMBER, AT(first_bus), .shared = true, .max = 0xffff},
	{"first-netdev", EMU_OPTION_NUMBER, AT(first_netdev), .shared = true, .max = 0xffff},
	{"dir", EMU_OPTION_TEXT, AT(wire_dir), .shared = true},
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

const struct emu_option *emu_option(unsigned i)
{
	return i < N_OPTIONS ? &options[i] : NULL;
}

static void *field(const struct emu_option *option, const struct emu_settings *set)
{
	return (char *)(uintptr_t)set + option->field;
}

void emu_options_start(struct emu_settings *set)
{
	*set = (struct emu_settings){.active = true, .lock_fd = -1};
	for (unsigned i = 0; i < N_OPTIONS; i++) {
		switch (options[i].kind) {
		case EMU_OPTION_SWITCH:
			*(bool *)field(&options[i], set) = options[i].start;
			break;
		case EMU_OPTION_CHOICE:
		case EMU_OPTION_NUMBER:
			*(unsigned *)field(&options[i], set) = options[i].start;
			break;
		default:
			break; /* empty */
		}
	}
}

/* ---- values --------------------------------------------------------------------------------- */

/* Index of a word in "one|two"; -1: it is not there. */
static int word_index(const char *words, const char *word)
{
	size_t len = strlen(word), n;
	int i = 0;

	for (; *words; words += n + (words[n] == '|'), i++) {
		n = strcspn(words, "|");
		if (n == len && !memcmp(words, word, n))
			return i;
	}
	return -1;
}

static void word_at(const char *words, unsigned i, char text[EMU_PATH])
{
	while (i-- && *words)
		words += strcspn(words, "|") + 1;
	snprintf(text, EMU_PATH, "%.*s", (int)strcspn(words, "|"), words);
}

static bool set_number(const struct emu_option *option, unsigned *value, const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*arg < '0' || *arg > '9' || *end)
		return false;
	if (option->choices ? word_index(option->choices, arg) < 0
			    : n < option->min || n > option->max)
		return false;
	*value = (unsigned)n;
	return true;
}

static bool set_text(char *text, const char *arg)
{
	size_t len = strlen(arg);

	if (len >= EMU_PATH)
		return false;
	memcpy(text, arg, len + 1);
	return true;
}

/* "name,name", as emu_option_text() writes it, or one name. */
static bool set_names(uint32_t *set, const char *arg)
{
	char name[EMU_PATH];
	size_t n;

	for (; *arg; arg += n + (arg[n] == ',')) {
		n = strcspn(arg, ",");
		snprintf(name, sizeof(name), "%.*s", (int)n, arg);
		if (!emu_fault_add(set, name))
			return false;
	}
	return true;
}

bool emu_option_set(const struct emu_option *option, struct emu_settings *set, const char *arg)
{
	void *value = field(option, set);
	int i;

	switch (option->kind) {
	case EMU_OPTION_SWITCH:
	case EMU_OPTION_FLAG:
		i = word_index(ON_OFF, arg);
		*(bool *)value = !i;
		return i >= 0;
	case EMU_OPTION_CHOICE:
		i = word_index(option->choices, arg);
		*(unsigned *)value = (unsigned)i;
		return i >= 0;
	case EMU_OPTION_NUMBER:
		return set_number(option, value, arg);
	case EMU_OPTION_SET:
		return set_names(value, arg);
	default:
		return set_text(value, arg);
	}
}

static void put_names(uint32_t set, char text[EMU_PATH])
{
	size_t used = 0;

	text[0] = 0;
	for (unsigned i = 0; emu_fault_name(i); i++) {
		if (set >> i & 1)
			used += (size_t)snprintf(text + used, EMU_PATH - used, "%s%s",
						 used ? "," : "", emu_fault_name(i));
	}
}

void emu_option_text(const struct emu_option *option, const struct emu_settings *set,
		     char text[EMU_PATH])
{
	const void *value = field(option, set);

	switch (option->kind) {
	case EMU_OPTION_SWITCH:
	case EMU_OPTION_FLAG:
		word_at(ON_OFF, !*(const bool *)value, text);
		break;
	case EMU_OPTION_CHOICE:
		word_at(option->choices, *(const unsigned *)value, text);
		break;
	case EMU_OPTION_NUMBER:
		snprintf(text, EMU_PATH, "%u", *(const unsigned *)value);
		break;
	case EMU_OPTION_SET:
		put_names(*(const uint32_t *)value, text);
		break;
	default:
		snprintf(text, EMU_PATH, "%s", (const char *)value);
		break;
	}
}

bool emu_option_same(const struct emu_option *option, const struct emu_settings *a,
		     const struct emu_settings *b)
{
	char of_a[EMU_PATH], of_b[EMU_PATH];

	emu_option_text(option, a, of_a);
	emu_option_text(option, b, of_b);
	return !strcmp(of_a, of_b);
}

void emu_option_copy(const struct emu_option *option, struct emu_settings *to,
		     const struct emu_settings *from)
{
	char text[EMU_PATH];

	emu_option_text(option, from, text);
	if (option->kind == EMU_OPTION_SET)
		*(uint32_t *)field(option, to) = 0;
	emu_option_set(option, to, text);
}

/* ---- all of them as one line ---------------------------------------------------------------- */

/* So that ':' ends a value, and '\n' the line. */
static size_t quote(const char *value, char *text, size_t size)
{
	size_t used = 0;

	for (; *value && used + 4 < size; value++) {
		if (*value == ':' || *value == '%' || *value == '\n')
			used += (size_t)snprintf(text + used, size - used, "%%%02x",
						 (unsigned)*value);
		else
			text[used++] = *value;
	}
	return *value ? size : used;
}

static bool unquote(const char *text, size_t n, char value[EMU_PATH])
{
	size_t used = 0;
	unsigned c;

	for (size_t i = 0; i < n; i++) {
		if (used + 1 >= EMU_PATH)
			return false;
		if (text[i] != '%') {
			value[used++] = text[i];
			continue;
		}
		if (i + 2 >= n || sscanf(text + i + 1, "%2x", &c) != 1 || !c)
			return false;
		value[used++] = (char)c;
		i += 2;
	}
	value[used] = 0;
	return true;
}

int emu_settings_format(const struct emu_settings *set, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, EMU_FORM ":lock=%d", set->lock_fd);
	char value[EMU_PATH];

	for (unsigned i = 0; i < N_OPTIONS && used < size; i++) {
		emu_option_text(&options[i], set, value);
		used += (size_t)snprintf(text + used, size - used, ":%s=", options[i].name);
		if (used < size)
			used += quote(value, text + used, size - used);
	}
	if (used >= size)
		return -ENAMETOOLONG;
	text[used] = 0;
	return 0;
}

/* "name=value", every option in its turn: the next one's place, or NULL. */
static const char *parse_one(const struct emu_option *option, struct emu_settings *set,
			     const char *text)
{
	size_t len = strlen(option->name), n;
	char value[EMU_PATH];

	if (*text != ':' || strncmp(text + 1, option->name, len) || text[len + 1] != '=')
		return NULL;
	text += len + 2;
	n = strcspn(text, ":\n");
	if (!unquote(text, n, value) || !emu_option_set(option, set, value))
		return NULL;
	return text + n;
}

int emu_settings_parse(struct emu_settings *set, const char *text)
{
	struct emu_settings s;
	int at = 0;

	emu_options_start(&s);
	if (sscanf(text, EMU_FORM ":lock=%d%n", &s.lock_fd, &at) != 1 || !at)
		return -EINVAL;
	text += at;
	for (unsigned i = 0; i < N_OPTIONS && text; i++)
		text = parse_one(&options[i], &s, text);
	if (!text || (*text && *text != '\n') || !s.wire_dir[0])
		return -EINVAL;
	*set = s;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tune_tree RECIPE DIR: makes the files of a snapshot below DIR. A recipe is lines:
 *     # a comment
 *     /path text                  a file of one line
 *     /path <<                    a file of the lines up to one that is "."
 *     /path -> target             a symbolic link
 *     /path/                      a directory
 *     /path hex 06 00 00 00 01    a file of bytes
 *     !pci BDF UNDER KEY=VALUE…   a device in sysfs, with its configuration space; UNDER are the
 *                                 directories above it, from pciDDDD:BB on. Keys: vendor, device,
 *                                 class (hex), numa, mps=CAP/NOW, mrrs, speed=CAP/NOW (1..6),
 *                                 width=CAP/NOW, acs (hex), bar1 (MiB), rebar (largest MiB),
 *                                 root=no
 *     !nic BDF RDMA NETDEV        its RDMA device and interface, "-" for none
 *
 * The encoder is by the PCI Express specification alone: nothing of src/tune is in here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned line_number;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "tune_tree: line %u: %s: %s\n", line_number, what, strerror(errno));
	exit(1);
}

static void make_dirs(const char *path)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = strchr(copy, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		if (*copy && mkdir(copy, 0755) && errno != EEXIST)
			die(copy);
		*p = '/';
	}
}

static void put_bytes(const char *path, const void *data, size_t len)
{
	FILE *f;

	make_dirs(path);
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, len, f) != len || fclose(f))
		die(path);
}

static void __attribute__((format(printf, 2, 3))) put_text(const char *path, const char *fmt, ...)
{
	char text[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_bytes(path, text, strlen(text));
}

static void put_link(const char *path, const char *target)
{
	make_dirs(path);
	if (symlink(target, path))
		die(path);
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, unsigned v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

struct device {
	unsigned vendor, device, class, mps_cap, mps, mrrs, speed_cap, speed, width_cap, width;
	unsigned bar1, rebar;
	int numa, acs, root;
};

static unsigned log2_of(unsigned v)
{
	unsigned n = 0;

	while (v > 1) {
		v >>= 1;
		n++;
	}
	return n;
}

/* 128 bytes are 0, 256 are 1, … */
static unsigned payload(unsigned bytes)
{
	return bytes >= 128 ? log2_of(bytes) - 7 : 0;
}

static void encode_express(uint8_t *c, const struct device *d)
{
	c[0x34] = 0x60;	    /* the first capability */
	put16(c + 6, 0x10); /* there is a list */
	c[0x60] = 0x10;	    /* PCI Express */
	put16(c + 0x62, 2);
	put32(c + 0x64, payload(d->mps_cap));
	put16(c + 0x68, payload(d->mps) << 5 | payload(d->mrrs) << 12);
	put32(c + 0x6c, d->speed_cap | d->width_cap << 4);
	put16(c + 0x72, d->speed | d->width << 4);
}

/* Resizable BAR, then Access Control Services. */
static void encode_extended(uint8_t *c, const struct device *d)
{
	unsigned at = 0x100;

	if (d->rebar) {
		unsigned sizes = 0;

		for (unsigned mib = 64; mib <= d->rebar; mib *= 2)
			sizes |= 1u << (log2_of(mib) + 4);
		put32(c + at, 0x15 | 1u << 16 | (d->acs >= 0 ? 0x140u << 20 : 0));
		put32(c + at + 4, sizes);
		put32(c + at + 8, 1 | 1u << 5 | log2_of(d->bar1) << 8);
		at = 0x140;
	}
	if (d->acs >= 0) {
		put32(c + at, 0x0d | 1u << 16);
		put16(c + at + 4, 0x7f);
		put16(c + at + 6, (unsigned)d->acs);
	}
}

static size_t encode(uint8_t c[4096], const struct device *d)
{
	memset(c, 0, 4096);
	put16(c, d->vendor);
	put16(c + 2, d->device);
	put32(c + 8, d->class << 8);
	if (!d->mps && !d->rebar && d->acs < 0)
		return d->root ? 256 : 64;
	encode_express(c, d);
	encode_extended(c, d);
	if (!d->root)
		return 64;
	return d->rebar || d->acs >= 0 ? 0x200 : 256;
}

static int set_pair(const char *word, const char *key, unsigned *cap, unsigned *now)
{
	size_t n = strlen(key);

	if (strncmp(word, key, n) || word[n] != '=')
		return 0;
	if (sscanf(word + n + 1, "%u/%u", cap, now) != 2)
		die(word);
	return 1;
}

static void set_key(struct device *d, const char *word)
{
	const char *eq = strchr(word, '=');
	unsigned hex;

	if (!eq)
		die(word);
	hex = (unsigned)strtoul(eq + 1, NULL, 16);
	if (set_pair(word, "mps", &d->mps_cap, &d->mps) ||
	    set_pair(word, "speed", &d->speed_cap, &d->speed) ||
	    set_pair(word, "width", &d->width_cap, &d->width))
		return;
	if (!strncmp(word, "vendor=", 7))
		d->vendor = hex;
	else if (!strncmp(word, "device=", 7))
		d->device = hex;
	else if (!strncmp(word, "class=", 6))
		d->class = hex;
	else if (!strncmp(word, "acs=", 4))
		d->acs = (int)hex;
	else if (!strncmp(word, "numa=", 5))
		d->numa = atoi(eq + 1);
	else if (!strncmp(word, "mrrs=", 5))
		d->mrrs = (unsigned)atoi(eq + 1);
	else if (!strncmp(word, "bar1=", 5))
		d->bar1 = (unsigned)atoi(eq + 1);
	else if (!strncmp(word, "rebar=", 6))
		d->rebar = (unsigned)atoi(eq + 1);
	else if (!strcmp(word, "root=no"))
		d->root = 0;
	else
		die(word);
}

static void put_resource(const char *dir, const struct device *d)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/resource", dir);
	if (d->bar1)
		put_text(path,
			 "0x0000000040000000 0x0000000040ffffff 0x0000000000040200\n"
			 "0x0000001000000000 0x%016llx 0x000000000014220c\n",
			 0x1000000000ULL + ((unsigned long long)d->bar1 << 20) - 1);
}

static void make_pci(char *words)
{
	struct device d = {.numa = -1, .acs = -1, .root = 1};
	char *bdf = strtok(words, " "), *under = strtok(NULL, " "), *word;
	char dir[1024], path[PATH_MAX], target[PATH_MAX];
	uint8_t config[4096];

	if (!bdf || !under)
		die("!pci");
	while ((word = strtok(NULL, " ")))
		set_key(&d, word);
	snprintf(dir, sizeof(dir), "sys/devices/%s/%s", under, bdf);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", bdf);
	snprintf(target, sizeof(target), "../../../devices/%s/%s", under, bdf);
	put_link(path, target);
	snprintf(path, sizeof(path), "%s/vendor", dir);
	put_text(path, "0x%04x\n", d.vendor);
	snprintf(path, sizeof(path), "%s/device", dir);
	put_text(path, "0x%04x\n", d.device);
	snprintf(path, sizeof(path), "%s/class", dir);
	put_text(path, "0x%06x\n", d.class);
	snprintf(path, sizeof(path), "%s/numa_node", dir);
	put_text(path, "%d\n", d.numa);
	snprintf(path, sizeof(path), "%s/config", dir);
	put_bytes(path, config, encode(config, &d));
	put_resource(dir, &d);
}

static void put_class(const char *bdf, const char *class, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX], real[600];
	ssize_t n;

	if (!strcmp(name, "-"))
		return;
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", bdf);
	n = readlink(path, real, sizeof(real) - 1);
	if (n < 9)
		die(path);
	real[n] = 0;
	snprintf(path, sizeof(path), "sys/devices/%s/%s/%s/", real + strlen("../../../devices/"),
		 class, name);
	make_dirs(path);
	snprintf(path, sizeof(path), "sys/class/%s/%s", class, name);
	snprintf(target, sizeof(target), "../../devices/%s/%s/%s",
		 real + strlen("../../../devices/"), class, name);
	put_link(path, target);
	snprintf(path, sizeof(path), "sys/class/%s/%s/device", class, name);
	put_link(path, "../..");
}

static void make_nic(char *words)
{
	char *bdf = strtok(words, " "), *rdma = strtok(NULL, " "), *netdev = strtok(NULL, " ");

	if (!bdf || !rdma || !netdev)
		die("!nic");
	put_class(bdf, "infiniband", rdma);
	put_class(bdf, "net", netdev);
}

static void put_lines(const char *path, FILE *recipe)
{
	char line[4096];
	FILE *f;

	make_dirs(path);
	f = fopen(path, "w");
	if (!f)
		die(path);
	while (fgets(line, sizeof(line), recipe)) {
		line_number++;
		if (!strcmp(line, ".\n"))
			break;
		fputs(line, f);
	}
	fclose(f);
}

static void put_hex(const char *path, char *words)
{
	uint8_t bytes[256];
	size_t n = 0;

	for (char *w = strtok(words, " "); w && n < sizeof(bytes); w = strtok(NULL, " "))
		bytes[n++] = (uint8_t)strtoul(w, NULL, 16);
	put_bytes(path, bytes, n);
}

static void make_file(char *line, FILE *recipe)
{
	char *path = line + 1, *rest = strchr(path, ' ');

	if (rest)
		*rest++ = 0;
	else if (*path && path[strlen(path) - 1] == '/') {
		make_dirs(path);
		return;
	}
	if (!rest)
		put_bytes(path, "", 0);
	else if (!strcmp(rest, "<<"))
		put_lines(path, recipe);
	else if (!strncmp(rest, "-> ", 3))
		put_link(path, rest + 3);
	else if (!strncmp(rest, "hex ", 4))
		put_hex(path, rest + 4);
	else
		put_text(path, "%s\n", rest);
}

void tree_make(const char *recipe, const char *dir);

void tree_make(const char *recipe, const char *dir)
{
	int here = open(".", O_RDONLY | O_DIRECTORY);
	FILE *f = fopen(recipe, "r");
	char line[4096];

	if (!f || here < 0 || (mkdir(dir, 0755) && errno != EEXIST) || chdir(dir))
		die(f ? dir : recipe);
	while (fgets(line, sizeof(line), f)) {
		line_number++;
		line[strcspn(line, "\n")] = 0;
		if (*line == '/')
			make_file(line, f);
		else if (!strncmp(line, "!pci ", 5))
			make_pci(line + 5);
		else if (!strncmp(line, "!nic ", 5))
			make_nic(line + 5);
		else if (*line && *line != '#')
			die(line);
	}
	fclose(f);
	if (fchdir(here))
		die(".");
	close(here);
}

#ifndef TREE_PART /* of another program */
int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	tree_make(argv[1], argv[2]);
	return 0;
}
#endif

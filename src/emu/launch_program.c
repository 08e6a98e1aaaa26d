/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Would the preload library be loaded into this program? The dynamic linker ignores LD_PRELOAD in
 * secure mode (setuid, file capabilities) and a static program has no dynamic linker: such a one
 * would talk to the machine's real NIC, so it is refused, with the way that works.
 */
#include "launch.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_INTERPRETERS 5 /* as the kernel follows #! lines */
#define LINE 256

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* ---- find ----------------------------------------------------------------------------------- */

/* 0, ENOENT, or EACCES: there but not to be executed. */
static int look(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == EACCES ? EACCES : ENOENT;
	return S_ISREG(st.st_mode) && !access(path, X_OK) ? 0 : EACCES;
}

static int search(const char *program, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");
	int found = ENOENT;
	size_t n;

	if (strchr(program, '/')) {
		snprintf(path, PATH_MAX, "%s", program);
		return look(path);
	}
	for (dirs = dirs ? dirs : "/usr/local/bin:/usr/bin:/bin"; ; dirs += n + 1) {
		n = strcspn(dirs, ":");
		snprintf(path, PATH_MAX, "%.*s%s%s", (int)n, dirs, n ? "/" : "./", program);
		switch (look(path)) {
		case 0:
			return 0;
		case EACCES:
			found = EACCES;
			break;
		}
		if (!dirs[n])
			return found;
	}
}

/* ---- judge ---------------------------------------------------------------------------------- */

struct elf_kind {
	unsigned char class, data;
	Elf64_Half machine;
	char loader[LINE]; /* last part of PT_INTERP's name; empty: static */
};

static bool read_at(int fd, void *buf, size_t size, off_t at)
{
	return pread(fd, buf, size, at) == (ssize_t)size;
}

static void read_loader(int fd, const Elf64_Ehdr *header, struct elf_kind *kind)
{
	char name[LINE] = "";
	Elf64_Phdr part;

	for (int i = 0; i < header->e_phnum; i++) {
		off_t at = (off_t)header->e_phoff + (off_t)i * header->e_phentsize;

		if (!read_at(fd, &part, sizeof(part), at) || part.p_type != PT_INTERP)
			continue;
		if (part.p_filesz < sizeof(name) &&
		    read_at(fd, name, (size_t)part.p_filesz, (off_t)part.p_offset))
			snprintf(kind->loader, sizeof(kind->loader), "%s", base_name(name));
	}
}

/* False: no ELF file of this machine's word size and byte order; kind has the first three. */
static bool read_elf(int fd, struct elf_kind *kind)
{
	Elf64_Ehdr header;

	memset(kind, 0, sizeof(*kind));
	if (!read_at(fd, &header, sizeof(header), 0) || memcmp(header.e_ident, ELFMAG, SELFMAG))
		return false;
	kind->class = header.e_ident[EI_CLASS];
	kind->data = header.e_ident[EI_DATA];
	kind->machine = header.e_machine;
	if (kind->class == ELFCLASS64)
		read_loader(fd, &header, kind);
	return true;
}

/* What we are ourselves, and so the library too. */
static const struct elf_kind *own_kind(void)
{
	static struct elf_kind kind;
	int fd;

	if (!kind.class) {
		fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			read_elf(fd, &kind);
			close(fd);
		}
	}
	return &kind;
}

static int refuse(const char *path, const char *why, const char *cure)
{
	launch_complain("%s %s, so it would meet the real NIC: %s", path, why, cure);
	return LAUNCH_USAGE;
}

static int judge_rights(const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return LAUNCH_NOT_RUN;
	if (st.st_mode & (S_ISUID | S_ISGID))
		return refuse(path, "is setuid or setgid and ignores preloaded libraries",
			      "become the other user first and start daqiri-emu then");
	if (fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return refuse(path, "has file capabilities and ignores preloaded libraries",
			      "use a copy without them (cp does not copy them), and give the "
			      "capabilities to the process instead: setpriv --ambient-caps");
	return 0;
}

static int judge_elf(const char *path, const struct elf_kind *kind)
{
	const struct elf_kind *own = own_kind();

	if (kind->class != own->class || kind->data != own->data || kind->machine != own->machine)
		return refuse(path, "is for another machine than the emulation's library",
			      "build it for this one");
	if (!kind->loader[0])
		return refuse(path, "is statically linked and loads no library",
			      "link it dynamically");
	if (strcmp(kind->loader, own->loader))
		return refuse(path, "uses another C library than the emulation's library",
			      "build it for this one");
	return 0;
}

static int judge(const char *path, int depth);

static int judge_name(const char *path)
{
	static const char *const changers[] = { "sudo", "sudoedit", "su", "doas", "pkexec" };

	for (size_t i = 0; i < sizeof(changers) / sizeof(changers[0]); i++) {
		if (!strcmp(base_name(path), changers[i]))
			return refuse(path, "drops preloaded libraries",
				      "turn them round: sudo daqiri-emu -- PROGRAM");
	}
	return 0;
}

/* Ends at MAX_INTERPRETERS: NOLINTBEGIN(misc-no-recursion) */
/* "#!/usr/bin/env [-S] [-opts] [NAME=value] program ..." */
static int judge_env(char *args, int depth)
{
	char path[PATH_MAX], *save = NULL;
	char *word = args ? strtok_r(args, " \t", &save) : NULL;

	while (word && (word[0] == '-' || strchr(word, '=')))
		word = strtok_r(NULL, " \t", &save);
	if (!word || judge_name(word))
		return word ? LAUNCH_USAGE : 0;
	if (search(word, path)) {
		launch_complain("%s: the script's interpreter does not exist", word);
		return LAUNCH_NOT_FOUND;
	}
	return judge(path, depth);
}

static int judge_script(const char *path, char *line, int depth)
{
	char *interpreter = line + 2 + strspn(line + 2, " \t"), *args;
	int ret;

	if (depth >= MAX_INTERPRETERS) {
		launch_complain("%s: too many interpreters behind one another", path);
		return LAUNCH_NOT_RUN;
	}
	args = interpreter + strcspn(interpreter, " \t");
	if (*args)
		*args++ = 0;
	if (look(interpreter)) {
		launch_complain("%s: its interpreter %s cannot be run", path, interpreter);
		return LAUNCH_NOT_RUN;
	}
	ret = judge(interpreter, depth + 1);
	if (!ret && !strcmp(base_name(interpreter), "env"))
		ret = judge_env(args, depth + 1);
	return ret;
}

static int judge_open(const char *path, int fd, int depth)
{
	char line[LINE] = "";
	struct elf_kind kind;
	int ret = judge_rights(path, fd);

	if (ret)
		return ret;
	if (read_elf(fd, &kind))
		return judge_elf(path, &kind);
	if (pread(fd, line, sizeof(line) - 1, 0) < 0)
		line[0] = 0;
	line[strcspn(line, "\n")] = 0;
	if (line[0] == '#' && line[1] == '!')
		return judge_script(path, line, depth);
	return judge("/bin/sh", depth + 1); /* what execvp makes of a script without a first line */
}

static int judge(const char *path, int depth)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0) {
		launch_complain("%s: cannot be read, so it cannot be seen whether it loads the "
				"emulation: %s", path, strerror(errno));
		return LAUNCH_NOT_RUN;
	}
	ret = judge_open(path, fd, depth);
	close(fd);
	return ret;
}
/* NOLINTEND(misc-no-recursion) */

int launch_find(const char *program, char path[PATH_MAX])
{
	int ret = judge_name(program);

	if (ret)
		return ret;
	switch (search(program, path)) {
	case 0:
		return judge(path, 0);
	case EACCES:
		launch_complain("%s: cannot be executed", program);
		return LAUNCH_NOT_RUN;
	default:
		launch_complain("%s: no such program", program);
		return LAUNCH_NOT_FOUND;
	}
}

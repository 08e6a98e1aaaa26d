/* SPDX-License-Identifier: Apache-2.0 */
/* Steps as commands, and the commands of this machine. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply.h"

/* A word as a shell takes it. */
static void word(FILE *out, const char *before, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._/:@%+=,-";

	fputs(before, out);
	if (*text && !text[strspn(text, plain)]) {
		fputs(text, out);
		return;
	}
	fputc('\'', out);
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
	fputc('\'', out);
}

static void say_file(FILE *out, const struct tune_root *root, const struct tune_step *s)
{
	char full[sizeof(s->path) + 1], dir[sizeof(full)];
	size_t len = strlen(s->text);

	snprintf(full, sizeof(full), "/%s", s->path);
	memcpy(dir, full, sizeof(dir));
	*strrchr(dir, '/') = 0;
	if (*dir && !tune_exists(root, "%s", dir + 1)) {
		word(out, "mkdir -p ", dir);
		fputc('\n', out);
	}
	word(out, "cat > ", full);
	/* the last word is one on a line of its own only */
	fprintf(out, " << 'EOF'\n%s%sEOF\n", s->text, len && s->text[len - 1] != '\n' ? "\n" : "");
	if (s->mode != 0644) {
		fprintf(out, "chmod %o", s->mode);
		word(out, " ", full);
		fputc('\n', out);
	}
}

static void say_write(FILE *out, const struct tune_step *s)
{
	char name[32], full[sizeof(s->path) + 1];

	if (sscanf(s->path, "sys/class/net/%31[^/]/mtu", name) == 1) {
		word(out, "ip link set ", name);
		word(out, " mtu ", s->text);
	} else {
		snprintf(full, sizeof(full), "/%s", s->path);
		word(out, "echo ", s->text);
		word(out, " > ", full);
	}
	fputc('\n', out);
}

static void say_net(FILE *out, const struct tune_step *s)
{
	if (s->kind == TUNE_STEP_ADDRESS) {
		word(out, "ip address add ", s->text);
		word(out, " dev ", s->path);
	} else {
		word(out, "ethtool -A ", s->path);
		word(out, " rx ", s->text);
		word(out, " tx ", s->text);
	}
	fputc('\n', out);
}

void tune_say_step(FILE *out, const struct tune_root *root, const struct tune_step *s)
{
	switch (s->kind) {
	case TUNE_STEP_WRITE:
		say_write(out, s);
		break;
	case TUNE_STEP_FILE:
		say_file(out, root, s);
		break;
	case TUNE_STEP_PCI:
		word(out, "setpci -s ", s->path);
		fprintf(out, " CAP_EXP+8.w=%s\n", s->text);
		break;
	case TUNE_STEP_ADDRESS:
	case TUNE_STEP_PAUSE:
		say_net(out, s);
		break;
	case TUNE_STEP_RUN:
		if (*s->text)
			fprintf(out, "%s\n", s->text);
		break;
	case TUNE_STEP_SAY:
		fprintf(out, "# %s\n", s->text);
		break;
	}
}

int tune_run(const char *command)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char locale[] = "LC_ALL=C";
	char *env[] = {path, locale, NULL}, *argv[32], copy[1024], file[256], *word, *save = NULL;
	static const char *const dirs[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
	int n = 0, status = 0, ret = ENOENT;
	pid_t pid;

	tune_put(copy, sizeof(copy), command);
	for (word = strtok_r(copy, " ", &save); word && n < 31; word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	argv[n] = NULL;
	for (unsigned i = 0; n && i < 4 && ret == ENOENT; i++) {
		snprintf(file, sizeof(file), "%s/%.128s", dirs[i], argv[0]);
		/* posix_spawn() does not tell everywhere that there is no such file. */
		if (!access(file, X_OK))
			ret = posix_spawn(&pid, file, NULL, NULL, argv, env);
	}
	if (ret)
		return -ret;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

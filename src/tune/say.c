/* SPDX-License-Identifier: Apache-2.0 */
/* Steps as commands, and the commands of this machine. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "apply.h"

static void say_file(FILE *out, const struct tune_root *root, const struct tune_step *s)
{
	char dir[256];

	tune_put(dir, sizeof(dir), s->path);
	*(strrchr(dir, '/') ? strrchr(dir, '/') : dir) = 0;
	if (!tune_exists(root, "%s", dir))
		fprintf(out, "mkdir -p /%s\n", dir);
	fprintf(out, "cat > /%s << 'EOF'\n%sEOF\n", s->path, s->text);
	if (s->mode != 0644)
		fprintf(out, "chmod %o /%s\n", s->mode, s->path);
}

static void say_write(FILE *out, const struct tune_step *s)
{
	char name[32];

	if (sscanf(s->path, "sys/class/net/%31[^/]/mtu", name) == 1)
		fprintf(out, "ip link set %s mtu %s\n", name, s->text);
	else
		fprintf(out, "echo %s > /%s\n", s->text, s->path);
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
		fprintf(out, "setpci -s %s CAP_EXP+8.w=%s\n", s->path, s->text);
		break;
	case TUNE_STEP_ADDRESS:
		fprintf(out, "ip address add %s dev %s\n", s->text, s->path);
		break;
	case TUNE_STEP_PAUSE:
		fprintf(out, "ethtool -A %s rx %s tx %s\n", s->path, s->text, s->text);
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
		ret = posix_spawn(&pid, file, NULL, NULL, argv, env);
	}
	if (ret)
		return -ret;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

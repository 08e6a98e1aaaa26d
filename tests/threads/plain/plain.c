/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

enum { FAILED = 1, SKIPPED = 77 };

static struct plain_test *tests;

void plain_test_add(struct plain_test *test)
{
	test->next = tests;
	tests = test;
}

void plain_fail(const char *file, int line, const char *what, const char *fmt, ...)
{
	va_list ap;

	printf("# %s:%d: %s:", file, line, what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(FAILED);
}

void plain_skip(const char *why)
{
	printf("# %s\n", why);
	fflush(stdout);
	_exit(SKIPPED);
}

static int run(const struct plain_test *test)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return FAILED;
	if (!pid) {
		test->run();
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return FAILED;
	return WEXITSTATUS(status);
}

int main(void)
{
	unsigned n = 0;
	bool failed = false;

	for (const struct plain_test *test = tests; test; test = test->next) {
		int status = run(test);

		failed |= status && status != SKIPPED;
		printf("%s %u - %s/%s%s\n", status && status != SKIPPED ? "not ok" : "ok", ++n,
		       test->suite, test->name, status == SKIPPED ? " # SKIP" : "");
	}
	printf("1..%u\n", n);
	return failed || !n;
}

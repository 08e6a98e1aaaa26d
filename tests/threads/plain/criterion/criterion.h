/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of Criterion's interface as the models use, for ThreadSanitizer: Criterion's own workers share an
 * arena at addresses that ThreadSanitizer keeps for itself. Each test is a process, as there.
 */
#ifndef TEST_PLAIN_CRITERION_H
#define TEST_PLAIN_CRITERION_H

#include <stdbool.h>
#include <string.h>

struct plain_test {
	const char *suite, *name;
	void (*run)(void);
	struct plain_test *next;
};
void plain_test_add(struct plain_test *test);

/* These end the test. */
__attribute__((noreturn, format(printf, 4, 5))) void
plain_fail(const char *file, int line, const char *what, const char *fmt, ...);
__attribute__((noreturn)) void plain_skip(const char *why);

#define Test(suite_, name_)                                                                        \
	static void suite_##_##name_(void);                                                        \
	__attribute__((constructor)) static void suite_##_##name_##_add(void)                      \
	{                                                                                          \
		static struct plain_test test = {#suite_, #name_, suite_##_##name_, 0};            \
		plain_test_add(&test);                                                             \
	}                                                                                          \
	static void suite_##_##name_(void)

#define cr_skip_test(why) plain_skip(why)
#define cr_assert(cond, ...)                                                                       \
	((cond) ? (void)0 : plain_fail(__FILE__, __LINE__, #cond, " " __VA_ARGS__))
#define cr_assert_eq(a, b, ...)	      cr_assert((a) == (b), ##__VA_ARGS__)
#define cr_assert_lt(a, b, ...)	      cr_assert((a) < (b), ##__VA_ARGS__)
#define cr_assert_leq(a, b, ...)      cr_assert((a) <= (b), ##__VA_ARGS__)
#define cr_assert_gt(a, b, ...)	      cr_assert((a) > (b), ##__VA_ARGS__)
#define cr_assert_geq(a, b, ...)      cr_assert((a) >= (b), ##__VA_ARGS__)
#define cr_assert_not_null(a, ...)    cr_assert((a) != 0, ##__VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...) cr_assert(!memcmp(a, b, n), ##__VA_ARGS__)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DQ_ERROR_H
#define DQ_ERROR_H

/*
 * Notes why the calling thread's call fails; to be called where the cause is first seen. err is a
 * positive errno. Returns -err, so that a failing function can "return dq_error(EINVAL, …)".
 */
int dq_error(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * The same, -EINVAL, for a data path call with n packets whose arguments are no good. where: of its
 * queue; NULL: it was given none.
 */
int dq_misused(const char *where, const char *call, int n);

/* The static analyzer looks at one file at a time: it is told here that the result is never 0. */
#ifdef __clang_analyzer__
#define dq_error(err, ...) (dq_error((err), __VA_ARGS__) | -1)
#endif

#endif

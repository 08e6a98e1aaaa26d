# SPDX-License-Identifier: Apache-2.0

# DQ_ARG_SANITIZERS: --enable-asan, --enable-ubsan, --enable-tsan -> DQ_SAN_CFLAGS
AC_DEFUN([DQ_ARG_SANITIZERS], [
  DQ_SAN_CFLAGS=
  AC_ARG_ENABLE([asan], [AS_HELP_STRING([--enable-asan], [build with AddressSanitizer])],
    [], [enable_asan=no])
  AC_ARG_ENABLE([ubsan], [AS_HELP_STRING([--enable-ubsan], [build with UndefinedBehaviorSanitizer])],
    [], [enable_ubsan=no])
  AC_ARG_ENABLE([tsan], [AS_HELP_STRING([--enable-tsan], [build with ThreadSanitizer])],
    [], [enable_tsan=no])
  AS_IF([test "x$enable_asan" = xyes && test "x$enable_tsan" = xyes],
    [AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other])])
  AS_IF([test "x$enable_asan" = xyes], [DQ_SAN_CFLAGS="$DQ_SAN_CFLAGS -fsanitize=address"])
  AS_IF([test "x$enable_ubsan" = xyes],
    [DQ_SAN_CFLAGS="$DQ_SAN_CFLAGS -fsanitize=undefined -fno-sanitize-recover=all"])
  AS_IF([test "x$enable_tsan" = xyes], [DQ_SAN_CFLAGS="$DQ_SAN_CFLAGS -fsanitize=thread"])
  AC_ARG_ENABLE([debug], [AS_HELP_STRING([--enable-debug],
    [tell programs that use one queue from two threads])], [], [enable_debug=no])
  AS_IF([test "x$enable_debug" = xyes],
    [AC_DEFINE([DQ_DEBUG], [1], [Define to 1 to check at each call that a queue has one thread.])])
  AS_IF([test -n "$DQ_SAN_CFLAGS"], [DQ_SAN_CFLAGS="$DQ_SAN_CFLAGS -fno-omit-frame-pointer -g"])
  AC_SUBST([DQ_SAN_CFLAGS])
  AM_CONDITIONAL([ENABLE_ASAN], [test "x$enable_asan" = xyes])
  AM_CONDITIONAL([ENABLE_TSAN], [test "x$enable_tsan" = xyes])
])

# DQ_ARG_COVERAGE: --enable-coverage -> DQ_SAN_CFLAGS; after DQ_ARG_SANITIZERS
AC_DEFUN([DQ_ARG_COVERAGE], [
  AC_ARG_ENABLE([coverage], [AS_HELP_STRING([--enable-coverage],
    [count the lines that run, for make coverage])], [], [enable_coverage=no])
  AS_IF([test "x$enable_coverage" = xyes],
    [DQ_SAN_CFLAGS="$DQ_SAN_CFLAGS --coverage"
     CFLAGS="$CFLAGS -O0"])
])

# DQ_ARG_WARNINGS: --enable-werror -> DQ_WARN_CFLAGS
AC_DEFUN([DQ_ARG_WARNINGS], [
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [make warnings errors])],
    [], [enable_werror=no])
  DQ_WARN_CFLAGS="-Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes"
  AS_IF([test "x$enable_werror" = xyes], [DQ_WARN_CFLAGS="$DQ_WARN_CFLAGS -Werror"])
  AC_SUBST([DQ_WARN_CFLAGS])
])

# SPDX-License-Identifier: Apache-2.0
# DQ_GPU_CFLAGS: sets have_kernels and GPU_CFLAGS where GPU_CC makes PTX of a kernel.
AC_DEFUN([DQ_GPU_CFLAGS], [
  AC_MSG_CHECKING([whether $GPU_CC compiles CUDA kernels])
  mkdir -p conftest.gpu
  AS_ECHO(['#include <stdint.h>
  extern "C" __attribute__((global)) void k(uint64_t *p) { *p = 1; }']) >conftest.gpu/k.cu
  dq_clang="-x cuda --cuda-device-only -nocudainc -nocudalib --cuda-gpu-arch=sm_70 -Xclang -target-feature -Xclang +ptx60 -Wno-unknown-cuda-version -O2 -S"
  for GPU_CFLAGS in "-ptx -arch=compute_70" "-ptx -arch=compute_75" "$dq_clang"; do
    AS_IF([test $have_kernels = no && $GPU_CC $GPU_CFLAGS conftest.gpu/k.cu -o conftest.gpu/k.ptx >&AS_MESSAGE_LOG_FD 2>&1 &&
      grep '\.entry k' conftest.gpu/k.ptx >/dev/null 2>&1], [have_kernels=yes; break])
  done
  rm -rf conftest.gpu
  AC_MSG_RESULT([$have_kernels])
])

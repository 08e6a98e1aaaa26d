/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "error.h"
#include "simd.h"

int dq_simd_has(enum dq_simd simd)
{
#ifdef DQ_X86_SIMD
	if (simd == DQ_SIMD_AVX2)
		return __builtin_cpu_supports("avx2") != 0;
	if (simd == DQ_SIMD_SSE42)
		return __builtin_cpu_supports("sse4.2") != 0;
#endif
	return simd == DQ_SIMD_PORTABLE;
}

int dq_simd_choose(enum dq_simd *simd, const char *where)
{
	if (*simd == DQ_SIMD_AUTO)
		for (*simd = DQ_SIMD_AVX2; !dq_simd_has(*simd);)
			--*simd;
	if (dq_simd_has(*simd))
		return 0;
	return dq_error(EOPNOTSUPP,
			"%s: this processor has not the instructions of [daqiri] simd=%s: auto "
			"takes what it has",
			where, dq_simd_name(*simd));
}

const char *dq_simd_name(enum dq_simd simd)
{
	static const char *const names[] = {"auto", "portable", "sse42", "avx2"};

	return names[simd];
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cuFFT, loaded when --workload fft asks for it: nothing of it is linked. */
#ifndef PERF_GPU_FFT_H
#define PERF_GPU_FFT_H

struct CUstream_st;

/* count transforms of points complex samples at once; -1 after a message. Within the GPU's context.
 */
int perf_fft_plan(int *plan, unsigned points, unsigned count, struct CUstream_st *stream);
void perf_fft_free(int plan);

/* Forward, from in to out, in the plan's stream; 0 or cuFFT's error. */
int perf_fft_start(int plan, unsigned long long in, unsigned long long out);

#endif

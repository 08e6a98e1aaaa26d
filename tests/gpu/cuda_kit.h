/* SPDX-License-Identifier: Apache-2.0 */
/* CUDA as a program under test has it: loaded when it is wanted, the machine's or the fake one. */
#ifndef TEST_CUDA_KIT_H
#define TEST_CUDA_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False: there is no driver or no GPU. */
bool kit_cuda(void);

/* Makes GPU n's primary context current; NULL where that fails. */
void *kit_cuda_context(int n);
void *kit_cuda_current(void);

/* Memory of GPU 0. 0: none. */
uint64_t kit_cuda_alloc(size_t size);
void kit_cuda_free(uint64_t ptr);
/* A dma-buf of whole pages; -1: none. */
int kit_cuda_export(uint64_t ptr, size_t size);

/* To and from memory of any kind: where gpu is set, of a GPU. */
bool kit_write(uint64_t at, const void *from, size_t n, bool gpu);
bool kit_read(void *to, uint64_t at, size_t n, bool gpu);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the n-th call of a kind fail, once or from then on. The program is linked with the
 * library's objects: their calls come here by the linker's --wrap (FAULTS_WRAP in Makefile.am), by
 * the functions of the device (struct verbs_context), or, for mmap() and ioctl() of libibverbs and
 * libmlx5, because the program's own functions of these names come first. Calls by the C library
 * and by the emulated device are let through. One thread.
 */
#ifndef TEST_FAULTS_H
#define TEST_FAULTS_H

#include <stdbool.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_ALLOC, /* memory of the library itself */
	FAULT_FILE,  /* files and folders, its descriptors */
	FAULT_MMAP,  /* of the library and of the provider */
	FAULT_IOCTL, /* any command to the (emulated) kernel */
	FAULT_VERBS, /* functions of libibverbs, libmlx5 and libnuma that the library calls */
	FAULT_KINDS
};

struct fault {
	enum fault_kind kind;
	long nth; /* from 1 */
	int err;
	bool lasting;  /* all later ones of the kind too */
	long seen;     /* out: how many there were */
	char name[64]; /* out: the one that failed; "" none */
};

/* From now on; NULL: nothing fails. fault is used until then. */
void fault_arm(struct fault *fault);

/* What the library holds now: allocations, and mappings of the library and the provider. */
struct fault_held {
	long allocations, mappings;
};
struct fault_held fault_held(void);

/* For the wrapped functions: whether this call is the one that fails; errno is set then. */
bool fault_fails(enum fault_kind kind, const char *name);

/* A function of the library's whose failure is a value, with errno. */
#define FAULT_WRAP(kind, type, name, params, args, failure)                                        \
	type __real_##name params;                                                                 \
	type __wrap_##name params;                                                                 \
	type __wrap_##name params                                                                  \
	{                                                                                          \
		return fault_fails(kind, #name) ? (failure) : __real_##name args;                  \
	}

#endif

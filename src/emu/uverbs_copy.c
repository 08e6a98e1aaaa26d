/* SPDX-License-Identifier: Apache-2.0 */
#include "uverbs_copy.h"
#include "uverbs_mem.h"

#include <errno.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- bytes ---------------------------------------------------------------------------------- */

/*
 * The kernel's own way from one process to another looks at both addresses, also where the two
 * processes are one. False: it is not to be had, as under user-mode qemu and some seccomp filters.
 */
static bool copy_checked(void *to, const void *from, size_t n, int *ret)
{
	struct iovec here = {to, n}, there = {(void *)(uintptr_t)from, n};
	ssize_t done = process_vm_readv(getpid(), &here, 1, &there, 1, 0);

	if (done < 0 && (errno == ENOSYS || errno == EPERM))
		return false;
	*ret = done == (ssize_t)n ? 0 : -EFAULT;
	return true;
}

/* user: that of the two which the program named; written: it is to */
static int copy(void *to, const void *from, size_t n, uint64_t user, bool written)
{
	int ret = 0;

	if (!n || copy_checked(to, from, n, &ret))
		return ret;
	ret = emu_mapped(user, n, written);
	if (!ret)
		memcpy(to, from, n);
	return ret;
}

int emu_user_read(void *to, uint64_t from, size_t n)
{
	return copy(to, (const void *)(uintptr_t)from, n, from, false);
}

int emu_user_write(uint64_t to, const void *from, size_t n)
{
	return copy((void *)(uintptr_t)to, from, n, to, true);
}

/* ---- one ioctl ------------------------------------------------------------------------------ */

struct emu_copy {
	SLIST_ENTRY(emu_copy) link;
	struct ib_uverbs_attr *attr;
	uint64_t user; /* where the program has it */
	bool out;
	_Alignas(8) uint8_t bytes[];
};

/* ib_uverbs_ioctl() */
static int check_header(const struct ib_uverbs_ioctl_hdr *hdr)
{
	if (hdr->length > sysconf(_SC_PAGESIZE) ||
	    hdr->length != sizeof(*hdr) + hdr->num_attrs * sizeof(hdr->attrs[0]))
		return -EINVAL;
	if (hdr->reserved1 || hdr->reserved2)
		return -EPROTONOSUPPORT;
	return hdr->driver_id == RDMA_DRIVER_MLX5 ? 0 : -EINVAL;
}

int emu_call_read(struct emu_call *call, uint64_t arg)
{
	struct ib_uverbs_ioctl_hdr hdr = {0};
	int ret = emu_user_read(&hdr, arg, sizeof(hdr));

	if (!ret)
		ret = check_header(&hdr);
	if (ret)
		return ret;
	/* twice: as it was given, and as we leave it */
	call->given = malloc(2 * (size_t)hdr.length);
	if (!call->given)
		return -ENOMEM;
	call->hdr = (void *)((uint8_t *)call->given + hdr.length);
	ret = emu_user_read(call->given, arg, hdr.length);
	*call->given = hdr; /* the one that was checked */
	memcpy(call->hdr, call->given, hdr.length);
	call->user = arg;
	SLIST_INIT(&call->copies);
	if (ret)
		free(call->given);
	return ret;
}

int emu_call_fetch(struct emu_call *call, struct ib_uverbs_attr *attr, bool out)
{
	struct emu_copy *copy = malloc(sizeof(*copy) + attr->len);
	int ret;

	if (!copy)
		return -ENOMEM;
	*copy = (struct emu_copy){.attr = attr, .user = attr->data, .out = out};
	ret = emu_user_read(copy->bytes, copy->user, attr->len);
	/* nothing is done for a program that could not be told */
	if (!ret && out)
		ret = emu_user_write(copy->user, copy->bytes, attr->len);
	if (ret) {
		free(copy);
		return ret;
	}
	attr->data = (uintptr_t)copy->bytes;
	SLIST_INSERT_HEAD(&call->copies, copy, link);
	return 0;
}

/* Handles, descriptors and marks of what was written. */
static int return_attrs(const struct emu_call *call)
{
	const struct ib_uverbs_attr *was = call->given->attrs, *now = call->hdr->attrs;
	uint64_t to = call->user + sizeof(*call->hdr);
	int ret = 0;

	for (unsigned i = 0; i < call->hdr->num_attrs && !ret; i++, to += sizeof(*now)) {
		if (memcmp(&was[i], &now[i], sizeof(*now)) != 0)
			ret = emu_user_write(to, &now[i], sizeof(*now));
	}
	return ret;
}

int emu_call_finish(struct emu_call *call, int ret)
{
	struct emu_copy *copy;
	int err = 0;

	while ((copy = SLIST_FIRST(&call->copies))) {
		SLIST_REMOVE_HEAD(&call->copies, link);
		copy->attr->data = copy->user;
		if (copy->out && !err)
			err = emu_user_write(copy->user, copy->bytes, copy->attr->len);
		free(copy);
	}
	if (!err)
		err = return_attrs(call);
	free(call->given);
	return ret ? ret : err;
}

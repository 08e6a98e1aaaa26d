/* SPDX-License-Identifier: Apache-2.0 */
/* The attributes of an ioctl: checked against a method's list as the kernel does, read, written. */
#include "uverbs.h"

#include <errno.h>
#include <string.h>

struct ib_uverbs_attr *emu_attr(const struct emu_call *call, uint16_t id)
{
	for (unsigned i = 0; i < call->hdr->num_attrs; i++) {
		if (call->hdr->attrs[i].attr_id == id)
			return &call->hdr->attrs[i];
	}
	return NULL;
}

size_t emu_attr_len(const struct ib_uverbs_attr *attr)
{
	return attr->len;
}

const void *emu_attr_bytes(const struct ib_uverbs_attr *attr)
{
	if (attr->len <= EMU_ATTR_INLINE)
		return &attr->data;
	return (const void *)(uintptr_t)attr->data;
}

bool emu_attr_copy(const struct emu_call *call, uint16_t id, void *dst, size_t size)
{
	const struct ib_uverbs_attr *attr = emu_attr(call, id);
	size_t n;

	memset(dst, 0, size);
	if (!attr)
		return false;
	n = attr->len < size ? attr->len : size;
	memcpy(dst, emu_attr_bytes(attr), n);
	return true;
}

uint64_t emu_attr_value(const struct emu_call *call, uint16_t id)
{
	const struct ib_uverbs_attr *attr = emu_attr(call, id);
	uint32_t word;

	if (!attr)
		return 0;
	if (attr->len == sizeof(word)) {
		memcpy(&word, &attr->data, sizeof(word));
		return word;
	}
	return attr->data;
}

int emu_attr_object(const struct emu_call *call, uint16_t id, enum emu_type type,
		    struct emu_object **obj)
{
	const struct ib_uverbs_attr *attr = emu_attr(call, id);

	if (!attr)
		return -EINVAL;
	if (attr->data > UINT32_MAX)
		return -ENOENT;
	*obj = emu_object_find(call->ctx, type, (uint32_t)attr->data);
	return *obj ? 0 : -ENOENT;
}

static void put(void *dst, size_t room, const void *src, size_t size)
{
	size_t n = room < size ? room : size;

	memcpy(dst, src, n);
	memset((uint8_t *)dst + n, 0, room - n);
}

void emu_attr_put(const struct emu_call *call, uint16_t id, const void *src, size_t size)
{
	struct ib_uverbs_attr *attr = emu_attr(call, id);

	if (!attr)
		return;
	put((void *)(uintptr_t)attr->data, attr->len, src, size);
	attr->flags |= UVERBS_ATTR_F_VALID_OUTPUT;
}

void emu_attr_put_new(const struct emu_call *call, uint16_t id, uint32_t handle)
{
	struct ib_uverbs_attr *attr = emu_attr(call, id);

	if (attr)
		attr->data = handle;
}

void emu_write_in(const struct emu_call *call, void *dst, size_t size)
{
	size_t n = call->in_len < size ? call->in_len : size;

	memset(dst, 0, size);
	if (n)
		memcpy(dst, call->in, n);
}

void emu_write_out(const struct emu_call *call, const void *src, size_t size)
{
	if (call->out)
		put(call->out, call->out_len, src, size);
}

int emu_uhw_in(const struct emu_call *call, void *dst, size_t size)
{
	const uint8_t *in = call->uhw_in;
	size_t n = call->uhw_in_len < size ? call->uhw_in_len : size;

	memset(dst, 0, size);
	if (n)
		memcpy(dst, in, n);
	for (size_t i = n; i < call->uhw_in_len; i++) {
		if (in[i])
			return -EOPNOTSUPP;
	}
	return 0;
}

void emu_uhw_out(const struct emu_call *call, const void *src, size_t size)
{
	if (call->uhw_out)
		put(call->uhw_out, call->uhw_out_len, src, size);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "uverbs_check.h"
#include "preload.h"
#include "uverbs_copy.h"

#include <errno.h>

/* Methods with a provider part have these two besides their own. */
static const struct emu_attr_spec uhw_specs[] = {
	{ UVERBS_ATTR_UHW_IN, EMU_ATTR_IN, EMU_MAY, 0, UINT16_MAX },
	{ UVERBS_ATTR_UHW_OUT, EMU_ATTR_OUT, EMU_MAY, 0, UINT16_MAX },
};

static const struct emu_attr_spec *find_spec(const struct emu_method *method, uint16_t id)
{
	for (unsigned i = 0; i < method->n_attrs; i++) {
		if (method->attrs[i].id == id)
			return &method->attrs[i];
	}
	for (unsigned i = 0; method->uhw && i < EMU_COUNT(uhw_specs); i++) {
		if (uhw_specs[i].id == id)
			return &uhw_specs[i];
	}
	return NULL;
}

static int check_rest_zero(const struct ib_uverbs_attr *attr, size_t from)
{
	const uint8_t *bytes = emu_attr_bytes(attr);

	for (size_t i = from; i < attr->len; i++) {
		if (bytes[i])
			return -EOPNOTSUPP;
	}
	return 0;
}

static int check_bytes(struct emu_call *call, struct ib_uverbs_attr *attr,
		       const struct emu_attr_spec *spec)
{
	bool out = spec->kind == EMU_ATTR_OUT;
	int ret = 0;

	if (attr->len < spec->min || (spec->max && attr->len > spec->max))
		return -EINVAL;
	if (out ? attr->len : attr->len > EMU_ATTR_INLINE)
		ret = emu_call_fetch(call, attr, out);
	if (!ret && spec->kind == EMU_ATTR_IN && !spec->max)
		ret = check_rest_zero(attr, spec->min);
	return ret;
}

static int check_attr(struct emu_call *call, struct ib_uverbs_attr *attr,
		      const struct emu_attr_spec *spec)
{
	if (attr->attr_data.reserved)
		return -EINVAL;
	switch (spec->kind) {
	case EMU_ATTR_OBJECT:
	case EMU_ATTR_NEW:
		return attr->len ? -EINVAL : 0;
	case EMU_ATTR_FD:
		if (attr->len)
			return -EINVAL;
		return emu_file_peek((int)attr->data_s64) ? 0 : -EBADF;
	case EMU_ATTR_RAW_FD:
		return attr->len || attr->data_s64 != (int)attr->data_s64 ? -EINVAL : 0;
	case EMU_ATTR_OBJECTS:
		return attr->len % sizeof(uint32_t) ? -EINVAL : check_bytes(call, attr, spec);
	default:
		return check_bytes(call, attr, spec);
	}
}

int emu_check_attrs(struct emu_call *call, const struct emu_method *method)
{
	const struct emu_attr_spec *spec;
	int ret;

	for (unsigned i = 0; i < call->hdr->num_attrs; i++) {
		struct ib_uverbs_attr *attr = &call->hdr->attrs[i];

		spec = find_spec(method, attr->attr_id);
		if (!spec && (attr->flags & UVERBS_ATTR_F_MANDATORY))
			return -EPROTONOSUPPORT;
		if (!spec)
			continue;
		if (emu_attr(call, attr->attr_id) != attr) /* the first of that id */
			return -EINVAL;
		ret = check_attr(call, attr, spec);
		if (ret)
			return ret;
	}
	for (unsigned i = 0; i < method->n_attrs; i++) {
		if (method->attrs[i].must && !emu_attr(call, method->attrs[i].id))
			return -EINVAL;
	}
	return 0;
}

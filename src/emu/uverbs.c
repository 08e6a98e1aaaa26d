/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts, and the way of an ioctl to its handler. */
#include "fault.h"
#include "uverbs.h"
#include "uverbs_clock.h"
#include "uverbs_copy.h"
#include "preload.h"
#include "script.h"
#include "script_call.h"
#include "uverbs_check.h"

#include <errno.h>
#include <fcntl.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5_user_ioctl_cmds.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static TAILQ_HEAD(, emu_ctx) contexts = TAILQ_HEAD_INITIALIZER(contexts);

const struct emu_table *const emu_tables[] = {
	&emu_device_table,	&emu_uar_table,
	&emu_mem_table,		&emu_cq_table,
	&emu_qp_table,		&emu_wq_table,
	&emu_devx_table,	&emu_flow_table,
	&emu_gid_table,		&emu_rate_table,
	&emu_flow_action_table, &emu_counters_table,
	&emu_legacy_table,	NULL,
};

/* ---- open and close ------------------------------------------------------------------------- */

static struct emu_ctx *ctx_new(struct emu_dev *dev, int fd)
{
	struct emu_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->dev = dev;
	ctx->async_fd = -1;
	ctx->async_read_fd = -1;
	ctx->memfd = EMU_REAL(dup)(fd);
	if (ctx->memfd < 0) {
		free(ctx);
		return NULL;
	}
	ctx->memfd = emu_file_private(ctx->memfd);
	TAILQ_INIT(&ctx->objects);
	TAILQ_INSERT_TAIL(&contexts, ctx, link);
	return ctx;
}

/* Newest first: what stands on others was made after them. One may take others with it. */
static struct emu_object *next_unused(struct emu_ctx *ctx)
{
	struct emu_object *obj;

	TAILQ_FOREACH (obj, &ctx->objects, link) {
		if (!obj->users)
			return obj;
	}
	return NULL;
}

static void destroy_objects(struct emu_ctx *ctx)
{
	struct emu_object *obj;

	while ((obj = next_unused(ctx)))
		emu_object_destroy(obj);
}

void emu_uverbs_release(struct emu_ctx *ctx)
{
	destroy_objects(ctx);
	emu_ctx_clock_close(ctx);
	if (ctx->allocated)
		emu_wire_resource(ctx->dev->index, EMU_RES_CTX, false);
	emu_file_private_close(ctx->memfd);
	emu_file_private_close(ctx->async_fd);
	emu_file_private_close(ctx->async_read_fd);
	TAILQ_REMOVE(&contexts, ctx, link);
	free(ctx->handles);
	free(ctx);
}

static int uverbs_open(unsigned port, int fd)
{
	struct emu_file *file = calloc(1, sizeof(*file));
	int ret = -ENOMEM;

	if (!file)
		return ret;
	file->kind = EMU_FILE_UVERBS;
	file->dev = &emu_devs[port];
	errno = ENOMEM;
	file->ctx = ctx_new(file->dev, fd);
	if (!file->ctx) {
		ret = -errno; /* no descriptor more: EMFILE, as the kernel would say */
		goto err_free;
	}
	ret = emu_file_attach(fd, file);
	if (ret)
		goto err_ctx;
	return 0;

err_ctx:
	emu_uverbs_release(file->ctx);
err_free:
	free(file);
	return ret;
}

int emu_uverbs_open(unsigned port, int flags)
{
	int fd, ret;

	if ((flags & O_ACCMODE) != O_RDWR) {
		errno = EACCES; /* UAR pages are mapped for writing */
		return -1;
	}
	if (emu_fault(EMU_FAULT_NO_ACCESS)) {
		errno = EACCES;
		return -1;
	}
	fd = memfd_create("infiniband", flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
	if (fd < 0)
		return -1;
	pthread_mutex_lock(&emu_lock);
	ret = emu_wire_need();
	if (!ret)
		ret = uverbs_open(port, fd);
	pthread_mutex_unlock(&emu_lock);
	if (!ret)
		return fd;
	EMU_REAL(close)(fd);
	errno = -ret;
	return -1;
}

/*
 * On the engine's thread, which may not wait for the control path: that waits for the engine.
 * IB_EVENT_PORT_*, with the port's number.
 */
bool emu_link_event(struct emu_dev *dev, bool up)
{
	struct emu_ctx *ctx;

	if (pthread_mutex_trylock(&emu_lock))
		return false;
	TAILQ_FOREACH (ctx, &contexts, link) {
		if (ctx->dev == dev)
			emu_async_event(ctx, up ? EMU_ASYNC_PORT_ACTIVE : EMU_ASYNC_PORT_ERR, 1);
	}
	pthread_mutex_unlock(&emu_lock);
	return true;
}

/* The device of the child is a new one: nothing of the parent's lives there. */
void emu_uverbs_fork_child(void)
{
	TAILQ_INIT(&contexts);
	emu_object_forget_all();
	for (unsigned i = 0; i < emu_settings.n_ports; i++) {
		struct emu_dev *dev = &emu_devs[i];

		LIST_INIT(&dev->uars);
		LIST_INIT(&dev->cqs);
		LIST_INIT(&dev->sqs);
		LIST_INIT(&dev->rqs);
		LIST_INIT(&dev->tirs);
		dev->mkeys = NULL;
		dev->n_mkeys = 0;
	}
}

/* ---- dispatch ------------------------------------------------------------------------------- */

static const struct emu_method *find_method(uint16_t object, uint16_t method)
{
	for (unsigned t = 0; emu_tables[t]; t++) {
		for (unsigned i = 0; i < emu_tables[t]->n_methods; i++) {
			const struct emu_method *m = &emu_tables[t]->methods[i];

			if (m->object == object && m->method == method)
				return m;
		}
	}
	return NULL;
}

static const struct emu_write *find_write(uint32_t cmd, bool extended)
{
	for (unsigned t = 0; emu_tables[t]; t++) {
		for (unsigned i = 0; i < emu_tables[t]->n_writes; i++) {
			const struct emu_write *w = &emu_tables[t]->writes[i];

			if (w->cmd == cmd && w->extended == extended)
				return w;
		}
	}
	return NULL;
}

/* uapi_get_method(): the tables end with the last command of each kind. */
static int check_command(uint32_t command)
{
	uint32_t cmd = command & IB_USER_VERBS_CMD_COMMAND_MASK;

	if (command & ~(uint32_t)(IB_USER_VERBS_CMD_FLAG_EXTENDED | IB_USER_VERBS_CMD_COMMAND_MASK))
		return -EINVAL;
	if (command & IB_USER_VERBS_CMD_FLAG_EXTENDED)
		return cmd > IB_USER_VERBS_EX_CMD_MODIFY_CQ ? -EOPNOTSUPP : 0;
	return cmd > IB_USER_VERBS_CMD_OPEN_QP ? -EINVAL : 0;
}

int emu_write_find(uint32_t command, const struct emu_write **w)
{
	int ret = check_command(command);

	*w = NULL;
	if (!ret)
		*w = find_write(command & IB_USER_VERBS_CMD_COMMAND_MASK,
				command & IB_USER_VERBS_CMD_FLAG_EXTENDED);
	return ret;
}

static void decode_buffer(const struct emu_call *call, uint16_t id, const void **bytes, size_t *len)
{
	struct ib_uverbs_attr *attr = emu_attr(call, id);

	*bytes = attr ? emu_attr_bytes(attr) : NULL;
	*len = attr ? attr->len : 0;
}

static void decode_out(const struct emu_call *call, uint16_t id, void **bytes, size_t *len)
{
	struct ib_uverbs_attr *attr = emu_attr(call, id);

	*bytes = attr ? (void *)(uintptr_t)attr->data : NULL;
	*len = attr ? attr->len : 0;
}

static void mark_written(const struct emu_call *call, uint16_t id)
{
	struct ib_uverbs_attr *attr = emu_attr(call, id);

	if (attr)
		attr->flags |= UVERBS_ATTR_F_VALID_OUTPUT;
}

/* uverbs_request() */
static int check_rest(const struct emu_call *call, size_t known)
{
	const uint8_t *in = call->in;

	for (size_t i = known; known && i < call->in_len; i++) {
		if (in[i])
			return -EOPNOTSUPP;
	}
	return 0;
}

int emu_write_run(struct emu_call *call, const struct emu_write *w)
{
	int ret = check_rest(call, w->in);

	call->write_cmd = w->cmd;
	if (!ret && emu_script_has(EMU_ON_CALL))
		ret = emu_script_write(w, call->ctx->dev->index);
	return ret ? ret : w->run(call);
}

static int invoke_write(struct emu_call *call)
{
	const struct emu_write *w;
	int ret = emu_write_find((uint32_t)emu_attr_value(call, UVERBS_ATTR_WRITE_CMD), &w);

	if (ret)
		return ret;
	if (!w)
		return -EOPNOTSUPP;
	decode_buffer(call, UVERBS_ATTR_CORE_IN, &call->in, &call->in_len);
	decode_out(call, UVERBS_ATTR_CORE_OUT, &call->out, &call->out_len);
	if (call->in_len < w->min_in || call->out_len < w->min_out)
		return -ENOSPC;
	ret = emu_write_run(call, w);
	if (!ret)
		mark_written(call, UVERBS_ATTR_CORE_OUT);
	return ret;
}

static const struct emu_attr_spec invoke_specs[] = {
	{UVERBS_ATTR_CORE_IN, EMU_ATTR_IN, EMU_MAY, 0, UINT16_MAX},
	{UVERBS_ATTR_CORE_OUT, EMU_ATTR_OUT, EMU_MAY, 0, UINT16_MAX},
	{UVERBS_ATTR_WRITE_CMD, EMU_ATTR_IN, EMU_MUST, 8, 8},
};

static const struct emu_method invoke_method = {UVERBS_OBJECT_DEVICE, UVERBS_METHOD_INVOKE_WRITE,
						true, invoke_write, EMU_SPECS(invoke_specs)};

/* What works before GET_CONTEXT: that itself, and the probe for this very interface. */
static bool needs_context(const struct emu_method *m)
{
	return m != &invoke_method &&
	       (m->object != UVERBS_OBJECT_DEVICE || m->method != UVERBS_METHOD_GET_CONTEXT);
}

/* Firmware objects: granted to the context, but none of them exists on this card. */
static bool is_devx(uint16_t object)
{
	switch (object) {
	case MLX5_IB_OBJECT_DEVX:
	case MLX5_IB_OBJECT_VAR:
	case MLX5_IB_OBJECT_PP:
		return true;
	default:
		return false;
	}
}

static int run_method(struct emu_call *call, const struct emu_method *m)
{
	int ret = 0;

	if (emu_script_has(EMU_ON_CALL))
		ret = emu_script_method(m, call->ctx->dev->index);
	return ret ? ret : m->run(call);
}

int emu_method_run(struct emu_call *call, uint16_t object, uint16_t method)
{
	return run_method(call, find_method(object, method));
}

static int dispatch(struct emu_call *call)
{
	const struct ib_uverbs_ioctl_hdr *hdr = call->hdr;
	const struct emu_method *m = &invoke_method;
	int ret;

	emu_script_load();
	if (__atomic_load_n(&call->ctx->dev->fatal, __ATOMIC_ACQUIRE))
		return -EIO;
	if (hdr->object_id != m->object || hdr->method_id != m->method)
		m = find_method(hdr->object_id, hdr->method_id);
	if (!m)
		return is_devx(hdr->object_id) ? -EOPNOTSUPP : -EPROTONOSUPPORT;
	if (!call->ctx->allocated && needs_context(m))
		return -EINVAL;
	ret = emu_check_attrs(call, m);
	if (ret)
		return ret;
	if (m->uhw) {
		decode_buffer(call, UVERBS_ATTR_UHW_IN, &call->uhw_in, &call->uhw_in_len);
		decode_out(call, UVERBS_ATTR_UHW_OUT, &call->uhw_out, &call->uhw_out_len);
	}
	ret = run_method(call, m);
	if (!ret && m->uhw)
		mark_written(call, UVERBS_ATTR_UHW_OUT);
	return ret;
}

int emu_uverbs_ioctl(int fd, void *arg)
{
	struct emu_call call = {.ctx = NULL};
	struct emu_file *file;
	int ret;

	if (emu_file_foreign())
		return -EIO;
	ret = emu_call_read(&call, (uintptr_t)arg);
	if (ret)
		return ret;
	pthread_mutex_lock(&emu_lock);
	file = emu_file_peek(fd); /* it may have been closed since our caller looked */
	ret = -EBADF;
	if (file && file->kind == EMU_FILE_UVERBS) {
		call.ctx = file->ctx;
		ret = file->dead ? -EIO : dispatch(&call);
	}
	ret = emu_call_finish(&call, ret);
	pthread_mutex_unlock(&emu_lock);
	return ret;
}

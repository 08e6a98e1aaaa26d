/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two kinds of file: answers of asynchronous commands, and events of DevX objects. Both are sockets
 * that keep the borders of messages, of which the program has the reading end.
 */
#include "preload.h"
#include "uverbs_devx.h"

#include <errno.h>
#include <fcntl.h>
#include <rdma/mlx5_user_ioctl_verbs.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define EQE_SIZE   64u	      /* PRM "Event queue entry" */
#define MAX_ANSWER (1u << 20) /* mlx5_ib: MAX_ASYNC_BYTES_IN_USE */
#define MAX_EVENTS 16u	      /* mlx5_ib: MAX_NUM_EVENTS */

/* PRM "Event types" */
enum {
	EVENT_COMP = 0x00,
	EVENT_CQ_ERROR = 0x04,
	EVENT_WQ_CATAS = 0x05,
	EVENT_PORT_CHANGE = 0x09,
	EVENT_WQ_INVAL = 0x10,
	EVENT_WQ_ACCESS = 0x11
};

struct emu_devx_sub {
	LIST_ENTRY(emu_devx_sub) link;	  /* of the object, or of the context */
	LIST_ENTRY(emu_devx_sub) fd_link; /* of the file */
	uint16_t event;
	bool waiting; /* its cookie may be unread */
	uint64_t cookie;
	const struct devx_fd *file;
	int eventfd; /* ours; -1: events go to file */
};

struct devx_fd {
	struct emu_object *obj;
	struct emu_file *file; /* NULL: all of the program's descriptors are closed */
	bool events, omit_data;
	int write_fd; /* ours */
	LIST_HEAD(, emu_devx_sub) subs;
};

static void sub_free(struct emu_devx_sub *sub)
{
	emu_engine_pause();
	LIST_REMOVE(sub, link);
	emu_engine_resume();
	LIST_REMOVE(sub, fd_link);
	emu_file_private_close(sub->eventfd);
	free(sub);
}

/* ---- the files ------------------------------------------------------------------------------ */

static void fd_free(struct devx_fd *f)
{
	emu_file_private_close(f->write_fd);
	free(f);
}

static void fd_destroy(struct emu_object *obj)
{
	struct devx_fd *f = obj->impl;

	while (!LIST_EMPTY(&f->subs))
		sub_free(LIST_FIRST(&f->subs)); /* NOLINT: LIST_REMOVE() took the last one out */
	if (f->file)
		f->file->channel = NULL;
	fd_free(f);
}

/* The program has closed it. */
void emu_devx_fd_release(struct emu_object *obj)
{
	((struct devx_fd *)obj->impl)->file = NULL;
	emu_object_destroy(obj);
}

static int make_ends(int ends[2])
{
	int size = 2 * (int)MAX_ANSWER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

/* The file of the program's end; it holds the object, which holds f, until its last descriptor is
 * closed. Where it fails f is gone. */
static int attach(struct emu_call *call, struct devx_fd *f, int fd)
{
	struct emu_file *file = calloc(1, sizeof(*file));
	int ret = -ENOMEM;

	if (!file)
		goto err_f;
	f->obj = emu_object_new(call->ctx, EMU_TYPE_DEVX_FD, f, fd_destroy);
	if (!f->obj)
		goto err_file;
	*file = (struct emu_file){.kind = EMU_FILE_DEVX, .dev = call->ctx->dev, .ctx = call->ctx};
	file->channel = f->obj;
	ret = emu_file_attach(fd, file);
	if (ret)
		goto err_object;
	f->file = file;
	return 0;

err_object:
	emu_object_destroy(f->obj);
	free(file);
	return ret;
err_file:
	free(file);
err_f:
	fd_free(f);
	return ret;
}

static int fd_alloc(struct emu_call *call, uint16_t id, const struct devx_fd *kind)
{
	struct devx_fd *f = malloc(sizeof(*f));
	int ends[2], ret;

	if (!f)
		return -ENOMEM;
	*f = *kind;
	ret = make_ends(ends);
	if (ret) {
		free(f);
		return ret;
	}
	f->write_fd = emu_file_private(ends[1]);
	ret = attach(call, f, ends[0]);
	if (ret) {
		EMU_REAL(close)(ends[0]);
		return ret;
	}
	emu_attr_put_new(call, id, (uint32_t)ends[0]);
	return 0;
}

int emu_devx_cmd_fd_alloc(struct emu_call *call)
{
	static const struct devx_fd answers;

	return fd_alloc(call, MLX5_IB_ATTR_DEVX_ASYNC_CMD_FD_ALLOC_HANDLE, &answers);
}

int emu_devx_event_fd_alloc(struct emu_call *call)
{
	uint64_t flags = emu_attr_value(call, MLX5_IB_ATTR_DEVX_ASYNC_EVENT_FD_ALLOC_FLAGS);
	struct devx_fd kind = {
		.events = true,
		.omit_data = flags & MLX5_IB_UAPI_DEVX_CR_EV_CH_FLAGS_OMIT_DATA,
	};

	if (flags & ~(uint64_t)MLX5_IB_UAPI_DEVX_CR_EV_CH_FLAGS_OMIT_DATA)
		return -EINVAL;
	return fd_alloc(call, MLX5_IB_ATTR_DEVX_ASYNC_EVENT_FD_ALLOC_HANDLE, &kind);
}

static struct devx_fd *find_fd(const struct emu_call *call, uint16_t id, bool events)
{
	struct emu_file *file = emu_file_peek((int)emu_attr(call, id)->data_s64);
	struct devx_fd *f;

	if (!file || file->kind != EMU_FILE_DEVX || file->ctx != call->ctx || !file->channel)
		return NULL;
	f = file->channel->impl;
	return f->events == events ? f : NULL;
}

/* ---- asynchronous commands: the answer is there at once, behind the caller's number ------------
 */

static int query_into(struct emu_call *call, const struct devx_fd *f, uint8_t *message, size_t len)
{
	struct ib_uverbs_attr *in = emu_attr(call, MLX5_IB_ATTR_DEVX_OBJ_QUERY_ASYNC_CMD_IN);
	uint64_t number = emu_attr_value(call, MLX5_IB_ATTR_DEVX_OBJ_QUERY_ASYNC_WR_ID);
	struct emu_devx_cmd cmd = {
		.ctx = call->ctx,
		.in = emu_attr_bytes(in),
		.in_len = emu_attr_len(in),
		.out = message + sizeof(number),
		.out_len = len - sizeof(number),
		.handle = emu_attr(call, MLX5_IB_ATTR_DEVX_OBJ_QUERY_ASYNC_HANDLE)->data,
	};
	int ret;

	emu_devx_head(&cmd);
	ret = emu_devx_run_on(call, &cmd, EMU_DEVX_QUERY);
	if (ret && ret != -EREMOTEIO) /* what the firmware refuses is told in the answer */
		return ret;
	memcpy(message, &number, sizeof(number));
	return send(f->write_fd, message, len, MSG_DONTWAIT) == (ssize_t)len ? 0 : -EAGAIN;
}

int emu_devx_query_async(struct emu_call *call)
{
	uint64_t out = emu_attr_value(call, MLX5_IB_ATTR_DEVX_OBJ_QUERY_ASYNC_OUT_LEN);
	struct devx_fd *f = find_fd(call, MLX5_IB_ATTR_DEVX_OBJ_QUERY_ASYNC_FD, false);
	size_t len = out + sizeof(uint64_t);
	uint8_t *message;
	int ret;

	if (!f)
		return -EBADF;
	if (out < 16 || out > UINT16_MAX)
		return -EINVAL;
	message = calloc(1, len);
	if (!message)
		return -ENOMEM;
	ret = query_into(call, f, message, len);
	free(message);
	return ret;
}

/* ---- subscriptions -------------------------------------------------------------------------- */

static void free_all(struct emu_devx_subs *subs)
{
	while (!LIST_EMPTY(subs))
		sub_free(LIST_FIRST(subs)); /* NOLINT: LIST_REMOVE() took the last one out */
}

void emu_devx_unsubscribe(struct emu_devx_obj *o)
{
	free_all(&o->subs);
}

/* mlx5_ib: is_valid_events_legacy(); of the objects' events those that this card has */
static bool event_ok(uint16_t event, bool of_object)
{
	if (!of_object)
		return event == EVENT_PORT_CHANGE;
	return event == EVENT_COMP || event == EVENT_CQ_ERROR || event == EVENT_WQ_CATAS ||
	       event == EVENT_WQ_INVAL || event == EVENT_WQ_ACCESS;
}

static struct emu_devx_sub *sub_new(const struct emu_call *call, struct devx_fd *f, uint16_t event)
{
	struct ib_uverbs_attr *redirect = emu_attr(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_NUM);
	struct emu_devx_sub *sub = calloc(1, sizeof(*sub));
	int fd = (int)emu_attr_value(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_NUM);

	if (!sub)
		return NULL;
	sub->event = event;
	sub->cookie = emu_attr_value(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_COOKIE);
	sub->file = f;
	sub->eventfd = redirect ? EMU_REAL(fcntl)(fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (redirect && sub->eventfd < 0) {
		free(sub);
		return NULL;
	}
	if (redirect)
		sub->eventfd = emu_file_private(sub->eventfd);
	return sub;
}

static int subscribe(const struct emu_call *call, struct devx_fd *f, struct emu_devx_obj *o)
{
	struct ib_uverbs_attr *list =
		emu_attr(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_TYPE_NUM_LIST);
	struct emu_devx_subs *subs = o ? &o->subs : &call->ctx->port_subs;
	unsigned n = list->len / 2u;
	uint16_t events[MAX_EVENTS];

	if (list->len % 2 || n > MAX_EVENTS)
		return -EINVAL;
	memcpy(events, emu_attr_bytes(list), list->len);
	for (unsigned i = 0; i < n; i++) {
		if (!event_ok(events[i], o))
			return -EINVAL;
	}
	for (unsigned i = 0; i < n; i++) {
		struct emu_devx_sub *sub = sub_new(call, f, events[i]);

		if (!sub)
			return -EBADF;
		LIST_INSERT_HEAD(&f->subs, sub, fd_link);
		emu_engine_pause();
		LIST_INSERT_HEAD(subs, sub, link);
		emu_engine_resume();
	}
	return 0;
}

int emu_devx_subscribe(struct emu_call *call)
{
	uint16_t handle = MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_OBJ_HANDLE;
	struct devx_fd *f = find_fd(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_HANDLE, true);
	struct emu_object *obj = NULL;
	int ret;

	if (!call->ctx->devx)
		return -EINVAL;
	if (!f)
		return -EBADF;
	if (emu_attr(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_FD_NUM) &&
	    emu_attr(call, MLX5_IB_ATTR_DEVX_SUBSCRIBE_EVENT_COOKIE))
		return -EINVAL;
	if (emu_attr(call, handle)) {
		ret = emu_attr_object(call, handle, EMU_TYPE_DEVX_OBJ, &obj);
		if (ret)
			return ret;
	}
	return subscribe(call, f, obj ? obj->impl : NULL);
}

/* ---- events: from the engine's thread, no lock, never blocks ----------------------------------
 */

/* PRM "Event queue entry": type at 1, sub-type at 3, data at 32, owner last */
static void fill_eqe(uint8_t eqe[EQE_SIZE], uint16_t event, uint32_t number)
{
	/* eqe->data: comp.cqn and qp_srq.qp_srq_n at 24, cq_err.cqn at 0 */
	uint8_t *at = eqe + 32 + (event == EVENT_CQ_ERROR ? 0 : 24);

	memset(eqe, 0, EQE_SIZE);
	eqe[1] = (uint8_t)event;
	at[1] = (uint8_t)(number >> 16);
	at[2] = (uint8_t)(number >> 8);
	at[3] = (uint8_t)number;
}

/* Without data a subscription waits in the file once, however often its event comes. */
static bool already_waiting(struct emu_devx_sub *sub)
{
	int unread = 0;

	if (sub->waiting && !ioctl(sub->file->write_fd, SIOCOUTQ, &unread) && unread)
		return true;
	sub->waiting = true;
	return false;
}

static void deliver(struct emu_devx_sub *sub, uint32_t number)
{
	uint8_t message[sizeof(sub->cookie) + EQE_SIZE];
	size_t len = sizeof(sub->cookie);
	uint64_t one = 1;

	if (sub->eventfd >= 0) {
		if (EMU_REAL(write)(sub->eventfd, &one, sizeof(one)) < 0)
			return; /* full: it is readable anyway */
		return;
	}
	if (sub->file->omit_data && already_waiting(sub))
		return;
	memcpy(message, &sub->cookie, len);
	if (!sub->file->omit_data) {
		fill_eqe(message + len, sub->event, number);
		len += EQE_SIZE;
	}
	send(sub->file->write_fd, message, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void dispatch(const struct emu_devx_subs *subs, uint16_t event, uint32_t number)
{
	struct emu_devx_sub *sub;

	LIST_FOREACH (sub, subs, link) {
		if (sub->event == event)
			deliver(sub, number);
	}
}

void emu_devx_event(const struct emu_devx_obj *o, enum emu_async type)
{
	dispatch(&o->subs, type == EMU_ASYNC_CQ_ERR ? EVENT_CQ_ERROR : EVENT_WQ_CATAS, o->id);
}

void emu_devx_comp_event(const struct emu_devx_obj *o)
{
	dispatch(&o->subs, EVENT_COMP, o->id);
}

void emu_devx_port_event(const struct emu_ctx *ctx)
{
	dispatch(&ctx->port_subs, EVENT_PORT_CHANGE, 1);
}

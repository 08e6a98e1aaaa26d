/* SPDX-License-Identifier: Apache-2.0 */
#include "uverbs_event.h"
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <rdma/ib_user_verbs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- from the engine's thread: no lock, never blocks ---------------------------------------- */

/*
 * A write of one event to a pipe is whole or not at all. A full pipe (thousands of events that
 * nobody reads) loses the event; the channel stays readable, so nobody sleeps on it.
 */
static bool send_event(int fd, const void *event, size_t size)
{
	return fd >= 0 && EMU_REAL(write)(fd, event, size) == (ssize_t)size;
}

void emu_comp_event(struct emu_cq *cq)
{
	struct ib_uverbs_comp_event_desc event = { .cq_handle = cq->user_handle };

	if (cq->devx) {
		emu_devx_comp_event(cq->devx);
		return;
	}
	if (send_event(cq->comp_fd, &event, sizeof(event)))
		cq->comp_events_reported++;
}

/* Whoever calls counts it at the object: async_events_reported. */
void emu_async_event(struct emu_ctx *ctx, enum emu_async type, uint64_t element)
{
	struct ib_uverbs_async_event_desc event = { .element = element, .event_type = type };

	send_event(ctx->async_fd, &event, sizeof(event));
	if (type == EMU_ASYNC_PORT_ACTIVE || type == EMU_ASYNC_PORT_ERR)
		emu_devx_port_event(ctx);
}

/* ---- pipes ---------------------------------------------------------------------------------- */

/*
 * ends[0] for the program, *write_fd and *read_fd ours. Our read end is a file of its own on the
 * same pipe, not a copy of the descriptor: it must not block, and the program's may.
 */
static int make_pipe(int *program_fd, int *write_fd, int *read_fd)
{
	int ends[2], copy;
	char link[32];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", ends[0]);
	copy = EMU_REAL(open)(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (copy < 0) {
		int err = errno;

		EMU_REAL(close)(ends[0]);
		EMU_REAL(close)(ends[1]);
		return -err;
	}
	*program_fd = ends[0];
	*write_fd = emu_file_private(ends[1]);
	*read_fd = emu_file_private(copy);
	EMU_REAL(fcntl)(*write_fd, F_SETFL, O_NONBLOCK);
	return 0;
}

static struct emu_file *attach_file(int fd, enum emu_file_kind kind, struct emu_ctx *ctx)
{
	struct emu_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	*file = (struct emu_file){ .kind = kind, .dev = ctx->dev, .ctx = ctx };
	if (emu_file_attach(fd, file)) {
		free(file);
		return NULL;
	}
	return file;
}

/*
 * Reads what is waiting, counts the wanted ones and writes the others back. Program and we may read
 * at the same time: each event goes to one of us.
 */
#define MAX_TAKEN 4096

static uint32_t take_back(int read_fd, int write_fd, size_t size, uint64_t wanted)
{
	uint8_t *events;
	uint32_t found = 0;
	int n = 0;

	if (read_fd < 0)
		return 0;
	events = malloc(MAX_TAKEN * size);
	if (!events)
		return 0;
	while (n < MAX_TAKEN && read(read_fd, events + (size_t)n * size, size) == (ssize_t)size) {
		uint64_t element;

		memcpy(&element, events + (size_t)n * size, sizeof(element)); /* first in both */
		if (element == wanted)
			found++;
		else
			n++;
	}
	for (int i = 0; i < n; i++)
		send_event(write_fd, events + (size_t)i * size, size);
	free(events);
	return found;
}

uint32_t emu_comp_take_back(struct emu_object *channel, uint64_t user_handle)
{
	struct emu_channel *ch = channel ? channel->impl : NULL;

	if (!ch)
		return 0;
	return take_back(ch->read_fd, ch->write_fd, sizeof(struct ib_uverbs_comp_event_desc),
			 user_handle);
}

uint32_t emu_async_take_back(struct emu_ctx *ctx, uint64_t element)
{
	return take_back(ctx->async_read_fd, ctx->async_fd,
			 sizeof(struct ib_uverbs_async_event_desc), element);
}

/* ---- ioctls --------------------------------------------------------------------------------- */

int emu_async_alloc(struct emu_call *call)
{
	struct emu_ctx *ctx = call->ctx;
	int fd = -1, ret;

	if (ctx->async_fd >= 0)
		return -EINVAL;
	ret = make_pipe(&fd, &ctx->async_fd, &ctx->async_read_fd);
	if (ret)
		return ret;
	if (!attach_file(fd, EMU_FILE_ASYNC, ctx)) {
		EMU_REAL(close)(fd);
		emu_file_private_close(ctx->async_fd);
		emu_file_private_close(ctx->async_read_fd);
		ctx->async_fd = ctx->async_read_fd = -1;
		return -ENOMEM;
	}
	emu_attr_put_new(call, UVERBS_ATTR_ASYNC_EVENT_ALLOC_FD_HANDLE, (uint32_t)fd);
	return 0;
}

static void channel_destroy(struct emu_object *obj)
{
	struct emu_channel *ch = obj->impl;

	if (ch->file)
		ch->file->channel = NULL;
	emu_file_private_close(ch->write_fd);
	emu_file_private_close(ch->read_fd);
	free(ch);
}

/* The program has closed it: it goes with its last CQ. */
void emu_channel_release(struct emu_object *channel)
{
	struct emu_channel *ch = channel->impl;

	ch->file = NULL;
	emu_object_destroy(channel);
}

void emu_channel_put(struct emu_object *channel)
{
	struct emu_channel *ch = channel ? channel->impl : NULL;

	emu_object_put(channel);
	if (ch && !ch->file)
		emu_object_destroy(channel);
}

int emu_channel_create(struct emu_call *call)
{
	struct ib_uverbs_create_comp_channel_resp resp = { 0 };
	struct emu_channel *ch;
	int fd = -1, ret = -ENOMEM;

	if (!call->ctx->allocated)
		return -EINVAL;
	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return ret;
	ret = make_pipe(&fd, &ch->write_fd, &ch->read_fd);
	if (ret)
		goto err_free;
	ret = -ENOMEM;
	ch->obj = emu_object_new(call->ctx, EMU_TYPE_CHANNEL, ch, channel_destroy);
	if (!ch->obj)
		goto err_pipe;
	ch->file = attach_file(fd, EMU_FILE_CHANNEL, call->ctx);
	if (!ch->file)
		goto err_object;
	ch->file->channel = ch->obj;
	resp.fd = (uint32_t)fd;
	emu_write_out(call, &resp, sizeof(resp));
	return 0;

err_object:
	EMU_REAL(close)(fd);
	emu_object_destroy(ch->obj);
	return ret;
err_pipe:
	EMU_REAL(close)(fd);
	emu_file_private_close(ch->write_fd);
	emu_file_private_close(ch->read_fd);
err_free:
	free(ch);
	return ret;
}

int emu_channel_find(const struct emu_ctx *ctx, int fd, struct emu_object **obj)
{
	struct emu_file *file = emu_file_peek(fd);

	if (!file || file->kind != EMU_FILE_CHANNEL || file->ctx != ctx || !file->channel)
		return -EBADF;
	*obj = file->channel;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Completion channels and the asynchronous event channel: pipes whose read ends programs have. */
#ifndef EMU_UVERBS_EVENT_H
#define EMU_UVERBS_EVENT_H

#include "uverbs.h"

struct emu_file;

struct emu_channel {
	struct emu_object *obj;
	struct emu_file *file; /* NULL: all of the program's descriptors are closed */
	int write_fd, read_fd; /* ours; the second to take back events of a dead CQ */
};

int emu_async_alloc(struct emu_call *call);
int emu_channel_create(struct emu_call *call);
/* The channel behind a descriptor; -EBADF where it is none of this context. */
int emu_channel_find(const struct emu_ctx *ctx, int fd, struct emu_object **obj);
/* A CQ leaves the channel. */
void emu_channel_put(struct emu_object *channel);

/*
 * Events of an object that dies and that the program has not read, removed: their number. A program
 * that has read n events must be told n, no more and no less, or its destroy call waits for ever.
 */
uint32_t emu_comp_take_back(struct emu_object *channel, uint64_t user_handle);
uint32_t emu_async_take_back(struct emu_ctx *ctx, uint64_t element);

#endif

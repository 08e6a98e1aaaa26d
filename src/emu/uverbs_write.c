/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write() on the uverbs file: the commands of programs that speak to the kernel without libibverbs,
 * or with an old one. The rules are ib_uverbs_write()'s, in uverbs_main.c of Linux.
 */
#include "preload.h"
#include "script.h"
#include "uverbs_copy.h"

#include <errno.h>
#include <rdma/ib_user_verbs.h>
#include <stdlib.h>
#include <string.h>

/* What in_words and out_words count, in plain and in extended commands. */
#define WORD	sizeof(uint32_t)
#define EX_WORD sizeof(uint64_t)

struct command {
	uint64_t user; /* where the program has it */
	size_t count;  /* what write() was told */
	struct ib_uverbs_cmd_hdr hdr;
	struct ib_uverbs_ex_cmd_hdr ex;
	const struct emu_write *w;
	size_t head; /* of both headers */
	uint8_t *in, *out;
	size_t in_len; /* all that is behind them */
	uint64_t response;
	size_t out_len;
};

/* ---- verify_hdr() --------------------------------------------------------------------------- */

static int verify_response(const struct command *c)
{
	if (!c->ex.response)
		return c->hdr.out_words || c->ex.provider_out_words ? -EINVAL : 0;
	if (!c->hdr.out_words && !c->ex.provider_out_words)
		return -EINVAL;
	return c->hdr.out_words * EX_WORD < c->w->min_out ? -ENOSPC : 0;
}

static int verify_extended(const struct command *c)
{
	if ((c->hdr.in_words + c->ex.provider_in_words) * EX_WORD != c->count - c->head)
		return -EINVAL;
	if (c->hdr.in_words * EX_WORD < c->w->min_in)
		return -ENOSPC;
	return c->ex.cmd_hdr_reserved ? -EINVAL : verify_response(c);
}

/* rdma-core 18 and 19 say 16 bytes where the command has 24: all 24 are read then. */
static bool is_short_destroy(const struct command *c)
{
	return c->hdr.command == IB_USER_VERBS_CMD_DESTROY_CQ && c->count == 16;
}

static int verify_plain(struct command *c)
{
	if (c->hdr.in_words * WORD != c->count)
		return -EINVAL;
	if (!c->w)
		return -EOPNOTSUPP;
	if (is_short_destroy(c)) {
		c->hdr.in_words = 6;
		return 0;
	}
	if (c->count < c->w->min_in + c->head)
		return -ENOSPC;
	return c->hdr.out_words * WORD < c->w->min_out ? -ENOSPC : 0;
}

/* The headers, whole and right. */
static int read_head(struct command *c)
{
	bool extended;
	int ret;

	c->head = sizeof(c->hdr);
	if (c->count < c->head)
		return -EINVAL;
	ret = emu_user_read(&c->hdr, c->user, sizeof(c->hdr));
	if (!ret)
		ret = emu_write_find(c->hdr.command, &c->w);
	if (ret)
		return ret;
	/* what the driver lacks is a plain command without a request to the kernel, whatever it is
	 */
	extended = c->w && c->w->extended;
	if (!extended)
		return verify_plain(c);
	if (c->count < c->head + sizeof(c->ex))
		return -EINVAL;
	ret = emu_user_read(&c->ex, c->user + c->head, sizeof(c->ex));
	c->head += sizeof(c->ex);
	return ret ? ret : verify_extended(c);
}

/* ---- buffers -------------------------------------------------------------------------------- */

static void find_lengths(struct command *c)
{
	if (c->w->extended) {
		c->in_len = (c->hdr.in_words + c->ex.provider_in_words) * EX_WORD;
		c->out_len = (c->hdr.out_words + c->ex.provider_out_words) * EX_WORD;
	} else {
		c->in_len = c->hdr.in_words * WORD - c->head;
		c->out_len = c->w->min_out ? c->hdr.out_words * WORD : 0;
	}
}

/* Whoever cannot be answered is told before anything is done. */
static int read_body(struct command *c)
{
	int ret;

	find_lengths(c);
	c->in = malloc(c->in_len + 1);
	c->out = malloc(c->out_len + 1);
	if (!c->in || !c->out)
		return -ENOMEM;
	ret = emu_user_read(c->in, c->user + c->head, c->in_len);
	if (ret)
		return ret;
	/* a plain command with an answer begins with its address */
	c->response = c->ex.response;
	if (!c->w->extended && c->out_len)
		memcpy(&c->response, c->in, sizeof(c->response));
	ret = emu_user_read(c->out, c->response, c->out_len);
	return ret ? ret : emu_user_write(c->response, c->out, c->out_len);
}

/* Where the core's part ends the provider's begins. */
static void set_parts(const struct command *c, struct emu_call *call)
{
	size_t in = c->in_len, out = c->out_len;

	if (c->w->extended) {
		in = c->hdr.in_words * EX_WORD;
		out = c->hdr.out_words * EX_WORD;
	} else if (c->w->uhw) {
		in = c->w->min_in;
		out = c->w->min_out;
	}
	call->in = c->in;
	call->in_len = in;
	call->uhw_in_len = c->in_len - in;
	call->uhw_in = call->uhw_in_len ? c->in + in : NULL;
	call->out = out ? c->out : NULL;
	call->out_len = out;
	call->uhw_out_len = c->out_len - out;
	call->uhw_out = call->uhw_out_len ? c->out + out : NULL;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int run(struct command *c, struct emu_ctx *ctx)
{
	struct ib_uverbs_ioctl_hdr none = {0};
	struct emu_call call = {.ctx = ctx, .hdr = &none};
	int ret = read_head(c);

	if (!ret)
		ret = read_body(c);
	if (ret)
		return ret;
	set_parts(c, &call);
	ret = emu_write_run(&call, c->w);
	return ret ? ret : emu_user_write(c->response, c->out, c->out_len);
}

static int run_on(const struct emu_file *file, struct command *c)
{
	int ret;

	if (file->dead || __atomic_load_n(&file->ctx->dev->fatal, __ATOMIC_ACQUIRE))
		return -EIO;
	emu_script_load();
	ret = run(c, file->ctx);
	free(c->in);
	free(c->out);
	return ret;
}

ssize_t emu_uverbs_write(int fd, const void *buf, size_t n)
{
	struct command c = {.user = (uintptr_t)buf, .count = n};
	struct emu_file *file;
	int ret = -EBADF;

	if (emu_file_foreign())
		return -EIO;
	pthread_mutex_lock(&emu_lock);
	file = emu_file_peek(fd); /* it may have been closed since our caller looked */
	if (file && file->kind == EMU_FILE_UVERBS)
		ret = run_on(file, &c);
	pthread_mutex_unlock(&emu_lock);
	return ret ? ret : (ssize_t)n;
}

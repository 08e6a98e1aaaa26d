/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire's code expects a kernel side around it. In daqiri-emu itself there is none: descriptors
 * are the command's own, nothing is interposed, and no object exists to send an event to.
 */
#include "preload.h"

#include <dlfcn.h>
#include <unistd.h>

void *emu_real(void **slot, const char *name)
{
	if (!*slot)
		*slot = dlsym(RTLD_DEFAULT, name);
	return *slot;
}

int emu_file_private(int fd)
{
	return fd;
}

void emu_file_private_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

void emu_comp_event(struct emu_cq *cq)
{
	(void)cq;
}

bool emu_link_event(struct emu_dev *dev, bool up)
{
	(void)dev;
	(void)up;
	return true;
}

void emu_async_event(struct emu_ctx *ctx, enum emu_async type, uint64_t element)
{
	(void)ctx;
	(void)type;
	(void)element;
}

void emu_devx_event(const struct emu_devx_obj *o, enum emu_async type)
{
	(void)o;
	(void)type;
}

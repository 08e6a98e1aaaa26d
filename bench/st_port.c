/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of --selftest, opened as a plain verbs program does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "st.h"

#define ALIGN 65536u /* a page, wherever */

static const struct {
	uint32_t id; /* PCI device id: vendor_part_id */
	const char *name;
} models[] = {
	{0x1013, "ConnectX-4"},	   {0x1015, "ConnectX-4 Lx"}, {0x1017, "ConnectX-5"},
	{0x1018, "ConnectX-5 VF"}, {0x1019, "ConnectX-5 Ex"}, {0x101b, "ConnectX-6"},
	{0x101d, "ConnectX-6 Dx"}, {0x101e, "ConnectX VF"},   {0x101f, "ConnectX-6 Lx"},
	{0x1021, "ConnectX-7"},	   {0x1023, "ConnectX-8"},    {0xa2d2, "BlueField"},
	{0xa2d6, "BlueField-2"},   {0xa2dc, "BlueField-3"},
};

const char *st_model(const struct st_port *p)
{
	for (unsigned i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		if (models[i].id == p->attr.orig_attr.vendor_part_id)
			return models[i].name;
	return "unknown";
}

static struct ibv_context *open_device(const char *name)
{
	struct mlx5dv_context_attr attr = {0};
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *ctx = NULL;

	for (unsigned i = 0; list && list[i]; i++)
		if (!strcmp(ibv_get_device_name(list[i]), name))
			ctx = mlx5dv_open_device(list[i], &attr);
	if (list)
		ibv_free_device_list(list);
	return ctx;
}

/* The undo list is for checks: ports outlive them. */
int st_port_open(struct st *st, struct st_port *p)
{
	size_t size = (size_t)ST_SLOTS * ST_SLOT;

	errno = 0;
	p->ctx = open_device(p->info.rdma);
	st_need(st, p->ctx, "the device cannot be opened: %s", strerror(errno));
	if (!p->ctx)
		return -1;
	p->dv.comp_mask = MLX5DV_CONTEXT_MASK_CQE_COMPRESION | MLX5DV_CONTEXT_MASK_STRIDING_RQ |
			  MLX5DV_CONTEXT_MASK_TUNNEL_OFFLOADS;
	st_need(st, !ibv_query_device_ex(p->ctx, NULL, &p->attr), "ibv_query_device_ex: %s",
		strerror(errno));
	st_need(st, !mlx5dv_query_device(p->ctx, &p->dv), "mlx5dv_query_device: %s",
		strerror(errno));
	p->pd = ibv_alloc_pd(p->ctx);
	st_need(st, p->pd, "protection domain: %s", strerror(errno));
	p->mem = aligned_alloc(ALIGN, (size + ALIGN - 1) / ALIGN * ALIGN);
	st_need(st, p->mem, "out of memory");
	if (!st_good(st))
		return -1;
	memset(p->mem, 0, size);
	p->mr = ibv_reg_mr(p->pd, p->mem, size, IBV_ACCESS_LOCAL_WRITE);
	st_need(st, p->mr, "registering %zu bytes: %s", size, strerror(errno));
	return p->mr ? 0 : -1;
}

void st_port_close(struct st_port *p)
{
	if (p->mr)
		ibv_dereg_mr(p->mr);
	if (p->pd)
		ibv_dealloc_pd(p->pd);
	if (p->ctx)
		ibv_close_device(p->ctx);
	free(p->mem);
	p->mr = NULL;
	p->pd = NULL;
	p->ctx = NULL;
	p->mem = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of --selftest, opened as a plain verbs program does. */
#include <endian.h>
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
	struct mlx5dv_context_attr attr = {.flags = MLX5DV_CONTEXT_FLAGS_DEVX}, plain = {0};
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *ctx = NULL;

	for (unsigned i = 0; list && list[i]; i++)
		if (!strcmp(ibv_get_device_name(list[i]), name)) {
			ctx = mlx5dv_open_device(list[i], &attr);
			if (!ctx)
				ctx = mlx5dv_open_device(list[i], &plain);
		}
	if (list)
		ibv_free_device_list(list);
	return ctx;
}

/* PRM: QUERY_HCA_CAP, its output 16 bytes and the page of capabilities */
#define QUERY_HCA_CAP 0x100u
#define PAGE_GENERAL  (0u << 1 | 1) /* which << 1 | current */
#define PAGE_ETHERNET (1u << 1 | 1)
#define OUT_SIZE      (16u + 4096u)
#define WAIT_ON_TIME  0x68cu /* bit of cmd_hca_cap */
#define VLAN_INSERT   0x07u  /* bit of per_protocol_networking_offload_caps: wqe_vlan_insert */

static bool query_page(struct ibv_context *ctx, uint32_t page, uint8_t out[OUT_SIZE])
{
	const uint32_t in[4] = {htobe32(QUERY_HCA_CAP << 16), htobe32(page)};

	memset(out, 0, OUT_SIZE);
	return !mlx5dv_devx_general_cmd(ctx, in, sizeof(in), out, OUT_SIZE) && !out[0];
}

static bool bit(const uint8_t out[OUT_SIZE], unsigned i)
{
	return out[16 + i / 8] >> (7 - i % 8) & 1;
}

static void ask_firmware(struct st_port *p)
{
	uint8_t out[OUT_SIZE];

	if (!query_page(p->ctx, PAGE_GENERAL, out))
		return;
	p->firmware.wait_on_time = bit(out, WAIT_ON_TIME);
	if (!query_page(p->ctx, PAGE_ETHERNET, out))
		return;
	p->firmware.vlan_insert = bit(out, VLAN_INSERT);
	p->firmware.known = true;
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
			  MLX5DV_CONTEXT_MASK_TUNNEL_OFFLOADS | MLX5DV_CONTEXT_MASK_SWP;
	st_need(st, !ibv_query_device_ex(p->ctx, NULL, &p->attr), "ibv_query_device_ex: %s",
		strerror(errno));
	st_need(st, !mlx5dv_query_device(p->ctx, &p->dv), "mlx5dv_query_device: %s",
		strerror(errno));
	ask_firmware(p);
	p->pd = ibv_alloc_pd(p->ctx);
	st_need(st, p->pd, "protection domain: %s", strerror(errno));
	/* behind what is registered lies some more: to be read only by a device that errs */
	p->mem = aligned_alloc(ALIGN, (size + ALIGN - 1) / ALIGN * ALIGN + ALIGN);
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

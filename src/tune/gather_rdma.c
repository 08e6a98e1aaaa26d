/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <infiniband/mlx5dv.h>
#include <infiniband/verbs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"

/* PRM: QUERY_HCA_CAP of general device capabilities, current values; general_obj_types in them. */
enum {
	CMD_QUERY_HCA_CAP = 0x100,
	OPMOD_GENERAL_CURRENT = 1,
	CAP_AT = 16,		       /* cmd_hca_cap in the answer */
	GENERAL_OBJ_TYPES = 0x400 / 8, /* 64 bits in it */
	OBJ_FLEX_PARSE_GRAPH = 0x22
};

static void ask_flex(json_t *o, struct ibv_context *ctx)
{
	uint8_t in[16] = {CMD_QUERY_HCA_CAP >> 8, 0, 0, 0, 0, 0, 0, OPMOD_GENERAL_CURRENT};
	uint8_t out[CAP_AT + 4096] = {0};
	unsigned byte = CAP_AT + GENERAL_OBJ_TYPES + 7 - OBJ_FLEX_PARSE_GRAPH / 8;

	if (mlx5dv_devx_general_cmd(ctx, in, sizeof(in), out, sizeof(out)))
		return;
	json_object_set_new(o, "flex_parse_graph",
			    json_boolean(out[byte] >> OBJ_FLEX_PARSE_GRAPH % 8 & 1));
}

static void ask_clock(json_t *o, struct ibv_context *ctx)
{
#if HAVE_DECL_MLX5DV_CONTEXT_FLAGS_REAL_TIME_TS
	struct mlx5dv_context dv = {0};

	if (!mlx5dv_query_device(ctx, &dv))
		json_object_set_new(o, "real_time",
				    json_boolean(dv.flags & MLX5DV_CONTEXT_FLAGS_REAL_TIME_TS));
#else
	(void)o;
	(void)ctx;
#endif
}

static json_t *ask(struct ibv_device *dev)
{
	bool mlx5 = mlx5dv_is_supported(dev);
	struct ibv_context *ctx = mlx5 ? ibv_open_device(dev) : NULL;
	json_t *o = json_object();

	json_object_set_new(o, "mlx5", json_boolean(mlx5));
	if (!ctx)
		return o;
	ask_clock(o, ctx);
	ask_flex(o, ctx);
	ibv_close_device(ctx);
	return o;
}

json_t *tune_gather_rdma(void)
{
	struct ibv_device **list;
	json_t *o = json_object();
	int n = 0;

	list = ibv_get_device_list(&n);
	for (int i = 0; list && i < n; i++)
		json_object_set_new(o, ibv_get_device_name(list[i]), ask(list[i]));
	if (list)
		ibv_free_device_list(list);
	return o;
}

/* libibverbs exports what its providers use under the version IBVERBS_PRIVATE_N. */
static int private_abi(const char *path)
{
	static const char mark[] = "IBVERBS_PRIVATE_";
	enum { MOST = 4 << 20 };
	char *buf = malloc(MOST + 1), *p;
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = -1;
	ssize_t n = fd < 0 || !buf ? -1 : read(fd, buf, MOST);

	if (n > 0) {
		buf[n] = 0;
		p = memmem(buf, (size_t)n, mark, sizeof(mark) - 1);
		ret = p ? atoi(p + sizeof(mark) - 1) : -1;
	}
	if (fd >= 0)
		close(fd);
	free(buf);
	return ret;
}

/* The best of the providers that lie beside the library: its own version, else any. */
static int provider_abi(const struct tune_root *root, const char *dir, int wanted)
{
	struct tune_names names;
	int found = -1, abi;

	tune_list(root, &names, "%s/libibverbs", dir);
	for (unsigned i = 0; i < names.n; i++)
		if (sscanf(names.name[i], "libmlx5-rdmav%d.so", &abi) == 1 && found != wanted)
			found = abi;
	tune_names_free(&names);
	return found;
}

/*
 * Why libibverbs could not load it; NULL: it could. It stays loaded: it has told libibverbs its
 * functions by now. Programs like this one, which are linked with libmlx5, have it anyhow.
 */
static const char *load_error(const char *dir, int abi)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/libibverbs/libmlx5-rdmav%d.so", dir, abi);
	return dlopen(path, RTLD_NOW) ? NULL : dlerror();
}

json_t *tune_gather_rdma_core(void)
{
	const char *error;
	struct tune_root root;
	json_t *o = json_object();
	char dir[256], *slash;
	Dl_info info;
	int abi, provider;

	if (!dladdr((void *)(uintptr_t)ibv_get_device_list, &info) || !info.dli_fname ||
	    tune_root_open(&root, NULL))
		return o;
	tune_put(dir, sizeof(dir), info.dli_fname);
	slash = strrchr(dir, '/');
	if (slash)
		*slash = 0;
	abi = private_abi(info.dli_fname);
	provider = provider_abi(&root, dir, abi);
	error = abi > 0 && provider == abi ? load_error(dir, abi) : NULL;
	if (error)
		json_object_set_new(o, "mlx5_error", json_string(error));
	if (abi > 0)
		json_object_set_new(o, "private_abi", json_integer(abi));
	if (provider > 0)
		json_object_set_new(o, "mlx5_abi", json_integer(provider));
	json_object_set_new(o, "vmw_pvrdma",
			    json_boolean(tune_exists(&root, "etc/libibverbs.d/vmw_pvrdma.driver")));
	tune_root_close(&root);
	return o;
}

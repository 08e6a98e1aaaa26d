/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program can be given that no ConnectX is behind, told in words of its own. The rest of
 * what a machine can lack is in cli/environment.test. Which devices are mlx5 ones is decided here
 * (--wrap).
 */
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include <infiniband/mlx5dv.h>

#include <daqiri_verbs.h>

#include "dq_kit.h"

static bool no_mlx5; /* every device is of another maker */

bool __real_mlx5dv_is_supported(struct ibv_device *device);
bool __wrap_mlx5dv_is_supported(struct ibv_device *device);

bool __wrap_mlx5dv_is_supported(struct ibv_device *device)
{
	return !no_mlx5 && __real_mlx5dv_is_supported(device);
}

Test(environment, devices_of_other_makers_are_named)
{
	no_mlx5 = true;
	cr_assert_eq(kit_try_text("[port a]\naddress = mlx5_0\n"), -ENODEV);
	assert_detail("test:1: [port a] address=mlx5_0: no RDMA device here is an mlx5 one");
	assert_detail("there is: mlx5_");
	no_mlx5 = false;
	daqiri_close(kit_open_text("[port a]\naddress = " MAC_A "\n"));
}

/* The lowest descriptor that is free: with a limit of that plus n there are n more. */
static rlim_t next_descriptor(void)
{
	int fd = dup(0);

	cr_assert_geq(fd, 0);
	close(fd);
	return (rlim_t)fd;
}

Test(environment, devices_that_are_not_seen_for_want_of_descriptors_are_not_said_to_be_absent)
{
	struct daqiri *dq = NULL;
	struct daqiri_config *cfg;
	struct rlimit limit;
	int ret = -EMFILE, n_failed = 0;

	cr_assert_eq(daqiri_config_create(&cfg), 0);
	cr_assert_eq(daqiri_config_set(cfg, "port a", "address", MAC_A), 0);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (rlim_t n = 0; ret && n < 40; n++) {
		struct rlimit few = {.rlim_cur = next_descriptor() + n, .rlim_max = limit.rlim_max};

		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
		ret = daqiri_open_config(&dq, cfg);
		cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		cr_assert(ret == 0 || ret == -EMFILE, "with %d more: %d: %s", (int)n, ret,
			  daqiri_error_detail());
		n_failed += ret != 0;
	}
	cr_assert_eq(ret, 0, "%d: %s", ret, daqiri_error_detail());
	cr_assert_geq(n_failed, 3);
	daqiri_close(dq);
	daqiri_config_destroy(cfg);
}

/* A device whose provider is not libmlx5. Its size is above that of libibverbs' own structure. */
struct strange {
	_Alignas(64) union {
		struct ibv_device device;
		char room[4096];
	};
	struct ibv_context ctx;
	struct ibv_pd pd;
};

static int attach(struct ibv_context *ctx, struct ibv_pd *pd, unsigned port_num)
{
	struct daqiri_attach_port port = {
		.size = sizeof(port), .name = "a", .context = ctx, .pd = pd, .port_num = port_num};
	struct daqiri *dq = (struct daqiri *)8;
	struct daqiri_config *cfg;
	int ret;

	cr_assert_eq(daqiri_config_create(&cfg), 0);
	cr_assert_eq(daqiri_config_set(cfg, "port a", "address", "attached"), 0);
	ret = daqiri_attach(&dq, cfg, &port, 1);
	cr_assert_eq(dq, (struct daqiri *)8, "an output was written on failure");
	daqiri_config_destroy(cfg);
	return ret;
}

Test(environment, a_context_that_is_not_mlx5s_is_refused)
{
	static struct strange strange = {.device = {.name = "rxe0"}};

	strange.ctx.device = &strange.device;
	strange.pd.context = &strange.ctx;
	cr_assert_eq(attach(&strange.ctx, &strange.pd, 1), -EINVAL);
	assert_detail("port a: rxe0 is no mlx5 device");
}

Test(environment, a_port_number_that_the_device_lacks_is_refused)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *ctx = ibv_open_device(list[0]);
	struct ibv_pd *pd = ibv_alloc_pd(ctx);

	ibv_free_device_list(list);
	cr_assert_not_null(pd);
	cr_assert_eq(attach(ctx, pd, 0), -EINVAL);
	assert_detail("port a: port numbers begin at 1");
	cr_assert_eq(attach(ctx, pd, 2), -EINVAL);
	assert_detail("port 2");
	cr_assert_eq(ibv_dealloc_pd(pd), 0);
	cr_assert_eq(ibv_close_device(ctx), 0);
}

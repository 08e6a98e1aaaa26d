/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that a kernel refuses: what is said of each errno, and that nothing of the flow is left.
 * The refusals are put between the library and libmlx5 by the linker (--wrap).
 */
#include <errno.h>
#include <stdlib.h>

#include <infiniband/mlx5dv.h>

#include "dq_kit.h"

static int rule_errno, matcher_errno; /* 0: as the device has it */

struct ibv_flow *__real_mlx5dv_create_flow(struct mlx5dv_flow_matcher *matcher,
					   struct mlx5dv_flow_match_parameters *value, size_t n,
					   struct mlx5dv_flow_action_attr actions[]);
struct ibv_flow *__wrap_mlx5dv_create_flow(struct mlx5dv_flow_matcher *matcher,
					   struct mlx5dv_flow_match_parameters *value, size_t n,
					   struct mlx5dv_flow_action_attr actions[]);
struct mlx5dv_flow_matcher *
__real_mlx5dv_create_flow_matcher(struct ibv_context *ctx, struct mlx5dv_flow_matcher_attr *attr);
struct mlx5dv_flow_matcher *
__wrap_mlx5dv_create_flow_matcher(struct ibv_context *ctx, struct mlx5dv_flow_matcher_attr *attr);

struct ibv_flow *__wrap_mlx5dv_create_flow(struct mlx5dv_flow_matcher *matcher,
					   struct mlx5dv_flow_match_parameters *value, size_t n,
					   struct mlx5dv_flow_action_attr actions[])
{
	if (!rule_errno)
		return __real_mlx5dv_create_flow(matcher, value, n, actions);
	errno = rule_errno;
	return NULL;
}

struct mlx5dv_flow_matcher *__wrap_mlx5dv_create_flow_matcher(struct ibv_context *ctx,
							      struct mlx5dv_flow_matcher_attr *attr)
{
	if (!matcher_errno)
		return __real_mlx5dv_create_flow_matcher(ctx, attr);
	errno = matcher_errno;
	return NULL;
}

/* A configuration whose flow is refused with this, and which opens once the kernel takes it. */
static void refused(const char *keys, int err, const char *detail)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 PORTS "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n"
		       "[flex b w]\nudp_dst = 1\noffset = 0\n[tunnel t]\ntype = vxlan\nvni = 5\n"
		       "[flow b x]\nqueue = 0\npriority = 7\n%s",
		 keys);
	rule_errno = err;
	cr_assert_eq(kit_try_text(text), -err, "%s", keys);
	assert_detail("[flow b x]: ");
	assert_detail(detail);
	rule_errno = 0;
	matcher_errno = err;
	cr_assert_eq(kit_try_text(text), -err, "%s", keys);
	assert_detail("[flow b x]: ");
	if (!strstr(detail, "its flow rule"))
		assert_detail(detail);
	matcher_errno = 0;
	daqiri_close(kit_open_text(text));
}

Test(refused, rights_and_other_programs)
{
	refused("udp_dst = 5000\n", EPERM, "receive rules need CAP_NET_RAW: run as root");
	refused("udp_dst = 5000\n", EEXIST, "of another program, exists already: end that program");
}

Test(refused, room)
{
	static const char room[] =
		"no room at priority 7 (No space left on device). The kernel has there six groups "
		"of 9362 rules, each of one combination of keys and masks, then 9364 single rules, "
		"for all programs together: end others, use fewer combinations, or give another "
		"priority";

	refused("udp_dst = 5000\n", ENOSPC, room);
	refused("udp_dst = 5000\n", ENOMEM, "no room at priority 7 (Cannot allocate memory)");
}

Test(refused, keys_of_the_outer_headers_are_named)
{
	refused("dst_mac = 02:00:00:00:00:09\nipv4_src = 10.0.0.0/8\nudp_dst = 5000-5003\n", EINVAL,
		"its flow rule, which matches by dst_mac, ipv4_src, udp_dst, refused: Invalid "
		"argument. "
		"The kernel, or the device's firmware, does not know one of these keys");
	refused("vlan_id = 5\n", EOPNOTSUPP, "which matches by vlan_id, refused: Operation not");
}

Test(refused, tunnels)
{
	refused("vni = 77\ninner_udp_dst = 9\n", EINVAL,
		"which matches by inner_udp_dst, vni, refused: Invalid argument. Does the device "
		"match "
		"tunnels and their inner headers?");
	refused("decap = t\n", EOPNOTSUPP,
		"decap refused: Operation not supported. Where the device is in switchdev mode: "
		"devlink "
		"dev eswitch set DEVICE encap-mode none");
}

/* By cli/environment.test on a device with the programmable parser. */
Test(refused, words)
{
	if (!getenv("TEST_FLEX_PARSER"))
		cr_skip_test("cli/environment.test runs this on a device with a parser");
	refused("flex = w\nflex_value = 0x1200\nflex_mask = 0xff00\n", EINVAL,
		"A ConnectX-7 may take flex_mask = 0xffffffff alone, and then neither ipv4_len nor "
		"ecpri_type");
}

Test(refused, anything_else)
{
	refused("udp_dst = 5000\n", EIO, "its flow rule refused: Input/output error");
}

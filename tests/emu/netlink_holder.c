/* SPDX-License-Identifier: Apache-2.0 */
/* Makes objects on the first device, says so, and waits to be killed: netlink_holder CQS */
#include <infiniband/verbs.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char memory[2][4096];
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *ctx = list && list[0] ? ibv_open_device(list[0]) : NULL;
	struct ibv_pd *pd = ctx ? ibv_alloc_pd(ctx) : NULL;
	int n = argc > 1 ? atoi(argv[1]) : 0;

	if (!pd)
		return 1;
	for (int i = 0; i < n; i++) {
		if (!ibv_create_cq(ctx, 16, NULL, NULL, 0))
			return 1;
	}
	for (int i = 0; i < 2; i++) {
		if (!ibv_reg_mr(pd, memory[i], sizeof(memory[i]), IBV_ACCESS_LOCAL_WRITE))
			return 1;
	}
	printf("%s\n", ibv_get_device_name(list[0]));
	fflush(stdout);
	pause();
	return 0;
}

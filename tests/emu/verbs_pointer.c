/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ioctls of the uverbs file with addresses that lead nowhere: the kernel answers EFAULT, and so
 * does the emulated one, which runs in the program that would crash.
 */
#include <errno.h>
#include <rdma/ib_user_ioctl_cmds.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/rdma_user_ioctl_cmds.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kit.h"

static struct kit k;

static void open_ports(void)
{
	kit_open(&k);
}

static void close_ports(void)
{
	kit_close(&k);
}

TestSuite(pointer, .init = open_ports, .fini = close_ports);

#define ATTRS 4

struct request {
	struct ib_uverbs_ioctl_hdr hdr;
	struct ib_uverbs_attr attrs[ATTRS];
};

static struct request request(uint16_t object, uint16_t method)
{
	struct request r = {.hdr = {.object_id = object,
				    .method_id = method,
				    .driver_id = RDMA_DRIVER_MLX5,
				    .length = sizeof(r.hdr)}};

	return r;
}

static struct ib_uverbs_attr *add(struct request *r, uint16_t id, const void *data, size_t len)
{
	struct ib_uverbs_attr *attr = &r->attrs[r->hdr.num_attrs++];

	r->hdr.length = (uint16_t)(r->hdr.length + sizeof(*attr));
	*attr = (struct ib_uverbs_attr){.attr_id = id,
					.len = (uint16_t)len,
					.flags = UVERBS_ATTR_F_MANDATORY,
					.data = (uintptr_t)data};
	return attr;
}

/* 0 or errno */
static int call(void *r)
{
	return ioctl(k.a.ctx->cmd_fd, RDMA_VERBS_IOCTL, r) ? errno : 0;
}

/* A write command by way of the ioctl, as libibverbs has it. */
static struct request command(uint32_t cmd, const void *in, size_t in_len, void *out,
			      size_t out_len)
{
	struct request r = request(UVERBS_OBJECT_DEVICE, UVERBS_METHOD_INVOKE_WRITE);

	add(&r, UVERBS_ATTR_WRITE_CMD, NULL, 8)->data = cmd;
	add(&r, UVERBS_ATTR_CORE_IN, in, in_len);
	if (out_len)
		add(&r, UVERBS_ATTR_CORE_OUT, out, out_len);
	return r;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Address space without memory; and with memory that cannot be written, all zero. */
static void *page(int prot)
{
	void *p = mmap(NULL, page_size(), prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(p, MAP_FAILED);
	return p;
}

Test(pointer, a_request_that_is_not_there)
{
	cr_assert_eq(call(NULL), EFAULT);
	cr_assert_eq(call((void *)(uintptr_t)8), EFAULT);
	cr_assert_eq(call(page(PROT_NONE)), EFAULT);
}

Test(pointer, attributes_that_end_outside_of_memory)
{
	uint8_t *two = mmap(NULL, 2 * page_size(), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct request r = command(IB_USER_VERBS_CMD_QUERY_DEVICE, NULL, 0, NULL, 0);
	struct request *at = (void *)(two + page_size() - sizeof(r.hdr));

	cr_assert_neq(two, MAP_FAILED);
	cr_assert_eq(munmap(two + page_size(), page_size()), 0);
	at->hdr = r.hdr;
	cr_assert_eq(call(at), EFAULT);
}

Test(pointer, a_request_longer_than_a_page)
{
	struct request *r = calloc(1, 1 << 17);

	*r = request(UVERBS_OBJECT_DEVICE, UVERBS_METHOD_INVOKE_WRITE);
	r->hdr.num_attrs = (uint16_t)(page_size() / sizeof(r->attrs[0]));
	r->hdr.length = (uint16_t)(sizeof(r->hdr) + r->hdr.num_attrs * sizeof(r->attrs[0]));
	cr_assert_eq(call(r), EINVAL);
	free(r);
}

Test(pointer, data_to_be_read)
{
	struct ib_uverbs_reg_mr_resp resp;
	struct request r = command(IB_USER_VERBS_CMD_REG_MR, page(PROT_NONE),
				   sizeof(struct ib_uverbs_reg_mr), &resp, sizeof(resp));

	cr_assert_eq(call(&r), EFAULT);
	r.attrs[1].data = 0;
	cr_assert_eq(call(&r), EFAULT);
}

/* Objects that are alive on the first port. */
static unsigned alive(const char *type)
{
	FILE *f = fopen("/sys/class/infiniband/mlx5_0/emu_objects", "r");
	char name[32];
	unsigned n, found = 0;

	cr_assert_not_null(f);
	while (fscanf(f, "%31s %u", name, &n) == 2) {
		if (!strcmp(name, type))
			found = n;
	}
	fclose(f);
	return found;
}

/* Memory that is not there, and memory that cannot be written: nothing is made. */
Test(pointer, room_for_the_answer)
{
	struct ib_uverbs_alloc_pd in = {0};
	struct request r = command(IB_USER_VERBS_CMD_ALLOC_PD, &in, sizeof(in), page(PROT_NONE),
				   sizeof(struct ib_uverbs_alloc_pd_resp));
	unsigned before = alive("pd");

	cr_assert_gt(before, 0u);
	cr_assert_eq(call(&r), EFAULT);
	r.attrs[2].data = (uintptr_t)page(PROT_READ);
	cr_assert_eq(call(&r), EFAULT);
	cr_assert_eq(alive("pd"), before);
}

/* A port's attributes go to a buffer of more than eight bytes, and to nothing else. */
Test(pointer, the_answer_is_where_it_was_asked_for)
{
	struct ib_uverbs_query_port_resp_ex resp[2];
	struct request r = request(UVERBS_OBJECT_DEVICE, UVERBS_METHOD_QUERY_PORT);
	uint64_t where = (uintptr_t)resp;

	memset(resp, 0xa5, sizeof(resp));
	add(&r, UVERBS_ATTR_QUERY_PORT_PORT_NUM, NULL, 8)->data = 1;
	add(&r, UVERBS_ATTR_QUERY_PORT_RESP, resp, sizeof(resp[0]));
	cr_assert_eq(call(&r), 0);
	cr_assert_eq(resp[0].legacy_resp.state, IBV_PORT_ACTIVE);
	cr_assert_eq(resp[1].legacy_resp.state, 0xa5);
	cr_assert_eq(r.attrs[1].data, where);
	cr_assert_eq(r.attrs[1].flags, UVERBS_ATTR_F_MANDATORY | UVERBS_ATTR_F_VALID_OUTPUT);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of objects through unmodified libibverbs: what is in use cannot be destroyed, what is
 * wrong cannot be made, and a device tells what it is.
 */
#include <config.h>

#include "kit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static struct kit k;

static void setup(void)
{
	kit_open(&k);
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(objects, .init = setup, .fini = teardown, .timeout = 30);

/* Some destroys return -1 and errno, others the errno. */
static int err_of(int ret)
{
	return ret < 0 ? errno : ret;
}

Test(objects, a_completion_queue_in_use_is_busy)
{
	struct ibv_cq *cq = kit_cq(&k, &k.a, 16);
	struct ibv_qp *qp = kit_raw(&k, &k.a, cq);

	cr_expect_eq(err_of(ibv_destroy_cq(cq)), EBUSY);
	cr_assert_eq(ibv_destroy_qp(qp), 0);
	kit_forget(&k, qp);
	cr_expect_eq(ibv_destroy_cq(cq), 0);
	kit_forget(&k, cq);
}

Test(objects, a_protection_domain_in_use_is_busy)
{
	struct ibv_pd *pd = ibv_alloc_pd(k.a.ctx);
	struct ibv_mr *mr = ibv_reg_mr(pd, k.a.mem, 4096, 0);

	cr_expect_eq(err_of(ibv_dealloc_pd(pd)), EBUSY);
	cr_assert_eq(ibv_dereg_mr(mr), 0);
	cr_expect_eq(ibv_dealloc_pd(pd), 0);
}

Test(objects, each_step_of_a_receive_chain_is_busy_while_the_next_stands_on_it)
{
	struct kit_rx rx = kit_rx(&k, &k.a, 16);
	struct kit_rule r;
	struct ibv_flow *flow;

	kit_rule(&r, 0);
	flow = kit_flow(&k, rx.qp, &r);
	cr_assert_not_null(flow);
	cr_expect_eq(err_of(ibv_destroy_cq(rx.cq)), EBUSY);
	cr_expect_eq(err_of(ibv_destroy_wq(rx.wq)), EBUSY);
	cr_expect_eq(err_of(ibv_destroy_rwq_ind_table(rx.table)), EBUSY);
	cr_expect_eq(err_of(ibv_destroy_qp(rx.qp)), EBUSY);
}

Test(objects, a_matcher_in_use_is_busy)
{
	struct kit_rx rx = kit_rx(&k, &k.a, 16);
	struct kit_match value = {0}, mask = {0};
	struct mlx5dv_flow_matcher *matcher = kit_matcher(&k, &k.a, &mask, 3);

	cr_assert_not_null(kit_dv_flow(&k, matcher, &value, rx.qp, 0));
	cr_expect_eq(err_of(mlx5dv_destroy_flow_matcher(matcher)), EBUSY);
}

Test(objects, a_channel_in_use_is_busy)
{
	struct ibv_cq *cq = kit_event_cq(&k, &k.a, 16);

	cr_expect_eq(err_of(ibv_destroy_comp_channel(cq->channel)), EBUSY);
}

Test(objects, a_region_outside_of_mapped_memory_is_refused)
{
	void *gone = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(gone, 8192);
	errno = 0;
	cr_expect_null(ibv_reg_mr(k.a.pd, gone, 4096, IBV_ACCESS_LOCAL_WRITE));
	cr_expect_eq(errno, EFAULT);
}

Test(objects, read_only_memory_cannot_be_registered_for_writing)
{
	void *ro = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	errno = 0;
	cr_expect_null(ibv_reg_mr(k.a.pd, ro, 4096, IBV_ACCESS_LOCAL_WRITE));
	cr_expect_eq(errno, EFAULT);
	munmap(ro, 8192);
}

Test(objects, more_memory_than_the_machine_has_is_refused)
{
	size_t size = 2 * (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		cr_skip_test("this kernel promises no more than it has");
	errno = 0;
	cr_expect_null(ibv_reg_mr(k.a.pd, mem, size, IBV_ACCESS_LOCAL_WRITE));
	cr_expect_eq(errno, ENOMEM);
	munmap(mem, size);
}

Test(objects, remote_write_needs_local_write)
{
	cr_expect_null(ibv_reg_mr(k.a.pd, k.a.mem, 4096, IBV_ACCESS_REMOTE_WRITE));
	cr_expect_eq(errno, EINVAL);
}

#if HAVE_DECL_IBV_REG_DMABUF_MR
/* Unless daqiri-emu was told --dmabuf memfd. */
Test(objects, a_memfd_is_no_dma_buf)
{
	int fd = memfd_create("verbs_objects", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_eq(ftruncate(fd, 65536), 0);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	errno = 0;
	cr_expect_null(ibv_reg_dmabuf_mr(k.a.pd, 0, 65536, 0, fd, IBV_ACCESS_LOCAL_WRITE));
	cr_expect_eq(errno, EINVAL);
	close(fd);
}
#endif

Test(objects, a_queue_pair_deeper_than_the_device_is_refused)
{
	struct ibv_cq *cq = kit_cq(&k, &k.a, 16);
	struct ibv_device_attr attr;
	struct ibv_qp_cap cap = {.max_send_sge = 1, .max_recv_sge = 1};

	cr_assert_eq(ibv_query_device(k.a.ctx, &attr), 0);
	cap.max_send_wr = (uint32_t)attr.max_qp_wr + 1;
	cr_expect_null(kit_raw_cap(&k, &k.a, cq, cap));
	cap.max_send_wr = 1;
	cap.max_recv_wr = (uint32_t)attr.max_qp_wr + 1;
	cr_expect_null(kit_raw_cap(&k, &k.a, cq, cap));
}

Test(objects, a_completion_queue_deeper_than_the_device_is_refused)
{
	struct ibv_device_attr attr;

	cr_assert_eq(ibv_query_device(k.a.ctx, &attr), 0);
	cr_expect_null(ibv_create_cq(k.a.ctx, attr.max_cqe + 1, NULL, NULL, 0));
	cr_expect_null(ibv_create_cq(k.a.ctx, 0, NULL, NULL, 0));
}

Test(objects, a_queue_pair_skips_no_state)
{
	struct ibv_cq *cq = kit_cq(&k, &k.a, 16);
	struct ibv_qp_init_attr init = {.send_cq = cq,
					.recv_cq = cq,
					.cap = {.max_send_wr = 4, .max_send_sge = 1},
					.qp_type = IBV_QPT_RAW_PACKET};
	struct ibv_qp *qp = ibv_create_qp(k.a.pd, &init);
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_RTS};

	cr_assert_not_null(qp);
	cr_expect_eq(err_of(ibv_modify_qp(qp, &attr, IBV_QP_STATE)), EINVAL);
	kit_to_state(qp, IBV_QPS_INIT);
	cr_expect_eq(err_of(ibv_modify_qp(qp, &attr, IBV_QP_STATE)), EINVAL);
	cr_expect_eq(ibv_destroy_qp(qp), 0);
}

Test(objects, the_port_is_an_active_ethernet_port)
{
	struct ibv_port_attr attr;

	cr_assert_eq(ibv_query_port(k.a.ctx, 1, &attr), 0);
	cr_expect_eq(attr.state, IBV_PORT_ACTIVE);
	cr_expect_eq(attr.link_layer, IBV_LINK_LAYER_ETHERNET);
	cr_expect_eq(attr.phys_state, 5); /* link up */
	cr_expect_neq(ibv_query_port(k.a.ctx, 2, &attr), 0, "port 2 of a device with one");
	cr_expect_neq(ibv_query_port(k.a.ctx, 0, &attr), 0, "port 0");
}

/* Of a newer rdma-core than some that this is built with: struct mlx5dv_port is 40 bytes there. */
typedef int (*query_port)(struct ibv_context *ctx, uint32_t port, void *info, size_t len);

Test(objects, the_port_belongs_to_no_switch)
{
	query_port query = (query_port)dlsym(RTLD_DEFAULT, "_mlx5dv_query_port");
	uint8_t info[48], none[48] = {0};

	if (!query)
		cr_skip_test("this libmlx5 has no mlx5dv_query_port()");
	memset(info, 0xee, sizeof(info));
	cr_assert_eq(query(k.a.ctx, 1, info, sizeof(info)), 0);
	cr_expect_arr_eq(info, none, sizeof(info));
	cr_expect_eq(query(k.a.ctx, 2, info, sizeof(info)), EINVAL, "port 2 of 1");
	cr_expect_eq(query(k.a.ctx, 1, info, 16), EINVAL, "too little room");
}

Test(objects, the_address_table_is_told_entry_by_entry_and_whole)
{
	struct ibv_gid_entry entry, all[16];
	union ibv_gid gid;

	cr_assert_eq(ibv_query_gid_ex(k.a.ctx, 1, 1, &entry, 0), 0);
	cr_expect_eq(entry.gid_type, IBV_GID_TYPE_ROCE_V2);
	cr_assert_eq(ibv_query_gid(k.a.ctx, 1, 1, &gid), 0); /* from sysfs */
	cr_expect_arr_eq(gid.raw, entry.gid.raw, sizeof(gid));
	cr_expect_eq(err_of(ibv_query_gid_ex(k.a.ctx, 1, 2, &entry, 0)), ENODATA, "an empty entry");
	cr_expect_eq(err_of(ibv_query_gid_ex(k.a.ctx, 1, 16, &entry, 0)), EINVAL, "behind it");
	cr_expect_eq(err_of(ibv_query_gid_ex(k.a.ctx, 2, 0, &entry, 0)), EINVAL, "port 2 of 1");
	cr_assert_eq(ibv_query_gid_table(k.a.ctx, all, 16, 0), 2);
	cr_expect_eq(all[0].gid_type, IBV_GID_TYPE_ROCE_V1);
	cr_expect_eq(all[1].gid_index, 1);
	cr_expect_arr_eq(all[1].gid.raw, gid.raw, sizeof(gid));
	cr_expect_eq(ibv_query_gid_table(k.a.ctx, all, 1, 0), -EINVAL, "room for one of two");
}

Test(objects, a_shared_receive_queue_is_not_supported)
{
	struct ibv_srq_init_attr attr = {.attr = {.max_wr = 16, .max_sge = 1}};

	cr_expect_null(ibv_create_srq(k.a.pd, &attr));
	cr_expect_eq(errno, EOPNOTSUPP);
}

Test(objects, the_device_has_what_the_library_needs)
{
	struct ibv_device_attr_ex ex;
	struct mlx5dv_context dv = {0};

	cr_assert_eq(ibv_query_device_ex(k.a.ctx, NULL, &ex), 0);
	cr_expect(ex.rss_caps.supported_qpts & 1u << IBV_QPT_RAW_PACKET);
	cr_expect(ex.rss_caps.rx_hash_function & IBV_RX_HASH_FUNC_TOEPLITZ);
	cr_expect_gt(ex.rss_caps.max_rwq_indirection_table_size, 0);
	cr_expect(ex.raw_packet_caps & IBV_RAW_PACKET_CAP_IP_CSUM);
	cr_expect(mlx5dv_is_supported(k.a.ctx->device));
	cr_assert_eq(mlx5dv_query_device(k.a.ctx, &dv), 0);
	cr_expect(dv.flags & MLX5DV_CONTEXT_FLAGS_ENHANCED_MPW);
}

Test(objects, two_contexts_of_one_device_do_not_meet)
{
	struct ibv_context *other = ibv_open_device(k.a.ctx->device);
	struct ibv_pd *pd = ibv_alloc_pd(other);
	struct ibv_cq *cq = ibv_create_cq(other, 16, NULL, NULL, 0);
	struct kit_port p = {.ctx = other, .pd = pd};
	struct ibv_sge sge = kit_sge(&k.a, 0, 60);
	struct kit here = {.n_undo = 0};
	struct ibv_qp *qp = kit_raw(&here, &p, cq);

	/* the key of a region of the first context */
	kit_post_send(qp, &sge, 1, IBV_SEND_SIGNALED);
	kit_expect(cq, IBV_WC_LOC_PROT_ERR);
	kit_close(&here);
	cr_expect_eq(ibv_destroy_cq(cq), 0);
	cr_expect_eq(ibv_dealloc_pd(pd), 0);
	cr_expect_eq(ibv_close_device(other), 0);
}

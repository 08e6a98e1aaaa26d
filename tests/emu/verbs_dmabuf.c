/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions in dma-bufs: what is refused, and frames out of them and into them. Runs with daqiri-emu
 * --dmabuf memfd, so that sealed memfds count; real ones are tried where /dev/udmabuf makes any.
 */
#include <config.h>

#include "devx_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if HAVE_DECL_IBV_REG_DMABUF_MR

static struct kit k;

static void setup(void)
{
	kit_open(&k);
}

static void teardown(void)
{
	kit_close(&k);
}

TestSuite(dmabuf, .init = setup, .fini = teardown, .timeout = 60);

/* ---- buffers -------------------------------------------------------------------------------- */

#define NAME "verbs_dmabuf"
#define SIZE 0x40000u /* whole pages, whatever a page is */
#define IOVA 0x7e0000000000u
#define LW   IBV_ACCESS_LOCAL_WRITE

struct buf {
	int fd;
	uint8_t *mem; /* the program's own mapping */
};

static int sealed(int seals)
{
	int fd = memfd_create(NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, SIZE), 0);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* -1: this machine makes none. */
static int exported(void)
{
	struct udmabuf_create create = {.flags = UDMABUF_FLAGS_CLOEXEC, .size = SIZE};
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), fd;

	if (dev < 0)
		return -1;
	create.memfd = (unsigned)sealed(F_SEAL_SHRINK);
	fd = ioctl(dev, UDMABUF_CREATE, &create);
	close((int)create.memfd);
	close(dev);
	return fd;
}

static struct buf look(int fd)
{
	struct buf b = {fd, mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)};

	cr_assert_neq(b.mem, MAP_FAILED, "%s", strerror(errno));
	return b;
}

static struct buf buf(void)
{
	return look(sealed(F_SEAL_SHRINK));
}

static void put_away(struct buf *b)
{
	munmap(b->mem, SIZE);
	close(b->fd);
}

KIT_UNDO(ibv_dereg_mr, struct ibv_mr)

struct part {
	uint64_t offset, length, iova;
};

static struct ibv_mr *reg(struct kit_port *p, int fd, struct part part, int access)
{
	struct ibv_mr *mr =
		ibv_reg_dmabuf_mr(p->pd, part.offset, part.length, part.iova, fd, access);

	cr_assert_not_null(mr, "%s", strerror(errno));
	kit_defer(&k, undo_ibv_dereg_mr, mr);
	return mr;
}

static void dereg(struct ibv_mr *mr)
{
	cr_assert_eq(ibv_dereg_mr(mr), 0);
	kit_forget(&k, mr);
}

static int error_of(int fd, struct part part, int access)
{
	struct ibv_mr *mr =
		ibv_reg_dmabuf_mr(k.a.pd, part.offset, part.length, part.iova, fd, access);

	if (!mr)
		return errno;
	ibv_dereg_mr(mr);
	return 0;
}

/* Lines of /proc/self/maps that name the buffer. */
static unsigned mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned n = 0;

	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, "/memfd:" NAME);
	fclose(f);
	return n;
}

/* As the port says how many regions there are. */
static unsigned regions(const char *device)
{
	char name[128], what[32];
	unsigned n, found = ~0u;
	FILE *f;

	snprintf(name, sizeof(name), "/sys/class/infiniband/%s/emu_objects", device);
	f = fopen(name, "r");
	cr_assert_not_null(f);
	while (fscanf(f, "%31s %u", what, &n) == 2)
		if (!strcmp(what, "mr"))
			found = n;
	fclose(f);
	return found;
}

/* ---- frames --------------------------------------------------------------------------------- */

struct ends {
	struct ibv_cq *cq;
	struct ibv_qp *tx;
	struct kit_rx rx;
};

static struct ends ends(void)
{
	struct ends e;

	e.cq = kit_cq(&k, &k.a, 16);
	e.tx = kit_raw(&k, &k.a, e.cq);
	e.rx = kit_rx(&k, &k.b, 16);
	kit_catch_all(&k, e.rx.qp);
	return e;
}

static enum ibv_wc_status send_from(struct ends *e, uint64_t addr, unsigned len, uint32_t key)
{
	struct ibv_sge sge = {.addr = addr, .length = len, .lkey = key};
	struct ibv_wc wc;

	kit_post_send(e->tx, &sge, 1, IBV_SEND_SIGNALED);
	cr_assert_eq(kit_wait(e->cq, &wc, 1), 1);
	return wc.status;
}

static void post(struct ends *e, uint64_t addr, unsigned len, uint32_t key)
{
	struct ibv_sge sge = {.addr = addr, .length = len, .lkey = key};
	struct ibv_recv_wr wr = {.wr_id = 1, .sg_list = &sge, .num_sge = 1}, *bad;

	cr_assert_eq(ibv_post_wq_recv(e->rx.wq, &wr, &bad), 0);
}

static void frame(struct frame *f, unsigned seed)
{
	kit_frame(&k, f, 1500);
	for (unsigned i = 14; i < f->len; i++)
		f->b[i] = (uint8_t)(i * 7 + seed);
}

/* Where the device has it, and where the program has it: both begin at an offset in the buffer. */
enum { OFFSET = 0x10123, LENGTH = 0x8000, AT = 0x1456 };
static const struct part in_the_middle = {OFFSET, LENGTH, IOVA + OFFSET};

static void there_and_back(struct buf *a, struct buf *b)
{
	struct ibv_mr *from = reg(&k.a, a->fd, in_the_middle, 0);
	struct ibv_mr *to = reg(&k.b, b->fd, in_the_middle, LW);
	struct ends e = ends();
	struct frame f;
	unsigned i;

	memset(a->mem, 0x11, SIZE);
	memset(b->mem, 0x22, SIZE);
	frame(&f, 3);
	memcpy(a->mem + OFFSET + AT, f.b, f.len);
	post(&e, IOVA + OFFSET + AT + 1, f.len, to->lkey);
	cr_assert_eq(send_from(&e, IOVA + OFFSET + AT, f.len, from->lkey), IBV_WC_SUCCESS);
	cr_assert_eq(kit_expect(e.rx.cq, IBV_WC_SUCCESS), 1);
	cr_expect_arr_eq(b->mem + OFFSET + AT + 1, f.b, f.len);
	for (i = 0; i < SIZE; i++)
		if (i < OFFSET + AT + 1 || i >= OFFSET + AT + 1 + f.len)
			cr_assert_eq(b->mem[i], 0x22, "byte %#x", i);
	dereg(from);
	dereg(to);
}

Test(dmabuf, a_frame_leaves_one_and_arrives_in_another)
{
	struct buf a = buf(), b = buf();

	there_and_back(&a, &b);
	put_away(&a);
	put_away(&b);
}

Test(dmabuf, real_ones_are_taken_as_they_are)
{
	struct buf a = {.fd = exported()}, b = {.fd = exported()};

	if (a.fd < 0 || b.fd < 0)
		cr_skip_test("no /dev/udmabuf");
	a = look(a.fd);
	b = look(b.fd);
	there_and_back(&a, &b);
	cr_expect_eq(error_of(a.fd, (struct part){0, SIZE, 0}, LW), 0);
	cr_expect_eq(error_of(a.fd, (struct part){0, SIZE + 1, 0}, LW), EINVAL);
	put_away(&a);
	put_away(&b);
}

Test(dmabuf, a_region_ends_where_it_ends)
{
	struct buf b = buf();
	struct ibv_mr *mr = reg(&k.a, b.fd, (struct part){0, SIZE, IOVA}, 0);
	struct ends e = ends();
	struct frame f;

	frame(&f, 1);
	memcpy(b.mem + SIZE - f.len, f.b, f.len);
	kit_wq_recv(e.rx.wq, &k.b, 5, KIT_SLOT);
	cr_expect_eq(send_from(&e, IOVA + SIZE - f.len, f.len, mr->lkey), IBV_WC_SUCCESS);
	kit_expect_frame(e.rx.cq, &k.b, &f);
	cr_expect_eq(send_from(&e, IOVA + SIZE - f.len + 1, f.len, mr->lkey), IBV_WC_LOC_PROT_ERR);
	put_away(&b);
}

Test(dmabuf, nothing_lies_in_front_of_a_region)
{
	struct buf b = buf();
	struct ibv_mr *mr = reg(&k.a, b.fd, in_the_middle, 0);
	struct ends e = ends();

	cr_expect_eq(send_from(&e, IOVA + OFFSET - 1, 64, mr->lkey), IBV_WC_LOC_PROT_ERR);
	put_away(&b);
}

Test(dmabuf, without_local_write_nothing_is_received_into_it)
{
	struct buf b = buf();
	struct ibv_mr *mr = reg(&k.b, b.fd, in_the_middle, IBV_ACCESS_REMOTE_READ);
	struct ends e = ends();
	struct frame f;

	frame(&f, 2);
	kit_send(e.tx, &k.a, &f, 0, 0);
	post(&e, IOVA + OFFSET, f.len, mr->lkey);
	kit_send(e.tx, &k.a, &f, 0, 0);
	kit_expect(e.rx.cq, IBV_WC_LOC_PROT_ERR);
	put_away(&b);
}

/* A card holds the buffer, and nothing of the program. */
Test(dmabuf, the_buffer_lives_on_when_the_program_has_let_it_go)
{
	struct buf b = buf();
	struct ibv_mr *mr = reg(&k.a, b.fd, in_the_middle, 0);
	struct ends e = ends();
	struct frame f;

	frame(&f, 9);
	memcpy(b.mem + OFFSET, f.b, f.len);
	put_away(&b);
	kit_wq_recv(e.rx.wq, &k.b, 6, KIT_SLOT);
	cr_assert_eq(send_from(&e, IOVA + OFFSET, f.len, mr->lkey), IBV_WC_SUCCESS);
	kit_expect_frame(e.rx.cq, &k.b, &f);
	cr_expect_eq(mappings(), 1);
	dereg(mr);
	cr_expect_eq(mappings(), 0, "deregistration lets it go");
	cr_expect_eq(send_from(&e, IOVA + OFFSET, f.len, mr->lkey), IBV_WC_LOC_PROT_ERR);
}

/* With a region that its parent has, a child does what gives 0. */
static void expect_of_child(int (*act)(void))
{
	struct buf b = buf();
	int status = -1;
	pid_t child;

	reg(&k.a, b.fd, in_the_middle, LW);
	put_away(&b);
	cr_assert_eq(mappings(), 1);
	child = fork();
	if (!child)
		_exit(act());
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
	cr_expect_eq(mappings(), 1, "the parent's region stays");
}

static int count_mappings(void)
{
	return (int)mappings();
}

Test(dmabuf, a_child_has_no_part_in_it)
{
	expect_of_child(count_mappings);
}

/* What the child maps where the parent's region lies is its own, also when it closes the device. */
static int map_close_and_write(void)
{
	char *mine[64];

	for (int i = 0; i < 64; i++) {
		mine[i] = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);
		if (mine[i] == MAP_FAILED)
			return 1;
	}
	close(k.a.ctx->cmd_fd);
	for (int i = 0; i < 64; i++)
		mine[i][SIZE - 1] = 1;
	return 0;
}

Test(dmabuf, a_child_that_closes_the_device_keeps_its_memory)
{
	expect_of_child(map_close_and_write);
}

Test(dmabuf, a_region_counts_like_any_other)
{
	struct buf b = buf();
	unsigned before = regions("mlx5_0");
	struct ibv_mr *mr = reg(&k.a, b.fd, in_the_middle, LW);

	cr_expect_eq(regions("mlx5_0"), before + 1);
	cr_expect_eq(mr->lkey, mr->rkey);
	cr_expect_eq(mr->length, LENGTH);
	cr_expect_neq(ibv_dealloc_pd(k.a.pd), 0, "its protection domain is in use");
	dereg(mr);
	cr_expect_eq(regions("mlx5_0"), before);
	cr_expect_neq(error_of(b.fd, (struct part){0, 0, 0}, LW), 0);
	cr_expect_eq(regions("mlx5_0"), before, "one that was refused");
	put_away(&b);
}

/* ---- what is refused ------------------------------------------------------------------------ */

Test(dmabuf, a_part_must_lie_within_the_buffer)
{
	static const struct part wrong[] = {
		{0, 0, 0},	  {SIZE / 2, 0, 0},	  {SIZE, 0, 0},
		{0, SIZE + 1, 0}, {1, SIZE, 1},		  {SIZE, 1, 0},
		{SIZE * 2, 1, 0}, {~0xfffull, 0x1000, 0}, {SIZE / 2, UINT64_MAX, 0},
	};
	struct buf b = buf();
	unsigned i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_eq(error_of(b.fd, wrong[i], LW), EINVAL, "%u", i);
	cr_expect_eq(error_of(b.fd, (struct part){SIZE - 1, 1, SIZE - 1}, LW), 0);
	cr_expect_eq(mappings(), 1, "what was refused has left nothing");
	put_away(&b);
}

Test(dmabuf, the_address_and_the_offset_agree_within_a_page)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct buf b = buf();

	cr_expect_eq(error_of(b.fd, (struct part){0, 4096, 1}, LW), EINVAL);
	cr_expect_eq(error_of(b.fd, (struct part){page - 1, 4096, IOVA}, LW), EINVAL);
	cr_expect_eq(error_of(b.fd, (struct part){page, 4096, IOVA}, LW), 0);
	cr_expect_eq(error_of(b.fd, (struct part){5, 4096, IOVA + 3 * page + 5}, LW), 0);
	put_away(&b);
}

Test(dmabuf, only_some_rights_can_be_had)
{
	const int remote_write = IBV_ACCESS_REMOTE_WRITE, atomic = IBV_ACCESS_REMOTE_ATOMIC;
	const int wrong[] = {
		remote_write,
		atomic,
		remote_write | atomic,
		IBV_ACCESS_MW_BIND,
		IBV_ACCESS_ZERO_BASED,
		IBV_ACCESS_ON_DEMAND,
		IBV_ACCESS_HUGETLB,
		IBV_ACCESS_RELAXED_ORDERING << 1,
		1 << 8,
	};
	struct buf b = buf();
	struct part all = {0, SIZE, 0};
	unsigned i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_eq(error_of(b.fd, all, wrong[i]), EINVAL, "%#x", (unsigned)wrong[i]);
	cr_expect_eq(error_of(b.fd, all, 0), 0);
	cr_expect_eq(error_of(b.fd, all,
			      LW | remote_write | atomic | IBV_ACCESS_REMOTE_READ |
				      IBV_ACCESS_RELAXED_ORDERING),
		     0);
	put_away(&b);
}

/* That a descriptor which is none is EBADF is how programs ask whether there are dma-bufs at all.
 */
Test(dmabuf, what_is_open_nowhere_is_a_bad_descriptor)
{
	int fd = sealed(F_SEAL_SHRINK), path;
	struct part all = {0, SIZE, 0};
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	path = open(name, O_PATH | O_CLOEXEC);
	cr_assert_geq(path, 0);
	cr_expect_eq(error_of(-1, (struct part){0, 0, 0}, 0), EBADF);
	cr_expect_eq(error_of(path, all, LW), EBADF);
	close(fd);
	cr_expect_eq(error_of(fd, all, LW), EBADF);
	cr_expect_eq(error_of(1 << 20, all, LW), EBADF);
	close(path);
}

Test(dmabuf, other_files_are_no_dma_bufs)
{
	struct part part = {0, 4096, 0};
	int fds[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	FILE *file = tmpfile();

	cr_assert_eq(pipe(fds), 0);
	cr_assert_not_null(file);
	cr_assert_eq(ftruncate(fileno(file), SIZE), 0);
	cr_expect_eq(error_of(null, part, LW), EINVAL);
	cr_expect_eq(error_of(fds[0], part, LW), EINVAL);
	cr_expect_eq(error_of(fileno(file), part, LW), EINVAL);
	cr_expect_eq(error_of(k.a.ctx->cmd_fd, part, LW), EINVAL);
	fclose(file);
	close(null);
	close(fds[0]);
	close(fds[1]);
}

/* What udmabuf would make none of. */
Test(dmabuf, a_memfd_must_be_sealed)
{
	struct part part = {0, 4096, 0};
	int open_ended = sealed(F_SEAL_GROW), frozen = sealed(F_SEAL_SHRINK | F_SEAL_WRITE);

	cr_expect_eq(error_of(open_ended, part, LW), EINVAL);
	cr_expect_eq(error_of(frozen, part, 0), EINVAL);
	close(open_ended);
	close(frozen);
}

/* ---- what the kernel does not ask for ------------------------------------------------------- */

/* ib_umem_dmabuf_get() does not look how the descriptor was opened. */
Test(dmabuf, a_descriptor_that_only_reads_will_do_for_writing)
{
	struct buf b = buf();
	struct ends e = ends();
	struct ibv_mr *mr;
	struct frame f;
	char name[64];
	int reader;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", b.fd);
	reader = open(name, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(reader, 0);
	mr = reg(&k.b, reader, (struct part){0, SIZE, IOVA}, LW);
	close(reader);
	frame(&f, 4);
	post(&e, IOVA + 8, f.len, mr->lkey);
	kit_send(e.tx, &k.a, &f, 0, 0);
	cr_assert_eq(kit_expect(e.rx.cq, IBV_WC_SUCCESS), 1);
	cr_expect_arr_eq(b.mem + 8, f.b, f.len);
	put_away(&b);
}

static void without_ipc_lock(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	cr_assert_eq(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	cr_assert_eq(syscall(SYS_capset, &header, data), 0);
}

Test(dmabuf, it_takes_nothing_of_the_locked_memory)
{
	struct rlimit none = {0, 0};
	struct buf b = buf();

	without_ipc_lock();
	cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	cr_expect_null(ibv_reg_mr(k.a.pd, b.mem, 4096, LW));
	cr_expect_eq(errno, EPERM);
	cr_expect_eq(error_of(b.fd, (struct part){0, SIZE, 0}, LW), 0);
	put_away(&b);
}

/* ---- umems ---------------------------------------------------------------------------------- */

#if HAVE_DECL_MLX5DV_UMEM_MASK_DMABUF

KIT_UNDO(mlx5dv_devx_umem_dereg, struct mlx5dv_devx_umem)

/* NULL and errno where it is refused. */
static struct mlx5dv_devx_umem *umem(int fd, uint64_t offset, size_t size, uint32_t access)
{
	struct mlx5dv_devx_umem_in in = {
		.addr = (void *)(uintptr_t)offset,
		.size = size,
		.access = access,
		.pgsz_bitmap = UINT64_MAX & ~4095ull,
		.comp_mask = MLX5DV_UMEM_MASK_DMABUF,
		.dmabuf_fd = fd,
	};
	struct mlx5dv_devx_umem *m = mlx5dv_devx_umem_reg_ex(k.a.ctx, &in);

	if (m)
		kit_defer(&k, undo_mlx5dv_devx_umem_dereg, m);
	return m;
}

/* A key over the umem, whose addresses begin at IOVA. */
static uint32_t key_over(const struct mlx5dv_devx_umem *m, size_t size)
{
	struct cmd c;

	cmd_init(&c, 0x200, 272, 16);
	cmd_set(c.in, 0x320, 32, m->umem_id);
	cmd_set(c.in + 16, 0x14, 2, 3); /* local write and read */
	cmd_set(c.in + 16, 0x16, 2, 1); /* MTT */
	cmd_set(c.in + 16, 0x20, 24, 0xffffff);
	cmd_set(c.in + 16, 0x38, 8, 0x5a);
	cmd_set(c.in + 16, 0x68, 24, cmd_pdn(k.a.pd));
	cmd_set(c.in + 16, 0x80, 64, IOVA);
	cmd_set(c.in + 16, 0xc0, 64, size);
	cr_assert_not_null(cmd_create(&k, &k.a, &c), "status %u", cmd_status(&c));
	return cmd_number(&c) << 8 | 0x5a;
}

Test(dmabuf, a_umem_of_one_serves_a_queue)
{
	struct buf b = buf();
	struct mlx5dv_devx_umem *m = umem(b.fd, 0x10000, 0x10000, LW);
	struct ends e = ends();
	struct frame f;
	uint32_t key;

	cr_assert_not_null(m, "%s", strerror(errno));
	frame(&f, 6);
	memcpy(b.mem + 0x10000 + 77, f.b, f.len);
	put_away(&b);
	key = key_over(m, 0x10000);
	kit_wq_recv(e.rx.wq, &k.b, 7, KIT_SLOT);
	cr_assert_eq(send_from(&e, IOVA + 77, f.len, key), IBV_WC_SUCCESS);
	kit_expect_frame(e.rx.cq, &k.b, &f);
	cr_expect_eq(mlx5dv_devx_umem_dereg(m), EINVAL, "the key stands on it");
	cr_expect_eq(mappings(), 1);
}

static int umem_error(int fd, uint64_t offset, size_t size, uint32_t access)
{
	return umem(fd, offset, size, access) ? 0 : errno;
}

Test(dmabuf, a_umem_is_refused_for_the_same_reasons)
{
	struct buf b = buf();

	cr_expect_eq(umem_error(b.fd, 0, 0, LW), EINVAL);
	cr_expect_eq(umem_error(b.fd, 0, SIZE + 1, LW), EINVAL);
	cr_expect_eq(umem_error(b.fd, SIZE, 1, LW), EINVAL);
	cr_expect_eq(umem_error(b.fd, 0, SIZE, IBV_ACCESS_REMOTE_WRITE), EINVAL);
	cr_expect_eq(umem_error(0, 0, 4096, LW), EINVAL, "standard input");
	cr_expect_eq(umem_error(1 << 20, 0, 4096, LW), EBADF);
	cr_expect_eq(umem_error(b.fd, 0, SIZE, LW), 0);
	put_away(&b);
}

#endif
#else

Test(dmabuf, this_libibverbs_has_none)
{
	cr_skip_test("no ibv_reg_dmabuf_mr()");
}

#endif

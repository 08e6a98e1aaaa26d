/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer entry: calls of arbitrary contents to the emulated uverbs file, on a context that is
 * open: no crash, no hang, nothing read or written beyond the buffers that a call gives.
 *
 * Input, for each call: a byte for what is called, then for each of its attributes a byte that says
 * whether and how long, and its bytes. Buffers are of exactly the length that the call says, so
 * that ASan sees what is read behind them.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_user_verbs.h>
#include <rdma/mlx5-abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "emu/preload.h"
#include "emu/settings.h"
#include "emu/options.h"
#include "emu/uverbs.h"

enum { MAX_CALLS = 32, MAX_ATTRS = 40, MEMORY = 1 << 16, MAX_HANDLE = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- what is not linked: the C library's calls that the preload library stands before ----------
 */

pthread_mutex_t emu_lock = PTHREAD_MUTEX_INITIALIZER;

void *emu_real(void **slot, const char *name)
{
	if (!*slot)
		*slot = dlsym(RTLD_NEXT, name);
	return *slot;
}

bool emu_active(void)
{
	return true;
}

int emu_wire_need(void)
{
	char err[512];

	return emu_wire_attach(err, sizeof(err));
}

int emu_live_write(const struct emu_live *live, struct emu_dev *dev, const char *text, size_t n)
{
	(void)live;
	(void)dev;
	(void)text;
	return (int)n;
}

/* ---- one call ------------------------------------------------------------------------------- */

static struct {
	const uint8_t *data;
	size_t left;
} input;

static uint8_t memory[MEMORY] __attribute__((aligned(4096))); /* for rings and regions */

struct call {
	void *buffers[MAX_ATTRS];
	unsigned n;
	union {
		struct ib_uverbs_ioctl_hdr hdr;
		uint8_t room[sizeof(struct ib_uverbs_ioctl_hdr) +
			     MAX_ATTRS * sizeof(struct ib_uverbs_attr)];
	};
};

static void begin(struct call *c, uint16_t object, uint16_t method)
{
	memset(c, 0, sizeof(*c));
	c->hdr.object_id = object;
	c->hdr.method_id = method;
}

static uint8_t next(void)
{
	if (!input.left)
		return 0;
	input.left--;
	return *input.data++;
}

static void next_bytes(void *to, size_t n)
{
	size_t have = n < input.left ? n : input.left;

	memset(to, 0, n);
	memcpy(to, input.data, have);
	input.data += have;
	input.left -= have;
}

/* Addresses cannot be guessed: some of the 8-byte words become one, or its low bits an offset. */
static void place_addresses(uint8_t *bytes, size_t n)
{
	uint8_t which = next();
	uint64_t addr = (uint64_t)(uintptr_t)memory + (next() & 15) * 4096u;

	for (size_t i = 0; i < 8 && 8 * (i + 1) <= n; i++) {
		if (which >> i & 1)
			memcpy(bytes + 8 * i, &addr, 8);
	}
}

static struct ib_uverbs_attr *add(struct call *c, uint16_t id, size_t len, bool must)
{
	struct ib_uverbs_attr *attr = &c->hdr.attrs[c->n];
	void *buffer = NULL;

	attr->attr_id = id;
	attr->len = (uint16_t)len;
	attr->flags = must ? UVERBS_ATTR_F_MANDATORY : 0;
	if (len > 8) {
		buffer = malloc(len);
		if (!buffer)
			abort();
		attr->data = (uint64_t)(uintptr_t)buffer;
	}
	c->buffers[c->n++] = buffer;
	return attr;
}

static void add_bytes(struct call *c, uint16_t id, size_t len)
{
	struct ib_uverbs_attr *attr = add(c, id, len, true);

	if (len <= 8) {
		next_bytes(&attr->data, len);
		return;
	}
	next_bytes(c->buffers[c->n - 1], len);
	place_addresses(c->buffers[c->n - 1], len);
}

/* Always a buffer: what the kernel writes to it goes through copy_to_user(). */
static void add_out(struct call *c, uint16_t id, size_t len)
{
	struct ib_uverbs_attr *attr = add(c, id, len, false);

	if (len <= 8) {
		c->buffers[c->n - 1] = malloc(8);
		attr->data = (uint64_t)(uintptr_t)c->buffers[c->n - 1];
	}
	memset((void *)(uintptr_t)attr->data, 0, len ? len : 1);
}

/* Of the lengths that are allowed, or any other one. */
static size_t choose_length(const struct emu_attr_spec *spec, uint8_t how)
{
	size_t wide = next() * 4u;

	switch (how & 3) {
	case 0:
		return spec->min;
	case 1:
		return spec->max && spec->max < 1024 ? spec->max : spec->min + 8u;
	case 2:
		return spec->min + wide;
	default:
		return wide;
	}
}

static void add_spec(struct call *c, const struct emu_attr_spec *spec)
{
	uint8_t how = next();

	if ((how & 0xe0) == 0xe0 || (!spec->must && how & 0x10))
		return; /* left out */
	switch (spec->kind) {
	case EMU_ATTR_IN:
		add_bytes(c, spec->id, choose_length(spec, how));
		break;
	case EMU_ATTR_OBJECTS:
		add_bytes(c, spec->id, (how & 7) * 4u);
		break;
	case EMU_ATTR_OUT:
		add_out(c, spec->id, choose_length(spec, how));
		break;
	case EMU_ATTR_NEW:
		add(c, spec->id, 0, true);
		break;
	default:
		add(c, spec->id, how & 8 && how & 4 ? 8 : 0, true)->data = next() % MAX_HANDLE;
		break;
	}
}

static void add_uhw(struct call *c)
{
	uint8_t in = next(), out = next();

	if (in & 1)
		add_bytes(c, UVERBS_ATTR_UHW_IN, in);
	if (out & 1)
		add_out(c, UVERBS_ATTR_UHW_OUT, out);
}

static void run(struct call *c, int fd)
{
	c->hdr.length = (uint16_t)(sizeof(c->hdr) + c->n * sizeof(c->hdr.attrs[0]));
	c->hdr.num_attrs = (uint16_t)c->n;
	c->hdr.driver_id = RDMA_DRIVER_MLX5;
	emu_uverbs_ioctl(fd, &c->hdr);
	for (unsigned i = 0; i < c->n; i++)
		free(c->buffers[i]);
}

/* ---- which one ------------------------------------------------------------------------------ */

static const struct emu_method *pick_method(unsigned i)
{
	for (unsigned t = 0; emu_tables[t]; t++) {
		if (i < emu_tables[t]->n_methods)
			return &emu_tables[t]->methods[i];
		i -= emu_tables[t]->n_methods;
	}
	return NULL;
}

static const struct emu_write *pick_write(unsigned i)
{
	for (unsigned t = 0; emu_tables[t]; t++) {
		if (i < emu_tables[t]->n_writes)
			return &emu_tables[t]->writes[i];
		i -= emu_tables[t]->n_writes;
	}
	return NULL;
}

static void call_method(const struct emu_method *m, int fd)
{
	struct call c;

	begin(&c, m->object, m->method);
	for (unsigned i = 0; i < m->n_attrs && c.n < MAX_ATTRS - 3; i++)
		add_spec(&c, &m->attrs[i]);
	if (m->uhw)
		add_uhw(&c);
	run(&c, fd);
}

static void call_write(const struct emu_write *w, int fd)
{
	uint8_t longer = next();
	struct call c;

	begin(&c, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_INVOKE_WRITE);
	add(&c, UVERBS_ATTR_WRITE_CMD, 8, true)->data =
		w->cmd | (w->extended ? IB_USER_VERBS_CMD_FLAG_EXTENDED : 0);
	add_bytes(&c, UVERBS_ATTR_CORE_IN, w->min_in + (longer & 0xfeu));
	add_out(&c, UVERBS_ATTR_CORE_OUT, w->min_out + (longer & 1 ? next() : 0u));
	add_uhw(&c);
	run(&c, fd);
}

/* Anything at all: unknown methods, repeated attributes, wild lengths. */
static void call_wild(int fd)
{
	unsigned n = next() % 8, own = next(); /* the driver's own name space */
	struct call c;

	begin(&c, next() | (own & 0x10) << 8, next() | (own & 0x10) << 8);
	for (unsigned i = 0; i < n; i++) {
		uint16_t id = next();

		id |= (uint16_t)(next() & 0x30) << 8;
		add_bytes(&c, id, next());
	}
	run(&c, fd);
}

static void call_any(int fd)
{
	unsigned i = next();
	const struct emu_method *m = pick_method(i / 2);
	const struct emu_write *w = pick_write(i / 2);

	if (i % 2 && w)
		call_write(w, fd);
	else if (m)
		call_method(m, fd);
	else
		call_wild(fd);
}

/* As libmlx5 opens it. */
static void get_context(int fd)
{
	struct mlx5_ib_alloc_ucontext_req_v2 req = {.total_num_bfregs = 16,
						    .num_low_latency_bfregs = 4,
						    .flags = MLX5_IB_ALLOC_UCTX_DEVX,
						    .max_cqe_version = 1,
						    .lib_caps = MLX5_LIB_CAP_DYN_UAR};
	struct call c;

	begin(&c, UVERBS_OBJECT_DEVICE, UVERBS_METHOD_GET_CONTEXT);
	add(&c, UVERBS_ATTR_UHW_IN, sizeof(req), true);
	memcpy(c.buffers[0], &req, sizeof(req));
	add_out(&c, UVERBS_ATTR_UHW_OUT, sizeof(struct mlx5_ib_alloc_ucontext_resp));
	run(&c, fd);
}

static char wire_dir[] = "/dev/shm/fuzz-emu-ioctl.XXXXXX";

static void tidy(void)
{
	char command[64];

	emu_wire_detach();
	snprintf(command, sizeof(command), "rm -rf %s", wire_dir);
	if (system(command))
		perror(wire_dir);
}

/* Memory is not registered without limit: ASan's own is mapped, and larger than the machine's. */
static void lose_rights(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	const struct rlimit limit = {4 * MEMORY, 4 * MEMORY};

	if (syscall(SYS_capset, &header, data) || setrlimit(RLIMIT_MEMLOCK, &limit))
		abort();
}

static void start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	lose_rights();
	if (!mkdtemp(wire_dir))
		abort();
	atexit(tidy);
	emu_options_start(&emu_settings);
	snprintf(emu_settings.wire_dir, sizeof(emu_settings.wire_dir), "%s", wire_dir);
	emu_settings_name_devices();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd;

	start();
	fd = emu_uverbs_open(0, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		abort();
	get_context(fd);
	input.data = data;
	input.left = size;
	for (int i = 0; i < MAX_CALLS && input.left; i++)
		call_any(fd);
	close(fd); /* ours: the context ends with it, and all that was made in it */
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening while the n-th call of each kind fails, n from 1 until there are no more: either the
 * error is told with what it was about, or the library does without what it did not get, and then
 * packets pass. Nothing is left: no memory, mapping, descriptor or object of the device, and the
 * next opening succeeds.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "faults_kit.h"

/* Where the sanitizer is built in: leaks that it finds now. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* ---- one step -------------------------------------------------------------------------------- */

/* What the library does without, by the beginnings of the names of the calls that failed. */
static bool is_dispensable(const struct fault *fault)
{
	static const char *const calls[FAULT_KINDS][14] = {
		/* How a device is described, and its counters. */
		[FAULT_FILE] = {"open", "read", "readlink", "opendir"},
		/* Doorbells: then on a page that is shared. */
		[FAULT_MMAP] = {"mmap"},
		/* DevX, for which verbs' counters do; doorbell pages; what is tried again without.
		 */
		[FAULT_IOCTL] = {"object 0x1000 ", "object 0x1001 ", "object 0x1008 ",
				 "object 0x10 ", "object 0 ", "command 1"},
		[FAULT_VERBS] = {"mlx5dv_open_device", "mlx5dv_devx_general_cmd", "ibv_alloc_td",
				 "ibv_alloc_parent_domain", "numa_available", "mbind",
				 "set_mempolicy", "get_mempolicy"},
		/* Memory on a node of huge pages, where any will do. */
		[FAULT_ALLOC] = {"numa_allocate_nodemask"},
	};

	for (const char *const *call = calls[fault->kind]; *call; call++)
		if (!strncmp(fault->name, *call, strlen(*call)))
			return true;
	return false;
}

/* The error of the call is the error of the opening; some libraries do not hand it on. */
static void check_failure(const struct fault *fault, int ret, const char *when)
{
	const char *detail = daqiri_error_detail();

	cr_assert(ret < 0 && ret > -4096, "%s: %d", when, ret);
	cr_assert(fault_names_object(detail), "%s: %s", when, detail);
	if (fault->kind == FAULT_ALLOC)
		cr_assert_eq(ret, -ENOMEM, "%s: %d: %s", when, ret, detail);
	if (fault->kind != FAULT_VERBS || !strcmp(fault->name, "mlx5dv_init_obj") ||
	    !strcmp(fault->name, "mincore"))
		return;
	cr_assert_eq(ret, -fault->err, "%s: %d: %s", when, ret, detail);
	cr_assert(strstr(detail, strerror(fault->err)), "%s: %s", when, detail);
}

struct totals {
	long failed, without;
};

/* False: there was no n-th call. */
static bool step(struct fault *fault, const struct fault_stock *before, struct totals *totals)
{
	struct daqiri *dq = NULL;
	char when[160];
	int ret = fault_open(&dq, fault);
	bool reached = fault->seen >= fault->nth;

	snprintf(when, sizeof(when), "%s: call %ld, %s, fails with %d", fault_layout->name,
		 fault->nth, fault->name, fault->err);
	cr_assert(!ret == !!dq, "%s", when);
	cr_assert(reached || !ret, "%s: %s", when, daqiri_error_detail());
	if (ret) {
		check_failure(fault, ret, when);
		totals->failed++;
	} else if (reached) {
		cr_assert(is_dispensable(fault), "%s: and opening succeeds", when);
		fault_check_traffic(dq, when);
		totals->without++;
	}
	fault_close(dq);
	fault_check_stock(before, when);
	return reached;
}

static const char *const kind_names[FAULT_KINDS] = {[FAULT_ALLOC] = "allocation",
						    [FAULT_FILE] = "file",
						    [FAULT_MMAP] = "mmap",
						    [FAULT_IOCTL] = "ioctl",
						    [FAULT_VERBS] = "verbs and NUMA call"};

/* Where run-test.sh reads what is to be shown. */
static void note(enum fault_kind kind, const struct totals *totals)
{
	const char *path = getenv("TEST_NOTES");
	FILE *f = path ? fopen(path, "ae") : NULL;

	if (!f)
		return;
	fprintf(f, "%s, %s: %ld steps failed cleanly, %ld were done without\n", fault_layout->name,
		kind_names[kind], totals->failed, totals->without);
	fclose(f);
}

/* Leaks that only the sanitizer sees: memory of libibverbs and libmlx5 that we do not give back. */
static void check_leaks(void)
{
	if (__lsan_do_recoverable_leak_check)
		cr_assert_eq(__lsan_do_recoverable_leak_check(), 0);
}

/* FAULT_EVERY=N: each N-th step only, where all of them would take too long. */
static long steps_at_once(void)
{
	const char *every = getenv("FAULT_EVERY");
	long n = every ? strtol(every, NULL, 10) : 1;

	return n > 1 ? n : 1;
}

static void each_step(enum fault_kind kind, int err)
{
	struct fault fault = {.kind = kind, .nth = 1, .err = err};
	struct totals totals = {0};
	struct fault_stock before = fault_stock();

	while (step(&fault, &before, &totals))
		fault.nth += steps_at_once();
	note(kind, &totals);
	cr_assert(totals.failed || steps_at_once() > 1);
	check_leaks();
}

/* With err, and with each number of the variable FAULT_ERRNOS: .ci/long names some. */
static void each_errno(enum fault_kind kind, int err)
{
	const char *more = getenv("FAULT_ERRNOS");
	char *end;

	each_step(kind, err);
	for (; more && (err = (int)strtol(more, &end, 10)) > 0; more = end)
		each_step(kind, err);
}

static void each_kind(const struct layout *layout)
{
	fault_begin(layout);
	each_step(FAULT_ALLOC, ENOMEM);
	each_step(FAULT_MMAP, ENOMEM);
	each_errno(FAULT_IOCTL, EIO);
	each_errno(FAULT_VERBS, EDQUOT);
	fault_end();
}

Test(faults, loopback)
{
	each_kind(&fault_loopback);
}

Test(faults, rss_over_four_queues)
{
	each_kind(&fault_rss);
}

Test(faults, unmatched_to_a_queue)
{
	each_kind(&fault_unmatched);
}

Test(faults, private_regions)
{
	each_kind(&fault_inlined);
}

Test(faults, attached_to_a_program)
{
	each_kind(&fault_attached);
}

Test(faults, files)
{
	fault_begin(&fault_loopback);
	each_step(FAULT_FILE, EMFILE);
	fault_end();
}

Test(faults, ioctls_for_want_of_rights_or_memory)
{
	fault_begin(&fault_rss);
	each_step(FAULT_IOCTL, EPERM);
	each_step(FAULT_IOCTL, ENOMEM);
	fault_end();
}

/* ---- huge pages ------------------------------------------------------------------------------ */

#define POOL "/proc/sys/vm/nr_hugepages"

static long read_pool(void)
{
	FILE *f = fopen(POOL, "re");
	long n = -1;

	if (f && fscanf(f, "%ld", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

static bool write_pool(long n)
{
	FILE *f = fopen(POOL, "we");
	bool done = f && fprintf(f, "%ld\n", n) > 0;

	return f && !fclose(f) && done;
}

static struct {
	int lock;
	long before;
} pool = {-1, -1};

static void hold_pool(void)
{
	pool.lock = kit_hold_huge_pages();
	pool.before = read_pool();
}

/* Also after an assertion that failed. */
static void restore_pool(void)
{
	if (pool.before >= 0)
		write_pool(pool.before);
	close(pool.lock);
}

/* As root the machine is asked for some, which go back at the end. */
Test(faults, huge_pages, .init = hold_pool, .fini = restore_pool)
{
	if (pool.before < 0 || !write_pool(pool.before + 4) || read_pool() < pool.before + 4)
		cr_skip("no huge pages can be had here");
	each_kind(&fault_huge);
	cr_assert(write_pool(pool.before));
}

/* ---- all calls fail from one on: as when the device goes while it is opened ------------------ */

static void check_lasting(struct fault *fault, const struct fault_stock *before)
{
	struct daqiri *dq = NULL;
	int ret = fault_open(&dq, fault);

	cr_assert(!ret == !!dq);
	cr_assert(ret || !fault->name[0] || is_dispensable(fault), "%s: opened", fault->name);
	cr_assert(!ret || fault_names_object(daqiri_error_detail()), "%s", fault->name);
	fault_close(dq);
	fault_check_library(before, fault->name);
}

/* What libibverbs and libmlx5 then keep is theirs: the sanitizer does not look. */
void __lsan_disable(void) __attribute__((weak));

Test(faults, every_ioctl_from_one_on)
{
	struct fault fault = {.kind = FAULT_IOCTL, .nth = 1, .err = EIO, .lasting = true};
	struct daqiri *dq = NULL;
	struct fault_stock before;

	fault_begin(&fault_rss);
	before = fault_stock();
	if (__lsan_disable)
		__lsan_disable();
	do {
		check_lasting(&fault, &before);
	} while (fault.seen >= fault.nth++);
	cr_assert_gt(fault.nth, 40);
	cr_assert_eq(fault_open(&dq, NULL), 0, "%s", daqiri_error_detail());
	fault_check_traffic(dq, "afterwards");
	/* And while it closes: nothing can be destroyed one by one, only with the context. */
	fault.nth = 1;
	fault_arm(&fault);
	daqiri_close(dq);
	fault_arm(NULL);
	fault_check_library(&before, "closing");
	fault_end();
}

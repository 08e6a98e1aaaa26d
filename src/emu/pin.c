/* SPDX-License-Identifier: Apache-2.0 */
/* Would the kernel pin this memory? Asked of the kernel itself, page by page where it is old. */
#include "script.h"
#include "pages.h"
#include "uverbs_mem.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 5.14; older C libraries do not name them. */
#define POPULATE_READ  22
#define POPULATE_WRITE 23
#define NO_ADVICE      9999 /* no kernel's */

static uint64_t pinned_pages; /* of this process; with emu_lock */

static bool may_lock_all(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[0].effective & (1u << CAP_IPC_LOCK);
}

static int check_limit(uint64_t pages)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct rlimit limit;

	/* more than the machine has: the kernel would look for it until there is none left */
	if (pages > (uint64_t)sysconf(_SC_PHYS_PAGES))
		return -ENOMEM;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY || may_lock_all())
		return 0;
	if (!limit.rlim_cur)
		return -EPERM;
	return pinned_pages + pages > limit.rlim_cur / page ? -ENOMEM : 0;
}

/* Kernels without MADV_POPULATE: the list of mappings must cover the range without a hole. */
static int check_maps(uint64_t from, uint64_t end, bool writable)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long long low, high;
	char line[512], rights[5];

	if (!f)
		return -EFAULT;
	while (from < end && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx-%llx %4s", &low, &high, rights) != 3 || high <= from)
			continue;
		if (low > from || rights[0] != 'r' || (writable && rights[1] != 'w'))
			break;
		from = high;
	}
	fclose(f);
	return from < end ? -EFAULT : 0;
}

static int check_mapped(uint64_t from, uint64_t end, bool writable)
{
	int advice = writable ? POPULATE_WRITE : POPULATE_READ;
	void *start = (void *)(uintptr_t)from;

	/* user-mode qemu takes any advice and looks at nothing */
	if (!madvise(start, (size_t)(end - from), NO_ADVICE))
		return check_maps(from, end, writable);
	if (!madvise(start, (size_t)(end - from), advice))
		return 0;
	return errno == EINVAL ? check_maps(from, end, writable) : -EFAULT;
}

int emu_mapped(uint64_t addr, uint64_t length, bool writable)
{
	uint64_t span[2];

	if (!emu_page_span(addr, length, (uint64_t)sysconf(_SC_PAGESIZE), span))
		return -EFAULT;
	return check_mapped(span[0], span[1], writable);
}

int emu_pin(struct emu_pin *pin, uint64_t addr, uint64_t length, bool writable)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t span[2];
	int ret;

	pin->pages = 0;
	if (!emu_page_span(addr, length, page, span))
		return -EINVAL;
	/* --faults: the answer of a kernel whose limit is reached */
	if (emu_script_has(EMU_ON_REGISTER) && emu_script_hit(EMU_ON_REGISTER, 0, 0))
		return -ENOMEM;
	ret = check_limit((span[1] - span[0]) / page);
	if (!ret)
		ret = check_mapped(span[0], span[1], writable);
	if (ret)
		return ret;
	pin->pages = (span[1] - span[0]) / page;
	pinned_pages += pin->pages;
	return 0;
}

void emu_unpin(struct emu_pin *pin)
{
	pinned_pages -= pin->pages;
	pin->pages = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Attaching to a wire, leaving it, and noticing that others have gone. Control path, but tick. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "preload.h"
#include "wire.h"

#define MAGIC	    0x3465726977616471u /* changes with the layout */
#define ATTACH_LOCK 0			/* byte of the file: held while attaching */
#define SLOT_LOCK   16			/* and one for each slot from here */
#define TICK_NS	    200000000u

struct wire emu_wire = {.fd = -1};

static int byte_lock(int fd, int cmd, short type, off_t byte)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	int err;

	do
		err = EMU_REAL(fcntl)(fd, cmd, &lock);
	while (err && errno == EINTR);
	if (err)
		return -errno;
	return cmd == F_OFD_GETLK ? lock.l_type != F_UNLCK : 0;
}

static bool slot_alive(unsigned slot)
{
	return byte_lock(emu_wire.fd, F_OFD_GETLK, F_WRLCK, SLOT_LOCK + (off_t)slot) > 0;
}

bool emu_wire_lock(bool try)
{
	pthread_mutex_t *lock = &emu_wire.head->lock;
	int err = try ? pthread_mutex_trylock(lock) : pthread_mutex_lock(lock);

	if (err == EOWNERDEAD) /* rules are marked used last: what it left is whole or absent */
		err = pthread_mutex_consistent(lock);
	return err == 0;
}

void emu_wire_unlock(void)
{
	pthread_mutex_unlock(&emu_wire.head->lock);
}

/* ---- the file ------------------------------------------------------------------------------ */

static int init_head(struct wire_head *head, uint32_t size)
{
	pthread_mutexattr_t attr;
	unsigned i;

	memset(head, 0, size);
	head->n_ports = emu_settings.n_ports;
	head->size = size;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&head->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	for (i = 0; i < head->n_ports; i++) {
		head->ports[i].pub.mtu = 1500;
		head->ports[i].pub.link_up = !emu_fault(EMU_FAULT_LINK_DOWN);
		head->ports[i].pub.pause = EMU_PAUSE_RX | EMU_PAUSE_TX; /* as mlx5_core starts */
	}
	atomic_store(&head->magic, MAGIC);
	return 0;
}

static bool anybody_attached(int fd)
{
	unsigned i;

	for (i = 0; i < WIRE_PROCS; i++)
		if (byte_lock(fd, F_OFD_GETLK, F_WRLCK, SLOT_LOCK + (off_t)i) > 0)
			return true;
	return false;
}

static int no_room(char *err, size_t size, size_t need)
{
	struct statvfs fs;
	unsigned long long left = 0;

	if (statvfs(emu_settings.wire_dir, &fs) == 0)
		left = (unsigned long long)fs.f_bavail * fs.f_frsize;
	snprintf(err, size,
		 "%s: the wire's shared memory needs %zu KiB and the file system has "
		 "%llu KiB left: enlarge it (mount -o remount,size=256M /dev/shm; docker run "
		 "--shm-size=256m) or use fewer --ports",
		 emu_settings.wire_dir, need / 1024, left / 1024);
	return -ENOSPC;
}

/* All of it, now: a page that cannot be had later would be a SIGBUS. */
static int allocate(int fd, size_t need, char *err, size_t size)
{
	int rc = ftruncate(fd, 0) ? errno : 0;

	if (!rc)
		rc = posix_fallocate(fd, 0, (off_t)need);
	if (rc == ENOSPC || rc == ENOMEM || rc == EDQUOT)
		return no_room(err, size, need);
	if (rc)
		snprintf(err, size, "%s/wire: cannot allocate %zu bytes: %s", emu_settings.wire_dir,
			 need, strerror(rc));
	return -rc;
}

static int map_head(int fd, size_t need, struct wire_head **head, char *err, size_t size)
{
	*head = mmap(NULL, need, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*head == MAP_FAILED) {
		snprintf(err, size, "%s/wire: cannot map it: %s", emu_settings.wire_dir,
			 strerror(errno));
		return -ENOMEM;
	}
	return 0;
}

/* Opens the wire's memory and makes it where it is new, or of another size and used by nobody. */
static int open_head(int fd, char *err, size_t size)
{
	size_t need = sizeof(struct wire_head) + emu_settings.n_ports * sizeof(struct wire_port);
	struct wire_head *head;
	struct stat st;
	bool fresh;
	int rc;

	if (fstat(fd, &st))
		return -errno;
	fresh = (size_t)st.st_size != need;
	if (fresh && anybody_attached(fd)) {
		snprintf(err, size,
			 "%s: running programs use this wire with another number of "
			 "ports (or another version): give --ports as they do, or another --wire",
			 emu_settings.wire_dir);
		return -EBUSY;
	}
	if (fresh) {
		rc = allocate(fd, need, err, size);
		if (rc)
			return rc;
	}
	rc = map_head(fd, need, &head, err, size);
	if (rc)
		return rc;
	if (fresh || atomic_load(&head->magic) != MAGIC || head->size != need)
		init_head(head, (uint32_t)need);
	emu_wire.head = head;
	emu_wire.size = need;
	return 0;
}

/* ---- slots --------------------------------------------------------------------------------- */

/* Attach lock or wire lock held: what dead processes have left behind goes. */
static void reap(void)
{
	struct wire_head *head = emu_wire.head;
	unsigned i;

	for (i = 0; i < WIRE_PROCS; i++) {
		if (!head->procs[i].used || i == emu_wire.slot || slot_alive(i))
			continue;
		emu_wire_rules_of(i);
		emu_wire_pool_of(i);
		head->procs[i].used = 0;
	}
}

static int take_slot(char *err, size_t size)
{
	unsigned i;

	emu_wire.slot = WIRE_PROCS;
	reap();
	for (i = 0; i < WIRE_PROCS; i++) {
		if (emu_wire.head->procs[i].used ||
		    byte_lock(emu_wire.fd, F_OFD_SETLK, F_WRLCK, SLOT_LOCK + (off_t)i))
			continue;
		emu_wire.slot = i;
		memset(emu_wire.head->procs[i].alive, 0, sizeof(emu_wire.head->procs[i].alive));
		emu_wire.head->procs[i].pid = (int32_t)getpid();
		emu_wire.head->procs[i].used = 1;
		return 0;
	}
	snprintf(err, size, "%s: %u programs use this wire already, more cannot",
		 emu_settings.wire_dir, WIRE_PROCS);
	return -EUSERS;
}

static struct emu_steer *inherited[EMU_MAX_PORTS];

static int make_steers(void)
{
	unsigned i;

	for (i = 0; i < emu_settings.n_ports; i++) {
		inherited[i] = emu_wire.ports[i].steer; /* never touched again, and no leak */
		emu_wire.ports[i].steer = emu_steer_new(WIRE_RULES);
		emu_wire.ports[i].gen = 0;
		if (!emu_wire.ports[i].steer)
			return -ENOMEM;
	}
	return 0;
}

static void free_steers(void)
{
	unsigned i;

	for (i = 0; i < EMU_MAX_PORTS; i++) {
		emu_steer_free(emu_wire.ports[i].steer);
		emu_wire.ports[i].steer = NULL;
	}
}

static void unmap_head(void)
{
	if (emu_wire.head)
		munmap(emu_wire.head, emu_wire.size);
	emu_wire.head = NULL;
}

static int open_file(char *err, size_t size)
{
	char path[sizeof(emu_settings.wire_dir) + 8];
	int fd;

	snprintf(path, sizeof(path), "%s/wire", emu_settings.wire_dir);
	fd = EMU_REAL(open)(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		snprintf(err, size, "%s: cannot open the wire: %s", path, strerror(errno));
		return -errno;
	}
	emu_wire.fd = emu_file_private(fd);
	return 0;
}

static int join(char *err, size_t size)
{
	int rc = open_head(emu_wire.fd, err, size);

	if (rc)
		return rc;
	emu_wire_lock(false);
	rc = take_slot(err, size);
	emu_wire_unlock();
	if (rc)
		return rc;
	rc = make_steers();
	if (!rc)
		rc = emu_ring_create(emu_wire.slot);
	if (rc == -ENOSPC)
		return no_room(err, size, (size_t)4096 * 1024);
	if (rc)
		snprintf(err, size, "%s: cannot attach to the wire: %s", emu_settings.wire_dir,
			 strerror(-rc));
	return rc;
}

static void attach_port(struct emu_dev *dev, struct emu_wire_port *port)
{
	dev->wire = port;
	dev->link_seen = __atomic_load_n(&port->link_up, __ATOMIC_RELAXED);
}

void emu_wire_set_end(unsigned port, bool up)
{
	struct emu_wire_port *end = emu_devs[port].wire;

	if (__atomic_exchange_n(&end->link_up, up, __ATOMIC_RELAXED) && !up)
		__atomic_fetch_add(&end->count.link_downs, 1, __ATOMIC_RELAXED);
}

void emu_wire_set_link(unsigned port, bool up)
{
	emu_wire_set_end(port, up);
	emu_wire_set_end(emu_wire_peer(port), up);
}

int emu_wire_attach(char *err, size_t size)
{
	unsigned i;
	int rc;

	if (emu_wire.fd >= 0)
		return 0;
	unmap_head(); /* that of the parent, after a fork */
	rc = open_file(err, size);
	if (rc)
		return rc;
	rc = byte_lock(emu_wire.fd, F_OFD_SETLKW, F_WRLCK, ATTACH_LOCK);
	if (rc) {
		snprintf(err, size, "%s: cannot lock the wire: %s", emu_settings.wire_dir,
			 strerror(-rc));
		goto err_close;
	}
	rc = join(err, size);
	byte_lock(emu_wire.fd, F_OFD_SETLK, F_UNLCK, ATTACH_LOCK);
	if (rc)
		goto err_join;
	for (i = 0; i < emu_settings.n_ports; i++)
		attach_port(&emu_devs[i], &emu_wire.head->ports[i].pub);
	return 0;

err_join:
	free_steers();
	emu_ring_close_all();
	unmap_head();
err_close:
	emu_file_private_close(emu_wire.fd);
	emu_wire.fd = -1;
	return rc;
}

void emu_wire_detach(void)
{
	if (emu_wire.fd < 0)
		return;
	if (emu_wire_lock(false)) {
		emu_wire_rules_of(emu_wire.slot);
		emu_wire_pool_of(emu_wire.slot);
		emu_wire.head->procs[emu_wire.slot].used = 0;
		emu_wire_unlock();
	}
	emu_wire_forget();
	free_steers();
}

/*
 * The mapping stays: counters can still be read through emu_devs[].wire. The compiled rules stay,
 * too: in a child they may be half changed, the parent's engine was at work when it forked.
 */
void emu_wire_forget(void)
{
	emu_file_private_close(emu_wire.fd);
	emu_wire.fd = -1;
	emu_wire.slot = WIRE_PROCS;
	emu_ring_close_all();
}

/* What a child was born with was never its own. */
void emu_wire_resource(unsigned port, enum emu_resource what, bool more)
{
	uint32_t *n;

	if (emu_wire.fd < 0)
		return;
	n = &emu_wire.head->procs[emu_wire.slot].alive[port][what];
	if (more || *n)
		__atomic_store_n(n, more ? *n + 1 : *n - 1, __ATOMIC_RELAXED);
}

uint32_t emu_wire_resources(unsigned port, enum emu_resource what)
{
	const struct wire_proc *procs = emu_wire.head->procs;
	uint32_t sum = 0;

	for (unsigned i = 0; what < EMU_RES_COUNT && i < WIRE_PROCS; i++) {
		if (procs[i].used && (i == emu_wire.slot || slot_alive(i)))
			sum += __atomic_load_n(&procs[i].alive[port][what], __ATOMIC_RELAXED);
	}
	return sum;
}

unsigned emu_wire_slot(void)
{
	return emu_wire.slot;
}

/* Rules of the dead must not catch frames. */
void emu_wire_tick(uint64_t now_ns)
{
	if (emu_wire.fd < 0 || now_ns < emu_wire.next_tick)
		return;
	emu_wire.next_tick = now_ns + TICK_NS;
	if (!emu_wire_lock(true))
		return;
	reap();
	emu_wire_unlock();
}

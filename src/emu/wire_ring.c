/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames from process to process: each has a ring that it alone reads and that all others write
 * under the ring's lock, taken once a burst. What a writer had not published when it died was never
 * there; the lock is robust.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "preload.h"
#include "wire.h"

#define RING_SIZE    (2u << 20) /* power of two */
#define WRAP	     UINT32_MAX
#define LOCK_WAIT_NS 10000000

struct ring {
	pthread_mutex_t lock;
	_Alignas(64) _Atomic uint64_t tail; /* written by the holder of lock */
	_Alignas(64) _Atomic uint64_t head; /* written by the reader */
	_Alignas(64) uint8_t data[RING_SIZE];
};

struct record {
	uint32_t len; /* WRAP: go on at the beginning */
	uint16_t port;
	uint16_t looped;
};

static struct ring *rings[WIRE_PROCS]; /* ours and those that we have written to */

/* The ring that we hold the lock of, one at a time: two holders can then never wait in a circle. */
static struct {
	struct ring *ring;
	unsigned owner;
	uint64_t tail; /* not yet published */
} held;

static struct ring *map_ring(unsigned slot, bool create)
{
	char path[sizeof(emu_settings.wire_dir) + 16];
	struct ring *ring = NULL;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/ring.%u", emu_settings.wire_dir, slot);
	fd = EMU_REAL(open)(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
	if (fd < 0)
		return NULL;
	if (create)
		errno = posix_fallocate(fd, 0, sizeof(*ring));
	if ((create && errno) || fstat(fd, &st) || (size_t)st.st_size < sizeof(*ring))
		goto out_close;
	ring = mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		ring = NULL;
out_close:
	EMU_REAL(close)(fd);
	return ring;
}

/* The slot is ours: what another process of that slot left in the ring is thrown away. */
int emu_ring_create(unsigned slot)
{
	struct ring *ring;
	pthread_mutexattr_t attr;

	errno = 0;
	ring = map_ring(slot, true);
	if (!ring)
		return errno ? -errno : -EIO;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&ring->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	atomic_store(&ring->head, 0);
	atomic_store(&ring->tail, 0);
	rings[slot] = ring;
	return 0;
}

void emu_ring_close_all(void)
{
	unsigned i;

	held.ring = NULL;
	for (i = 0; i < WIRE_PROCS; i++) {
		if (rings[i])
			munmap(rings[i], sizeof(*rings[i]));
		rings[i] = NULL;
	}
}

static struct ring *ring_of(unsigned owner)
{
	if (!rings[owner])
		rings[owner] = map_ring(owner, false);
	return rings[owner];
}

void emu_ring_flush(void)
{
	if (!held.ring)
		return;
	/* release: the records are seen with the tail; pairs with emu_ring_poll() */
	atomic_store_explicit(&held.ring->tail, held.tail, memory_order_release);
	pthread_mutex_unlock(&held.ring->lock);
	held.ring = NULL;
}

static bool hold(unsigned owner, bool wait)
{
	struct ring *ring = ring_of(owner);
	struct timespec until;
	int err;

	if (held.ring && held.owner == owner)
		return true;
	emu_ring_flush();
	if (!ring)
		return false;
	err = pthread_mutex_trylock(&ring->lock);
	if (err == EBUSY && wait) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LOCK_WAIT_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		err = pthread_mutex_clocklock(&ring->lock, CLOCK_MONOTONIC, &until);
	}
	if (err == EOWNERDEAD)
		err = pthread_mutex_consistent(&ring->lock);
	if (err)
		return false;
	held.ring = ring;
	held.owner = owner;
	held.tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	return true;
}

static uint64_t room(const struct ring *ring)
{
	/* acquire: what the reader has read may be overwritten; pairs with its store of head */
	return RING_SIZE - (held.tail - atomic_load_explicit(&ring->head, memory_order_acquire));
}

bool emu_ring_room(unsigned owner, uint32_t bytes)
{
	if (bytes > RING_SIZE / 2)
		bytes = RING_SIZE / 2;
	return hold(owner, false) && room(held.ring) >= bytes;
}

static size_t record_size(uint32_t len)
{
	return (sizeof(struct record) + len + 15) & ~(size_t)15;
}

void emu_ring_push(unsigned owner, unsigned port, const struct emu_frame *frame)
{
	struct record rec = {frame->len, (uint16_t)port, frame->looped};
	const struct record wrap = {.len = WRAP};
	size_t size = record_size(frame->len), at;

	if (!hold(owner, true) || room(held.ring) < 2 * size + sizeof(wrap)) {
		emu_counted[port].rx_discards++;
		return;
	}
	at = held.tail & (RING_SIZE - 1);
	if (at + size > RING_SIZE) {
		memcpy(held.ring->data + at, &wrap, sizeof(wrap));
		held.tail += RING_SIZE - at;
		at = 0;
	}
	memcpy(held.ring->data + at, &rec, sizeof(rec));
	memcpy(held.ring->data + at + sizeof(rec), frame->data, frame->len);
	held.tail += size;
}

/* Copies the record's head first: another process could change it under our feet. */
static size_t take_record(const struct ring *ring, uint64_t head)
{
	size_t at = head & (RING_SIZE - 1);
	struct emu_frame frame;
	struct record rec;

	memcpy(&rec, ring->data + at, sizeof(rec));
	if (rec.len == WRAP)
		return RING_SIZE - at;
	if (rec.len > EMU_MAX_FRAME || at + record_size(rec.len) > RING_SIZE ||
	    rec.port >= emu_settings.n_ports)
		return 0;
	__builtin_prefetch(ring->data + at + record_size(rec.len));
	frame.data = ring->data + at + sizeof(rec);
	frame.len = rec.len;
	frame.ctx = NULL;
	frame.block_mc = false;
	frame.looped = rec.looped;
	if (rec.looped == EMU_FRAME_SENT)
		emu_flow_sniff_tx(rec.port, &frame, true);
	else
		emu_wire_deliver(rec.port, &frame, true);
	return record_size(rec.len);
}

unsigned emu_ring_poll(unsigned budget)
{
	struct ring *ring = emu_wire.fd >= 0 ? rings[emu_wire.slot] : NULL;
	uint64_t head, tail;
	unsigned n = 0;
	size_t size;

	if (!ring)
		return 0;
	head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	while (n < budget && head != tail) {
		size = take_record(ring, head);
		if (!size) {
			emu_complain(
				"a frame from another process is damaged: all of them dropped");
			head = tail;
			break;
		}
		head += size;
		n++;
	}
	if (n)
		atomic_store_explicit(&ring->head, head, memory_order_release);
	return n;
}

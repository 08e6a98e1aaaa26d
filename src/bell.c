/* SPDX-License-Identifier: Apache-2.0 */
#include "bell.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int dq_bell_open(struct dq_bell *bell)
{
	/* Rung from the start: a queue may have stopped before there was a bell. */
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	/* Pairs with the load in dq_stops_note(): either it sees the bell, or whoever hears the
	 * first ring sees the stop. */
	__atomic_store_n(&bell->fd, fd, __ATOMIC_SEQ_CST);
	return 0;
}

void dq_bell_close(struct dq_bell *bell)
{
	if (bell->fd >= 0)
		close(bell->fd);
	bell->fd = -1;
}

/* An eventfd that is full is readable, which is all that is wanted. */
void dq_bell_ring(const struct dq_bell *bell)
{
	int fd = __atomic_load_n(&bell->fd, __ATOMIC_SEQ_CST);
	uint64_t one = 1;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;
}

void dq_bell_hush(const struct dq_bell *bell)
{
	uint64_t rings;

	if (bell->fd >= 0 && read(bell->fd, &rings, sizeof(rings)) < 0)
		return;
}

void dq_stops_note(struct dq_stops *stops, uint64_t resets)
{
	__atomic_store_n(&stops->life, resets + 1, __ATOMIC_RELAXED);
	/* Pairs with the load in dq_stops_take(), and, before the bell's, with dq_bell_open(). */
	__atomic_store_n(&stops->n, stops->n + 1, __ATOMIC_SEQ_CST);
	if (stops->bell)
		dq_bell_ring(stops->bell);
}

bool dq_stops_take(struct dq_stops *stops)
{
	uint32_t n = __atomic_load_n(&stops->n, __ATOMIC_SEQ_CST);
	uint64_t life = __atomic_load_n(&stops->life, __ATOMIC_RELAXED);

	if (n == stops->told)
		return false;
	/* One before the last: the queue was reset since. */
	if (++stops->told != n)
		return true;
	/* Has the kernel told of the same one already? */
	if (stops->told_life == life)
		return false;
	stops->told_life = life;
	return true;
}

bool dq_stops_take_fatal(struct dq_stops *stops, uint64_t resets)
{
	if (stops->told_life == resets + 1)
		return false;
	stops->told_life = resets + 1;
	return true;
}

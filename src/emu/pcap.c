/* SPDX-License-Identifier: Apache-2.0 */
#include "pcap.h"
#include "emu_dev.h"
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BUFFER	(1u << 20)
#define TICK_NS 20000000u

/* In front of each frame. */
struct record {
	uint32_t sec, nsec;
	uint32_t kept, len;
};

bool emu_pcap_on;

static struct {
	pthread_t thread;
	int fd;
	uint8_t *buffers[2];
	unsigned fill; /* the buffer that the engine writes to */
	size_t used;   /* of it */
	uint64_t next_tick;
	pthread_mutex_t lock;
	pthread_cond_t change; /* of what follows */
	size_t ready;	       /* bytes of the other buffer to write; 0: it is free */
	bool stop;
	bool failed;
} rec = {.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};

static bool write_all(const uint8_t *data, size_t size)
{
	ssize_t n;

	while (size) {
		n = EMU_REAL(write)(rec.fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

static void *writer(void *unused)
{
	const uint8_t *data;
	size_t size;

	(void)unused;
	pthread_setname_np(pthread_self(), "emu-pcap");
	pthread_mutex_lock(&rec.lock);
	for (;;) {
		while (!rec.ready && !rec.stop)
			pthread_cond_wait(&rec.change, &rec.lock);
		if (!rec.ready)
			break;
		data = rec.buffers[!rec.fill];
		size = rec.ready;
		pthread_mutex_unlock(&rec.lock);
		if (!rec.failed && !write_all(data, size)) {
			emu_complain("--pcap %s: %s: nothing more is recorded", emu_settings.pcap,
				     strerror(errno));
			rec.failed = true;
		}
		pthread_mutex_lock(&rec.lock);
		rec.ready = 0;
		pthread_cond_broadcast(&rec.change);
	}
	pthread_mutex_unlock(&rec.lock);
	return NULL;
}

/* Gives the full buffer to the writer; waits for the other one, so that nothing is left out. */
static void hand_over(void)
{
	pthread_mutex_lock(&rec.lock);
	while (rec.ready)
		pthread_cond_wait(&rec.change, &rec.lock);
	rec.ready = rec.used;
	rec.fill = !rec.fill;
	rec.used = 0;
	pthread_cond_broadcast(&rec.change);
	pthread_mutex_unlock(&rec.lock);
}

void emu_pcap_frame(const uint8_t *data, uint32_t len)
{
	struct record head = {.kept = len, .len = len};
	struct timespec now;

	if (rec.used + sizeof(head) + len > BUFFER)
		hand_over();
	clock_gettime(CLOCK_REALTIME, &now);
	head.sec = (uint32_t)now.tv_sec;
	head.nsec = (uint32_t)now.tv_nsec;
	memcpy(rec.buffers[rec.fill] + rec.used, &head, sizeof(head));
	memcpy(rec.buffers[rec.fill] + rec.used + sizeof(head), data, len);
	rec.used += sizeof(head) + len;
}

void emu_pcap_tick(uint64_t now_ns)
{
	bool busy;

	if (!emu_pcap_on || !rec.used || now_ns < rec.next_tick)
		return;
	rec.next_tick = now_ns + TICK_NS;
	pthread_mutex_lock(&rec.lock);
	busy = rec.ready != 0;
	pthread_mutex_unlock(&rec.lock);
	if (!busy)
		hand_over();
}

static bool make_buffers(void)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!rec.buffers[i])
			rec.buffers[i] = malloc(BUFFER);
		if (!rec.buffers[i])
			return false;
	}
	return true;
}

void emu_pcap_start(void)
{
	int err = 0;

	if (!emu_settings.pcap[0] || emu_pcap_on)
		return;
	rec.fd = EMU_REAL(open)(emu_settings.pcap, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (rec.fd < 0)
		err = errno;
	else
		rec.fd = emu_file_private(rec.fd);
	if (!err && !make_buffers())
		err = ENOMEM;
	rec.stop = false;
	if (!err)
		err = pthread_create(&rec.thread, NULL, writer, NULL);
	if (err)
		emu_complain("--pcap %s: %s: nothing is recorded", emu_settings.pcap,
			     strerror(err));
	emu_pcap_on = !err;
}

void emu_pcap_stop(void)
{
	if (!emu_pcap_on)
		return;
	if (rec.used)
		hand_over();
	pthread_mutex_lock(&rec.lock);
	rec.stop = true;
	pthread_cond_broadcast(&rec.change);
	pthread_mutex_unlock(&rec.lock);
	pthread_join(rec.thread, NULL);
	emu_file_private_close(rec.fd);
	emu_pcap_on = false;
}

void emu_pcap_forget(void)
{
	if (!emu_pcap_on)
		return;
	emu_file_private_close(rec.fd);
	emu_pcap_on = false;
	rec.used = rec.ready = 0;
	pthread_mutex_init(&rec.lock, NULL); /* another thread of the parent may have had it */
	pthread_cond_init(&rec.change, NULL);
}

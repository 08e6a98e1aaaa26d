/* SPDX-License-Identifier: Apache-2.0 */
/* Public functions used wrongly: an error that says so, nothing changed, no crash. */
#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include <infiniband/verbs.h>

#include <daqiri_verbs.h>

#include "dq_kit.h"

/* An error of this number, whose detail names the function. */
#define refused(call, name)                                                                        \
	do {                                                                                       \
		int ret_ = (call);                                                                 \
		cr_assert_eq(ret_, -EINVAL, "%s: %d", #call, ret_);                                \
		assert_detail(name);                                                               \
	} while (0)

/* ---- sizes of structures --------------------------------------------------------------------- */

/* What a program was built with: room bytes, the first of which are the size. */
struct room {
	size_t size;
	uint8_t bytes[512];
};

/* Nothing behind the smaller of size and full was written. */
static void check_room(const struct room *room, size_t full)
{
	size_t end = room->size < full ? room->size : full;

	for (size_t i = end - sizeof(room->size); i < sizeof(room->bytes); i++)
		cr_assert_eq(room->bytes[i], 0xa5, "byte %zu of %zu", i, end);
}

#define CHECK_SIZES(type, call)                                                                    \
	do {                                                                                       \
		static const size_t sizes[] = {sizeof(size_t), sizeof(size_t) + 1,                 \
					       sizeof(struct type) - 1, sizeof(struct type),       \
					       sizeof(struct type) + 64};                          \
		struct room room;                                                                  \
		struct type *arg = (struct type *)(void *)&room;                                   \
                                                                                                   \
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {                    \
			memset(&room, 0xa5, sizeof(room));                                         \
			room.size = sizes[i];                                                      \
			cr_assert_geq(call, 0, "%s", daqiri_error_detail());                       \
			cr_assert_eq(room.size, sizes[i]);                                         \
			check_room(&room, sizeof(struct type));                                    \
		}                                                                                  \
		for (room.size = 0; room.size < sizeof(size_t); room.size++) {                     \
			cr_assert_eq(call, -EINVAL);                                               \
			assert_detail("size");                                                     \
		}                                                                                  \
	} while (0)

Test(misuse, structures_of_other_sizes)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_pkt bad = {.addr = 4096, .len = 60};

	CHECK_SIZES(daqiri_port_info, daqiri_port_info(l.a, arg));
	CHECK_SIZES(daqiri_region_info, daqiri_region_info(daqiri_region_find(l.dq, "rx"), arg));
	CHECK_SIZES(daqiri_rxq_info, daqiri_rxq_info(l.rx, arg));
	CHECK_SIZES(daqiri_txq_info, daqiri_txq_info(l.tx, arg));
	CHECK_SIZES(daqiri_key_info, daqiri_config_key(0, arg));
	CHECK_SIZES(daqiri_event, daqiri_event_get(l.dq, arg));
	cr_assert_eq(daqiri_tx_post(l.tx, &bad, 1), 1);
	kit_wait_error(l.tx);
	CHECK_SIZES(daqiri_queue_error, daqiri_txq_error(l.tx, arg));
	daqiri_close(l.dq);
}

/* ---- the data path --------------------------------------------------------------------------- */

/* All of the ring still works. */
static void check_ring(struct link *l)
{
	struct kit_burst burst = {.first = 500, .n = 64, .min = 60, .max = 90, .dst = MAC_B};

	for (int i = 0; i < 3; i++, burst.first += 64) {
		kit_send(l->tx, &burst);
		kit_expect(l->rx, &burst);
	}
}

Test(misuse, numbers_and_arrays_on_the_data_path)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_pkt pkts[1100];

	refused(daqiri_rx_poll(NULL, pkts, 1), "daqiri_rx_poll");
	refused(daqiri_rx_poll(l.rx, NULL, 1), "daqiri_rx_poll");
	refused(daqiri_rx_poll(l.rx, pkts, -1), "[rxq b 0]");
	refused(daqiri_rx_keep(NULL, pkts, 1), "daqiri_rx_keep");
	refused(daqiri_rx_keep(l.rx, NULL, 1), "daqiri_rx_keep");
	refused(daqiri_rx_keep(l.rx, pkts, -1), "[rxq b 0]");
	refused(daqiri_rx_give_back(NULL, pkts, 1), "daqiri_rx_give_back");
	refused(daqiri_rx_give_back(l.rx, NULL, 1), "daqiri_rx_give_back");
	refused(daqiri_rx_give_back(l.rx, pkts, -1), "[rxq b 0]");
	refused(daqiri_tx_reserve(NULL, pkts, 1), "daqiri_tx_reserve");
	refused(daqiri_tx_reserve(l.tx, NULL, 1), "daqiri_tx_reserve");
	refused(daqiri_tx_reserve(l.tx, pkts, -1), "[txq a 0]");
	refused(daqiri_tx_post(NULL, pkts, 1), "daqiri_tx_post");
	refused(daqiri_tx_post(l.tx, NULL, 1), "daqiri_tx_post");
	refused(daqiri_tx_post(l.tx, pkts, -200), "[txq a 0]");
	cr_assert_eq(daqiri_tx_completed(NULL), 0u);
	daqiri_rx_release(NULL, 1);
	cr_assert_eq(daqiri_rx_poll(l.rx, NULL, 0), 0);
	cr_assert_eq(daqiri_tx_post(l.tx, NULL, 0), 0);
	cr_assert_eq(daqiri_tx_reserve(l.tx, NULL, 0), 0);
	cr_assert_eq(daqiri_rx_poll(l.rx, pkts, 1100), 0);
	check_ring(&l);
	daqiri_close(l.dq);
}

/* Frames in the first n slots that are shown. */
static int fill_slots(struct link *l, struct daqiri_pkt *pkts, int max)
{
	int n = daqiri_tx_reserve(l->tx, pkts, max);

	for (int i = 0; i < n; i++) {
		pkts[i].len = 60;
		kit_fill((void *)(uintptr_t)pkts[i].addr, 60, MAC_B, (uint32_t)i);
	}
	return n;
}

Test(misuse, more_packets_than_the_ring_has_room_for)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_pkt pkts[1100], got[64];
	int n = fill_slots(&l, pkts, 1100);

	cr_assert(n >= 64 && n <= 1024, "%d slots", n);
	for (int i = n; i < 1100; i++)
		pkts[i] = pkts[i % n];
	cr_assert_eq(daqiri_tx_post(l.tx, pkts, 1100), 64);
	kit_wait_sent(l.tx, 64);
	cr_assert_eq(kit_receive(l.rx, got, 64), 64);
	daqiri_rx_release(l.rx, INT32_MAX);
	cr_assert_eq(kit_port_stat(l.a, "tx_full"), 1u);
	check_ring(&l);
	daqiri_close(l.dq);
}

/* Slots are counted, not told apart: posted twice, one takes the place of the next. */
Test(misuse, a_slot_posted_twice)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_pkt pkts[2], got[4];
	uint32_t number;

	for (int i = 0; i < 2000; i++) {
		cr_assert_eq(fill_slots(&l, pkts, 1), 1);
		pkts[1] = pkts[0];
		kit_post_all(l.tx, pkts, 2);
		cr_assert_eq(kit_receive(l.rx, got, 2), 2);
		for (int k = 0; k < 2; k++)
			cr_assert(kit_check((void *)(uintptr_t)got[k].addr, got[k].len, &number));
		daqiri_rx_release(l.rx, 2);
		kit_wait_sent(l.tx, 2 * (uint64_t)(i + 1));
	}
	check_ring(&l);
	daqiri_close(l.dq);
}

Test(misuse, more_released_than_polled)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkts[10];

	daqiri_rx_release(l.rx, 1);
	for (int i = 0; i < 50; i++) {
		kit_send(l.tx, &burst);
		cr_assert_eq(kit_receive(l.rx, pkts, 10), 10);
		daqiri_rx_release(l.rx, 1 + i % 10);
		daqiri_rx_release(l.rx, 0);
		daqiri_rx_release(l.rx, -5);
		daqiri_rx_release(l.rx, INT32_MAX);
		daqiri_rx_release(l.rx, 64);
	}
	check_ring(&l);
	daqiri_close(l.dq);
}

/* Memory of the program's stack, and the key of the other port's memory. */
Test(misuse, memory_that_is_not_registered_with_the_port)
{
	struct link l = kit_open_link(ONE_WAY("64") "[txq a 1]\ndepth = 64\n");
	struct daqiri_queue_error err = {.size = sizeof(err)};
	struct daqiri_region *rx = daqiri_region_find(l.dq, "rx");
	struct daqiri_region_info info = {.size = sizeof(info)};
	struct daqiri_txq *other = daqiri_txq_get(l.a, 1);
	uint8_t stack[64] = {0};
	struct daqiri_pkt pkt;

	cr_assert_eq(daqiri_tx_reserve(l.tx, &pkt, 1), 1);
	pkt.addr = (uintptr_t)stack;
	pkt.len = 60;
	cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), 1);
	err = kit_wait_error(l.tx);
	cr_assert_eq(err.syndrome, 0x04);
	cr_assert_eq(err.rebuild, DAQIRI_REBUILD_QUEUE);
	cr_assert(strstr(err.text, "protection"), "%s", err.text);
	/* Stopped: it takes nothing more, and says why. */
	cr_assert_eq(daqiri_tx_post(l.tx, &pkt, 1), -EIO);
	assert_detail("[txq a 0]");
	assert_detail("protection");
	cr_assert_eq(daqiri_tx_completed(l.tx), 0u);

	cr_assert_eq(daqiri_region_info(rx, &info), 0);
	cr_assert_eq(daqiri_region_key(rx, l.b, &pkt.key), 0);
	pkt.addr = info.addr;
	cr_assert_eq(daqiri_tx_post(other, &pkt, 1), 1);
	err = kit_wait_error(other);
	cr_assert_eq(err.syndrome, 0x04);
	cr_assert_eq(kit_receive_none(l.rx), 0);
	daqiri_close(l.dq);
}

/* ---- a queue used by two threads ------------------------------------------------------------- */

struct use {
	struct link *l;
	int poll, reserve, post;
	char detail[256];
};

static void *use_queues(void *arg)
{
	struct use *use = arg;
	struct daqiri_pkt pkt;

	use->poll = daqiri_rx_poll(use->l->rx, &pkt, 1);
	use->reserve = daqiri_tx_reserve(use->l->tx, &pkt, 1);
	use->post = daqiri_tx_post(use->l->tx, &pkt, 0);
	snprintf(use->detail, sizeof(use->detail), "%s", daqiri_error_detail());
	daqiri_rx_release(use->l->rx, 64);
	daqiri_tx_completed(use->l->tx);
	return NULL;
}

static struct use use_in_thread(struct link *l)
{
	struct use use = {.l = l};
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, use_queues, &use), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	return use;
}

/* A thread that was joined leaves its queues to others. */
Test(misuse, queues_go_over_from_a_thread_that_has_ended)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct use use = use_in_thread(&l);

	cr_assert(use.poll == 0 && use.reserve == 1 && use.post == 0, "%s", use.detail);
	check_ring(&l);
	daqiri_close(l.dq);
}

#ifdef DQ_DEBUG
Test(misuse, a_debug_build_tells_of_a_second_thread)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct kit_burst burst = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkts[10];
	struct use use;

	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(l.rx, pkts, 10), 10);
	use = use_in_thread(&l);
	cr_assert(use.poll == -EPERM && use.reserve == -EPERM && use.post == -EPERM);
	cr_assert(strstr(use.detail, "[txq a 0]") && strstr(use.detail, "thread"), "%s",
		  use.detail);
	for (int i = 0; i < 10; i++)
		cr_assert_eq(pkts[i].len, 60u);
	daqiri_rx_release(l.rx, 10);
	check_ring(&l);
	daqiri_close(l.dq);
}
#endif

/* ---- embedded: the program takes its objects down first -------------------------------------- */

static struct ibv_context *open_program(struct daqiri_attach_port *port, int i)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	cr_assert(list && list[0] && list[1]);
	*port = (struct daqiri_attach_port){
		.size = sizeof(*port), .name = i ? "b" : "a", .port_num = 1};
	port->context = ibv_open_device(list[i]);
	cr_assert_not_null(port->context);
	port->pd = ibv_alloc_pd(port->context);
	cr_assert_not_null(port->pd);
	ibv_free_device_list(list);
	return port->context;
}

/* As with the kernel: what is in use cannot be destroyed, and goes on. */
Test(misuse, the_program_destroys_what_is_in_use)
{
	static const char text[] = "[region rx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
				   "[region tx]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
				   "[port a]\n[port b]\nunmatched = queue 0\n"
				   "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n";
	struct kit_burst burst = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_attach_port ports[2];
	struct daqiri_pkt pkts[10];
	struct daqiri_config *cfg;
	struct link l;

	for (int i = 0; i < 2; i++)
		open_program(&ports[i], i);
	cr_assert_eq(daqiri_config_parse(&cfg, text, sizeof(text) - 1, "test"), 0);
	cr_assert_eq(daqiri_attach(&l.dq, cfg, ports, 2), 0, "%s", daqiri_error_detail());
	daqiri_config_destroy(cfg);
	l.tx = daqiri_txq_get(daqiri_port_find(l.dq, "a"), 0);
	l.rx = daqiri_rxq_get(daqiri_port_find(l.dq, "b"), 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(ibv_dealloc_pd(ports[i].pd), EBUSY);
	cr_assert_eq(ibv_destroy_cq(daqiri_rxq_ibv_cq(l.rx)), EBUSY);
	cr_assert_eq(ibv_destroy_wq(daqiri_rxq_ibv_wq(l.rx)), EBUSY);
	cr_assert_eq(ibv_destroy_cq(daqiri_txq_ibv_cq(l.tx)), EBUSY);
	kit_send(l.tx, &burst);
	cr_assert_eq(kit_receive(l.rx, pkts, 10), 10);
	daqiri_close(l.dq);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(ibv_dealloc_pd(ports[i].pd), 0);
		cr_assert_eq(ibv_close_device(ports[i].context), 0);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of striding queues that are kept, against a model: no memory is used twice. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "noise.h"
#include "striding_device.h"

/* The device fills buffer 0, which one packet of it keeps, and goes on in a spare. */
Test(rxq_striding_keep, a_kept_packet_takes_its_buffer_out_of_the_ring)
{
	struct daqiri_pkt pkts[N_WQES * STRIDES], one;

	device_init(0);
	for (int i = 0; i < N_WQES * STRIDES; i++)
		cr_assert(device_receive(STRIDE));
	cr_assert_eq(daqiri_rx_poll(&d.q, pkts, N_WQES * STRIDES), N_WQES * STRIDES);
	cr_assert_eq(daqiri_rx_keep(&d.q, pkts + 3, 2), 2);
	one = pkts[3];
	one.addr += STRIDE - 1; /* moved on, but still in the stride */
	cr_assert_eq(daqiri_rx_keep(&d.q, &one, 1), -EINVAL);
	daqiri_rx_release(&d.q, N_WQES * STRIDES);
	d.n_sent = 0;
	cr_assert(device_receive(STRIDE));
	cr_assert_eq(d.sent[0].addr, BASE + N_WQES * WQE_BYTES, "the first spare");
	cr_assert_eq(daqiri_rx_keep(&d.q, &(struct daqiri_pkt){.addr = d.sent[0].addr}, 1), -EINVAL,
		     "it was not polled");
	cr_assert_eq(daqiri_rx_give_back(&d.q, &one, 1), 1);
	cr_assert_eq(d.st.bufs.n_spares, 1u, "another packet of it is kept");
	cr_assert_eq(daqiri_rx_give_back(&d.q, pkts + 4, 1), 1);
	cr_assert_eq(d.st.bufs.n_spares, 2u);
}

Test(rxq_striding_keep, only_packets_that_were_polled_can_be_kept)
{
	struct daqiri_pkt pkt = {.addr = BASE};

	device_init(7);
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), -EINVAL, "none has come");
	device_receive(3 * STRIDE);
	device_receive(STRIDE);
	cr_assert_eq(daqiri_rx_poll(&d.q, &pkt, 1), 1);
	pkt.addr += 3 * STRIDE;
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), -EINVAL, "it was not polled");
	cr_assert_eq(daqiri_rx_give_back(&d.q, &pkt, 1), -EINVAL);
	pkt.addr = BASE + WQE_BYTES;
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), -EINVAL, "the device has it");
	pkt.addr = BASE + N_WQES * WQE_BYTES;
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), -EINVAL, "a spare");
	pkt.addr = BASE + N_BUFS * WQE_BYTES;
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), -EINVAL, "behind the memory");
	pkt.addr = BASE - 1;
	cr_assert_eq(daqiri_rx_keep(&d.q, &pkt, 1), -EINVAL, "before it");
}

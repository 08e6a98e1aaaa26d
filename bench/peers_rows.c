/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of bench/peers. Those of libdaqiri are what the others are compared with. */
#include "peers_lib.h"

#include <stddef.h>

#define OURS "slots are those of the ring: nothing is allocated; the flow tag comes too"

const struct peers_row peers_rows[] = {
	{"daqiri", "T0", "rtl", "", "daqiri", NULL, OURS, &peers_daqiri},
	{"daqiri-compressed", "T0", "rl", "rxq p 0.cqe_compression=on", "daqiri-compressed", NULL,
	 OURS, &peers_daqiri},
	{"daqiri-striding", "T0", "rl", "rxq p 0.rx_mode=striding", "daqiri-striding", NULL, OURS,
	 &peers_daqiri},
	{"daqiri-T1", "T1", "rl", "rxq p 0.metadata=hash,checksum", "daqiri-T1", NULL, OURS,
	 &peers_daqiri_meta},
	{"daqiri-T1-compressed", "T1", "rl",
	 "rxq p 0.metadata=hash,checksum;rxq p 0.cqe_compression=on", "daqiri-T1-compressed", NULL,
	 OURS, &peers_daqiri_meta},
	{"daqiri-T2", "T2", "rl", "rxq p 0.metadata=timestamp,hash,checksum", "daqiri-T2", NULL,
	 OURS ", and times are nanoseconds", &peers_daqiri_meta},
	{"verbs", "T0", "rtl", "", "daqiri", NULL,
	 "work requests are built and linked beforehand; with locks, as by default", &peers_verbs},
	{"verbs-ex", "T0", "rtl", "", "daqiri", NULL,
	 "receive requests are built and linked beforehand; a thread domain, so no locks",
	 &peers_verbs_ex},
	{"verbs-ex-T1", "T1", "r", "checksum", "daqiri-T1", "no hash: verbs has none",
	 "as verbs-ex, with checksum status and flow tag", &peers_verbs_ex},
	{"verbs-ex-T2", "T2", "r", "timestamp", "daqiri-T2", "no hash: verbs has none",
	 "as verbs-ex-T1, with the timestamp as the device's clock has it", &peers_verbs_ex},
};
const unsigned peers_n_rows = sizeof(peers_rows) / sizeof(peers_rows[0]);

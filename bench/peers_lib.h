/* SPDX-License-Identifier: Apache-2.0 */
/* What bench/peers measures: peers_rows.c names the rows. */
#ifndef PEERS_LIB_H
#define PEERS_LIB_H

#include "peers.h"

extern const struct peers_ops peers_daqiri, peers_daqiri_meta, peers_verbs, peers_verbs_ex;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of ethtool -S, by the names and in the order that mlx5_core has them. */
#ifndef EMU_ETHTOOL_H
#define EMU_ETHTOOL_H

#include "emu.h"

unsigned emu_ethtool_n_stats(void);
/* NULL: there are no more. */
const char *emu_ethtool_stat_name(unsigned i);
uint64_t emu_ethtool_stat(const struct emu_dev *dev, unsigned i);

#endif

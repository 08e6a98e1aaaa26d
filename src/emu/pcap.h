/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --pcap: frames as they reach the far end of the cable, in a file with nanosecond times. The
 * engine fills one of two buffers, a thread writes the other; whole records are appended at a time,
 * so that several processes may record into one file.
 */
#ifndef EMU_PCAP_H
#define EMU_PCAP_H

#include <stdbool.h>
#include <stdint.h>

/* Beginning of the file, in this machine's byte order. */
struct emu_pcap_head {
	uint32_t magic; /* EMU_PCAP_MAGIC: times are in nanoseconds */
	uint16_t major, minor;
	uint32_t zone, accuracy;
	uint32_t snap_len;
	uint32_t link_type;
};

#define EMU_PCAP_MAGIC	  0xa1b23c4du
#define EMU_PCAP_ETHERNET 1u /* LINKTYPE_ETHERNET */
#define EMU_PCAP_SNAP	  65535u

extern bool emu_pcap_on; /* the file is open */

/* By the engine's thread, but for what stands between pause() and resume(). */
void emu_pcap_frame(const uint8_t *data, uint32_t len);
void emu_pcap_tick(uint64_t now_ns); /* what was recorded does not stay in memory for long */

/* Before the engine's thread starts: opens the file of emu_settings, if there is one. */
void emu_pcap_start(void);
/* After it has ended: everything is in the file. */
void emu_pcap_stop(void);
/* In a child: the recording was its parent's, its own begins with its own engine. */
void emu_pcap_forget(void);

#endif

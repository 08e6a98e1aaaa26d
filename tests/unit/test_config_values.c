/* SPDX-License-Identifier: Apache-2.0 */
/* What each key takes. */
/* Every entry breaks one rule; the whole message counts. */
#include "bad_config.h"

static const struct bad_config values[] = {
	BAD("a version of later",
	    "[daqiri]\nversion = 2\n",
	    "bad.ini:2: [daqiri] version=2: out of range; allowed 1"),
	BAD("an unknown word",
	    "[daqiri]\nlog_level = loud\n",
	    "bad.ini:2: [daqiri] log_level=loud: unknown word; allowed off, error, warn, info, "
	    "debug, trace"),
	BAD("a word in capitals",
	    "[daqiri]\nlog_level = INFO\n",
	    "bad.ini:2: [daqiri] log_level=INFO: unknown word; allowed off, error, warn, info, "
	    "debug, trace"),
	BAD("instructions that nothing has",
	    "[daqiri]\nsimd = mmx\n",
	    "bad.ini:2: [daqiri] simd=mmx: unknown word; allowed auto, avx2, sse42, portable"),
	BAD("neither on nor off",
	    "[perf]\nlatency = yes\n",
	    "bad.ini:2: [perf] latency=yes: unknown word; allowed on, off"),
	BAD("no number",
	    "[region m]\nnum_bufs = many\n",
	    "bad.ini:2: [region m] num_bufs=many: not a number (10 or 0x10); allowed "
	    "1..4294967295"),
	BAD("a negative number",
	    "[region m]\nnum_bufs = -1\n",
	    "bad.ini:2: [region m] num_bufs=-1: not a number (10 or 0x10); allowed 1..4294967295"),
	BAD("an octal number",
	    "[region m]\nnum_bufs = 010\n",
	    "bad.ini:2: [region m] num_bufs=010: not a number (10 or 0x10); allowed 1..4294967295"),
	BAD("hexadecimal without digits",
	    "[region m]\nnum_bufs = 0x\n",
	    "bad.ini:2: [region m] num_bufs=0x: not a number (10 or 0x10); allowed 1..4294967295"),
	BAD("a number with a unit",
	    "[region m]\nnum_bufs = 1K\n",
	    "bad.ini:2: [region m] num_bufs=1K: not a number (10 or 0x10); allowed 1..4294967295"),
	BAD("more than 64 bits",
	    "[region m]\nnum_bufs = 18446744073709551616\n",
	    "bad.ini:2: [region m] num_bufs=18446744073709551616: does not fit 64 bits; allowed "
	    "1..4294967295"),
	BAD("more than 64 bits by the unit",
	    "[region m]\nbuf_size = 18446744073709551615K\n",
	    "bad.ini:2: [region m] buf_size=18446744073709551615K: does not fit 64 bits; allowed "
	    "14..1G"),
	BAD("too small",
	    "[region m]\nbuf_size = 13\n",
	    "bad.ini:2: [region m] buf_size=13: out of range; allowed 14..1G"),
	BAD("too large",
	    "[region m]\nbuf_size = 2G\n",
	    "bad.ini:2: [region m] buf_size=2G: out of range; allowed 14..1G"),
	BAD("a size with a rate's unit",
	    "[region m]\nbuf_size = 2k\n",
	    "bad.ini:2: [region m] buf_size=2k: not a size (a number, with B, K, M or G for "
	    "1024s); allowed 14..1G"),
	BAD("an alignment that is no power of two",
	    "[region m]\nalign = 96\n",
	    "bad.ini:2: [region m] align=96: must be a power of two: 64 or 128; allowed 1..1M"),
	BAD("an alignment between 2 and 4",
	    "[region m]\nalign = 3\n",
	    "bad.ini:2: [region m] align=3: must be a power of two: 2 or 4; allowed 1..1M"),
	BAD("a depth just too small",
	    "[rxq p 0]\ndepth = 63\n",
	    "bad.ini:2: [rxq p 0] depth=63: out of range; allowed auto, 64..32768"),
	BAD("a page size that is no power of two",
	    "[region m]\npage_size = 6K\n",
	    "bad.ini:2: [region m] page_size=6K: must be a power of two: 4096 or 8192; allowed "
	    "auto, 4K..16G"),
	BAD("zero depth",
	    "[rxq p 0]\ndepth = 0\n",
	    "bad.ini:2: [rxq p 0] depth=0: out of range; allowed auto, 64..32768"),
	BAD("a depth that is no power of two",
	    "[txq p 0]\ndepth = 1000\n",
	    "bad.ini:2: [txq p 0] depth=1000: must be a power of two: 512 or 1024; allowed auto, "
	    "64..32768"),
	BAD("a depth too large",
	    "[rxq p 0]\ndepth = 65536\n",
	    "bad.ini:2: [rxq p 0] depth=65536: out of range; allowed auto, 64..32768"),
	BAD("an MTU too small",
	    "[port p]\nmtu = 60\n",
	    "bad.ini:2: [port p] mtu=60: out of range; allowed keep, 68..65535"),
	BAD("no address",
	    "[port p]\naddress =\n",
	    "bad.ini:2: [port p] address=: no value; allowed RDMA-DEVICE, PCI-ADDRESS, "
	    "INTERFACE, AA:BB:CC:DD:EE:FF"),
	BAD("an address of 64 bytes",
	    "[port p]\naddress = "
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	    "bad.ini:2: [port p] "
	    "address=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: not an "
	    "address (1 to 63 characters without blank or slash); allowed RDMA-DEVICE, "
	    "PCI-ADDRESS, INTERFACE, AA:BB:CC:DD:EE:FF"),
	BAD("an address with a blank",
	    "[port p]\naddress = eth 0\n",
	    "bad.ini:2: [port p] address=eth 0: not an address (1 to 63 characters without blank "
	    "or slash); allowed RDMA-DEVICE, PCI-ADDRESS, INTERFACE, AA:BB:CC:DD:EE:FF"),
	BAD("a short MAC",
	    "[flow p f]\ndst_mac = 02:da:01\n",
	    "bad.ini:2: [flow p f] dst_mac=02:da:01: not a MAC address; allowed AA:BB:CC:DD:EE:FF"),
	BAD("a long MAC",
	    "[flow p f]\nsrc_mac = 02:da:01:00:00:01:02\n",
	    "bad.ini:2: [flow p f] src_mac=02:da:01:00:00:01:02: not a MAC address; allowed "
	    "AA:BB:CC:DD:EE:FF"),
	BAD("an EtherType that is a length",
	    "[flow p f]\nethertype = 0x05dc\n",
	    "bad.ini:2: [flow p f] ethertype=0x05dc: out of range; allowed 0x0600..0xffff"),
	BAD("no IPv4 address",
	    "[flow p f]\nipv4_src = 10.0.0.256\n",
	    "bad.ini:2: [flow p f] ipv4_src=10.0.0.256: not an IPv4 address or prefix; allowed "
	    "A.B.C.D[/LEN]"),
	BAD("a prefix of 33",
	    "[flow p f]\nipv4_src = 10.0.0.0/33\n",
	    "bad.ini:2: [flow p f] ipv4_src=10.0.0.0/33: not an IPv4 address or prefix; allowed "
	    "A.B.C.D[/LEN]"),
	BAD("bits beyond the prefix",
	    "[flow p f]\nipv4_dst = 10.1.2.3/8\n",
	    "bad.ini:2: [flow p f] ipv4_dst=10.1.2.3/8: bits beyond the prefix are set; allowed "
	    "10.0.0.0/8"),
	BAD("a port too large",
	    "[flow p f]\nudp_dst = 65536\n",
	    "bad.ini:2: [flow p f] udp_dst=65536: out of range; allowed 0..65535, N-M"),
	BAD("a range of ports backwards",
	    "[flow p f]\nudp_dst = 5-4\n",
	    "bad.ini:2: [flow p f] udp_dst=5-4: not a number (10 or 0x10), nor a range that "
	    "goes up; allowed 0..65535, N-M"),
	BAD("a priority too large",
	    "[flow p f]\npriority = 14\n",
	    "bad.ini:2: [flow p f] priority=14: out of range; allowed auto, 0..13"),
	BAD("tag 0",
	    "[flow p f]\ntag = 0\n",
	    "bad.ini:2: [flow p f] tag=0: out of range; allowed auto, 1..0xfffffe"),
	BAD("an empty element",
	    "[flow p f]\nqueue = 0,,1\n",
	    "bad.ini:2: [flow p f] queue=0,,1: not a list of queue ids, each once; allowed N[,N]"),
	BAD("a queue twice",
	    "[flow p f]\nqueue = 0,1,0\n",
	    "bad.ini:2: [flow p f] queue=0,1,0: not a list of queue ids, each once; allowed N[,N]"),
	BAD("a queue twice, by a range",
	    "[flow p f]\nqueue = 0-3,2\n",
	    "bad.ini:2: [flow p f] queue=0-3,2: not a list of queue ids, each once; allowed N[,N]"),
	BAD("a word of rss_fields twice",
	    "[flow p f]\nrss_fields = udp_src,udp_src\n",
	    "bad.ini:2: [flow p f] rss_fields=udp_src,udp_src: not a list of these words, each "
	    "once; allowed auto, ipv4_src, ipv4_dst, ipv6_src, ipv6_dst, tcp_src, tcp_dst, udp_src, "
	    "udp_dst"),
	BAD("auto beside another word",
	    "[flow p f]\nrss_fields = auto,udp_src\n",
	    "bad.ini:2: [flow p f] rss_fields=auto,udp_src: not a list of these words, each "
	    "once; allowed auto, ipv4_src, ipv4_dst, ipv6_src, ipv6_dst, tcp_src, tcp_dst, udp_src, "
	    "udp_dst"),
	BAD("unmatched without a list",
	    "[port p]\nunmatched = queue\n",
	    "bad.ini:2: [port p] unmatched=queue: not a list of queue ids, each once; allowed "
	    "kernel, drop, queue N[,N]"),
	BAD("unmatched of no queue",
	    "[port p]\nunmatched = queue x\n",
	    "bad.ini:2: [port p] unmatched=queue x: not a list of queue ids, each once; allowed "
	    "kernel, drop, queue N[,N]"),
	BAD("a region's port of 32 bytes",
	    "[region m]\nports = pppppppppppppppppppppppppppppppp\n",
	    "bad.ini:2: [region m] ports=pppppppppppppppppppppppppppppppp: not a name, or a list "
	    "of names, each once; allowed auto, NAME[,NAME]"),
	BAD("a region's port twice",
	    "[region m]\nports = p,p\n",
	    "bad.ini:2: [region m] ports=p,p: not a name, or a list of names, each once; allowed "
	    "auto, NAME[,NAME]"),
	BAD("a time without a number",
	    "[perf]\nduration = s\n",
	    "bad.ini:2: [perf] duration=s: not a time (a number with ns, us, ms or s); allowed "
	    "0s..10000000s"),
	BAD("a time with an unknown unit",
	    "[perf]\nduration = 1min\n",
	    "bad.ini:2: [perf] duration=1min: not a time (a number with ns, us, ms or s); "
	    "allowed 0s..10000000s"),
	BAD("a rate of 0",
	    "[stream s]\nrate = 0\n",
	    "bad.ini:2: [stream s] rate=0: not a rate (a number above 0, with k, M or G for "
	    "1000s, then bps for bits); allowed max, N[k|M|G][bps]"),
	BAD("a rate with a size's unit",
	    "[stream s]\nrate = 10K\n",
	    "bad.ini:2: [stream s] rate=10K: not a rate (a number above 0, with k, M or G for "
	    "1000s, then bps for bits); allowed max, N[k|M|G][bps]"),
	BAD("a frame too short",
	    "[stream s]\nsize = 64,59\n",
	    "bad.ini:2: [stream s] size=64,59: not a list of sizes; allowed 60..65535, imix"),
	BAD("imix beside a size",
	    "[stream s]\nsize = imix,64\n",
	    "bad.ini:2: [stream s] size=imix,64: not a list of sizes; allowed 60..65535, imix"),
	BAD("a stream of a port with a long name",
	    "[stream s]\ntx = pppppppppppppppppppppppppppppppp 0\n",
	    "bad.ini:2: [stream s] tx=pppppppppppppppppppppppppppppppp 0: not a port's name and "
	    "a queue's id; allowed PORT QUEUE"),
	BAD("a stream's end without a queue",
	    "[stream s]\ntx = p\n",
	    "bad.ini:2: [stream s] tx=p: not a port's name and a queue's id; allowed PORT QUEUE"),
	BAD("a pair without >",
	    "[stream s]\nipv4 = 1.2.3.4 5.6.7.8\n",
	    "bad.ini:2: [stream s] ipv4=1.2.3.4 5.6.7.8: not a pair of addresses, source > "
	    "destination; allowed A.B.C.D > A.B.C.D"),
	BAD("a range of ports too far",
	    "[stream s]\nudp = 1-65536 > 1\n",
	    "bad.ini:2: [stream s] udp=1-65536 > 1: not a pair of ports or ranges of ports, "
	    "source > destination; allowed P[-P] > P[-P]"),
	BAD("half a pair",
	    "[stream s]\nudp = 4000 >\n",
	    "bad.ini:2: [stream s] udp=4000 >: not a pair of ports or ranges of ports, source > "
	    "destination; allowed P[-P] > P[-P]"),
	BAD("half a pair of addresses",
	    "[stream s]\nipv6 = ::1 > 1.2.3.4\n",
	    "bad.ini:2: [stream s] ipv6=::1 > 1.2.3.4: not a pair of addresses, source > "
	    "destination; allowed ADDRESS > ADDRESS"),
	BAD("a VLAN id that is none",
	    "[stream s]\nvlan = 0\n",
	    "bad.ini:2: [stream s] vlan=0: out of range; allowed 1..4094"),
	BAD("a list where there is one queue",
	    "[rxq p 0]\ncpu_core = 1,2\n",
	    "bad.ini:2: [rxq p 0] cpu_core=1,2: one value is wanted: a list is for [rxq PORT 0-3]"),
	BAD("a list that is too short",
	    "[rxq p 0-3]\ncpu_core = 8-10\n",
	    "bad.ini:2: [rxq p 0-3] cpu_core=8-10: 3 values for 4 queues; allowed one, or 4"),
	BAD("a list that is too long",
	    "[rxq p 0-1]\ndepth = 64,128,256\n",
	    "bad.ini:2: [rxq p 0-1] depth=64,128,256: 3 values for 2 queues; allowed one, or 2"),
	BAD("a bad element of a spread list",
	    "[rxq p 0-1]\ndepth = 64,100\n",
	    "bad.ini:2: [rxq p 0-1] depth=100: must be a power of two: 64 or 128; allowed auto, "
	    "64..32768"),
};

static const struct bad_config later[] = {
	BAD("promiscuous",
	    "[port p]\npromiscuous = on\n",
	    "bad.ini:1: [port p] address: missing; allowed RDMA-DEVICE, PCI-ADDRESS, INTERFACE, "
	    "AA:BB:CC:DD:EE:FF"),
	BAD("allmulticast",
	    "[port p]\nallmulticast = on\n",
	    "bad.ini:1: [port p] address: missing; allowed RDMA-DEVICE, PCI-ADDRESS, INTERFACE, "
	    "AA:BB:CC:DD:EE:FF"),
	BAD("loopback = sw",
	    "[port p]\nloopback = sw\n",
	    "bad.ini:2: [port p] loopback=sw: a value of NVIDIA DAQIRI that has no meaning here; "
	    "allowed off, hw"),
	BAD("pause = off",
	    "[port p]\npause = off\n",
	    "bad.ini:2: [port p] pause=off: not supported yet; allowed keep"),
	BAD("three regions",
	    "[rxq p 0]\nregions = a,b,c\n",
	    "bad.ini:2: [rxq p 0] regions=a,b,c: not a name, or a list of names, each once; "
	    "allowed NAME, HEADER,PAYLOAD"),
	BAD("one region twice",
	    "[rxq p 0]\nregions = a,a\n",
	    "bad.ini:2: [rxq p 0] regions=a,a: not a name, or a list of names, each once; "
	    "allowed NAME, HEADER,PAYLOAD"),
	BAD("a split of nothing",
	    "[rxq p 0]\nsplit = 0\n",
	    "bad.ini:2: [rxq p 0] split=0: out of range; allowed auto, 1..64K"),
	BAD("another mode",
	    "[rxq p 0]\nmode = polled\n",
	    "bad.ini:2: [rxq p 0] mode=polled: unknown word; allowed direct, worker"),
	BAD("a batch of none",
	    "[txq p 0]\nbatch = 0\n",
	    "bad.ini:2: [txq p 0] batch=0: out of range; allowed 1..4096"),
	BAD("none and more metadata",
	    "[rxq p 0]\nmetadata = none, hash\n",
	    "bad.ini:2: [rxq p 0] metadata=none, hash: not a list of these words, each once; "
	    "allowed none, timestamp, hash, checksum, vlan, type"),
	BAD("key = forward to nowhere",
	    "[rxq p 0]\nkey = forward\n",
	    "bad.ini:2: [rxq p 0] key=forward: unknown word; allowed flow, forward PORT"),
	BAD("pacing",
	    "[txq p 0]\npacing_mbps = 4000001\n",
	    "bad.ini:2: [txq p 0] pacing_mbps=4000001: out of range; allowed 0, 1..4000000"),
	BAD("tx_inline",
	    "[txq p 0]\ntx_inline = 1025\n",
	    "bad.ini:2: [txq p 0] tx_inline=1025: out of range; allowed off, 1..1K"),
	BAD("vlan_push",
	    "[txq p 0]\nvlan_push = 4095\n",
	    "bad.ini:2: [txq p 0] vlan_push=4095: out of range; allowed 0..4094"),
	BAD("vlan_push_tpid",
	    "[txq p 0]\nvlan_push = 5\nvlan_push_tpid = 0x9100\n",
	    "bad.ini:3: [txq p 0] vlan_push_tpid=0x9100: not supported yet; allowed 0x8100, 0x88a8"),
	BAD("a range of ports too large",
	    "[flow p f]\nudp_dst = 5000-65536\n",
	    "bad.ini:2: [flow p f] udp_dst=5000-65536: not a number (10 or 0x10), nor a range that "
	    "goes up; allowed 0..65535, N-M"),
	BAD("a VLAN id too large",
	    "[flow p f]\nvlan_id = 4096\n",
	    "bad.ini:2: [flow p f] vlan_id=4096: out of range; allowed 0..4095"),
	BAD("no IPv6 address",
	    "[flow p f]\nipv6_src = 10.0.0.1\n",
	    "bad.ini:2: [flow p f] ipv6_src=10.0.0.1: not an IPv6 address or prefix; allowed "
	    "ADDRESS[/LEN]"),
	BAD("an IPv6 prefix too long",
	    "[flow p f]\nipv6_src = fd00::/129\n",
	    "bad.ini:2: [flow p f] ipv6_src=fd00::/129: not an IPv6 address or prefix; allowed "
	    "ADDRESS[/LEN]"),
	BAD("bits beyond the IPv6 prefix",
	    "[flow p f]\nipv6_dst = fd00:1:2::1/40\n",
	    "bad.ini:2: [flow p f] ipv6_dst=fd00:1:2::1/40: bits beyond the prefix are set; allowed "
	    "fd00:1::/40"),
	BAD("half an RSS key",
	    "[flow p f]\nrss_key = 6d5a\n",
	    "bad.ini:2: [flow p f] rss_key=6d5a: not 40 bytes in 80 hexadecimal digits; "
	    "allowed default, symmetric, HEX"),
	BAD("the end of life",
	    "[tunnel t]\nttl = 0\n",
	    "bad.ini:2: [tunnel t] ttl=0: out of range; allowed 1..255"),
};

Test(bad_config, values)
{
	EXPECT_REFUSED(values);
}

Test(bad_config, later)
{
	EXPECT_REFUSED(later);
}

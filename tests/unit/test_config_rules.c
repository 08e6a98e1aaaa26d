/* SPDX-License-Identifier: Apache-2.0 */
/* What one section says of another. */
/* Every entry breaks one rule; the whole message counts. */
#include "bad_config.h"

#define MEMORY "[region m]\nkind = host\nnum_bufs = 1024\nbuf_size = 2K\n"
#define PORT   "[port p]\naddress = eth0\n"
#define QUEUE  "[rxq p 0]\nregions = m\n"

static const struct bad_config between_sections[] = {
	BAD("kind missing", "[region m]\nnum_bufs = 64\nbuf_size = 2K\n",
	    "bad.ini:1: [region m] kind: missing; allowed host, huge, "
	    "host_pinned, device, app"),
	BAD("num_bufs missing", "[region m]\nkind = host\nbuf_size = 2K\n",
	    "bad.ini:1: [region m] num_bufs: missing; allowed 1..4294967295"),
	BAD("address missing", "[port p]\n",
	    "bad.ini:1: [port p] address: missing; allowed RDMA-DEVICE, PCI-ADDRESS, INTERFACE, "
	    "AA:BB:CC:DD:EE:FF"),
	BAD("queue missing", MEMORY PORT QUEUE "[flow p f]\nudp_dst = 1\n",
	    "bad.ini:9: [flow p f] queue: missing; allowed N[,N], or drop = on"),
	BAD("queue and drop", MEMORY PORT QUEUE "[flow p f]\nudp_dst = 1\nqueue = 0\ndrop = on\n",
	    "bad.ini:12: [flow p f] drop=on: the flow has a queue too: one of them is enough"),
	BAD("RSS of what is dropped",
	    MEMORY PORT QUEUE "[flow p f]\nudp_dst = 1\ndrop = on\nrss_fields = udp_src\n",
	    "bad.ini:12: [flow p f] rss_fields=udp_src: the flow drops its frames: there is nothing "
	    "to spread"),
	BAD("two ports of one address", "[port a]\naddress = x\n[port b]\naddress = x\n",
	    "bad.ini:4: [port b] address=x: the address of [port a] too; every port has its own"),
	BAD("a page size of kind host",
	    "[region m]\nkind = host\nnum_bufs = 64\nbuf_size = 2K\npage_size = 2M\n",
	    "bad.ini:5: [region m] page_size=2M: only kind huge has a page size; allowed auto"),
	BAD("a GPU of kind huge",
	    "[region m]\nkind = huge\nnum_bufs = 64\nbuf_size = 2K\naffinity = 0000:65:00.0\n",
	    "bad.ini:5: [region m] affinity=0000:65:00.0: a GPU, and kind huge lies on a NUMA "
	    "node; allowed auto, 0..1023"),
	BAD("a place for the program's memory",
	    "[region m]\nkind = app\nnum_bufs = 64\nbuf_size = 2K\naffinity = 1\n",
	    "bad.ini:5: [region m] affinity=1: the program's memory is where it is; allowed auto"),
	BAD("a NUMA node of kind device",
	    "[region m]\nkind = device\nnum_bufs = 64\nbuf_size = 2K\nnuma = 1\n",
	    "bad.ini:5: [region m] numa=1: kind device has no NUMA node to choose; allowed auto"),
	BAD("a way to GPU memory of kind host_pinned",
	    "[region m]\nkind = host_pinned\nnum_bufs = 64\nbuf_size = 2K\ngpu_export = dmabuf\n",
	    "bad.ini:5: [region m] gpu_export=dmabuf: only kinds device and app have memory of a "
	    "GPU; allowed auto"),
	BAD("no GPU's name", "[region m]\naffinity = GPU0\n",
	    "bad.ini:2: [region m] affinity=GPU0: not a number (10 or 0x10); allowed auto, "
	    "0..1023, "
	    "GPU"),
	BAD("numa against affinity",
	    "[region m]\nkind = huge\nnum_bufs = 64\nbuf_size = 2K\naffinity = 0\nnuma = 1\n",
	    "bad.ini:6: [region m] numa=1: affinity names another node; allowed 0"),
	BAD("a region's port that is not there",
	    "[region m]\nkind = host\nnum_bufs = 64\nbuf_size = 2K\nports = p\n",
	    "bad.ini:5: [region m] ports=p: there is no [port p]"),
	BAD("a queue's port that is not there", MEMORY PORT "[rxq q 0]\nregions = m\n",
	    "bad.ini:7: [rxq q 0]: there is no [port q]; did you mean p?"),
	BAD("a port to forward to that is not there", MEMORY PORT QUEUE "key = forward P\n",
	    "bad.ini:9: [rxq p 0] key=forward P: there is no [port P]; did you mean p?"),
	BAD("a queue's port misspelt",
	    "[region m]\nkind = host\nnum_bufs = 1024\nbuf_size = 2K\n[port left]\naddress = "
	    "eth0\n[rxq leftt 0]\nregions = m\n",
	    "bad.ini:7: [rxq leftt 0]: there is no [port leftt]; did you mean left?"),
	BAD("a region that is not there", MEMORY PORT "[rxq p 0]\nregions = other\n",
	    "bad.ini:8: [rxq p 0] regions=other: there is no [region other]"),
	BAD("a region misspelt",
	    "[region main]\nkind = host\nnum_bufs = 1024\nbuf_size = 2K\n[port p]\naddress = "
	    "eth0\n[txq p 0]\nregions = maim\n",
	    "bad.ini:8: [txq p 0] regions=maim: there is no [region maim]; did you mean main?"),
	BAD("a receive queue without a region", MEMORY PORT "[rxq p 0]\ndepth = 64\n",
	    "bad.ini:7: [rxq p 0] regions: missing; allowed NAME of a region, or kind, num_bufs "
	    "and buf_size"),
	BAD("a worker without a core", MEMORY PORT QUEUE "mode = worker\n",
	    "bad.ini:7: [rxq p 0] cpu_core: missing: mode = worker pins the thread that serves the "
	    "queue to a core; allowed 0..4095"),
	BAD("a batch that is never full",
	    MEMORY PORT QUEUE "mode = worker\ncpu_core = 1\nbatch = 2000\n",
	    "bad.ini:11: [rxq p 0] batch=2000: above the queue's depth: it would never be full; "
	    "must "
	    "be at most 1024"),
	BAD("a clock of no time stamps", MEMORY PORT QUEUE "metadata = hash\nclock = real\n",
	    "bad.ini:10: [rxq p 0] clock=real: there are no time stamps: add timestamp to "
	    "metadata; "
	    "allowed auto"),
	BAD("metadata of a worker",
	    MEMORY PORT QUEUE "mode = worker\ncpu_core = 1\nmetadata = hash\n",
	    "bad.ini:11: [rxq p 0] metadata=hash: with mode = worker packets are handed over "
	    "without; "
	    "allowed none"),
	BAD("a sending worker without a core", MEMORY PORT "[txq p 0]\nmode = worker\n",
	    "bad.ini:7: [txq p 0] cpu_core: missing: mode = worker pins the thread that serves the "
	    "queue to a core; allowed 0..4095"),
	BAD("times of compressed completions",
	    MEMORY PORT QUEUE "metadata = hash, timestamp\ncqe_compression = on\n",
	    "bad.ini:10: [rxq p 0] cqe_compression=on: no compressed completion tells a packet's "
	    "time, which metadata=timestamp asks for: one or the other"),
	BAD("hashes of compressed completions of strides",
	    MEMORY PORT QUEUE "metadata = hash\nrx_mode = striding\ncqe_compression = on\n",
	    "bad.ini:11: [rxq p 0] cqe_compression=on: with rx_mode=striding no compressed "
	    "completion tells a hash, which metadata=hash asks for: one or the other"),
	BAD("a region and a private one", MEMORY PORT QUEUE "kind = host\n",
	    "bad.ini:9: [rxq p 0] kind=host: the queue has regions=m already: one or the other"),
	BAD("half a private region", MEMORY PORT "[txq p 0]\nkind = host\nbuf_size = 2K\n",
	    "bad.ini:7: [txq p 0] num_bufs: missing: a private region takes kind, num_bufs and "
	    "buf_size"),
	BAD("depths above num_bufs", MEMORY PORT "[rxq p 0-1]\nregions = m\ndepth = 1024\n",
	    "bad.ini:3: [region m] num_bufs=1024: less than the sum of its queues' depths, 2048; "
	    "must be at least 2048"),
	BAD("a depth above num_bufs", MEMORY PORT "[txq p 0]\nregions = m\ndepth = 2048\n",
	    "bad.ini:3: [region m] num_bufs=1024: less than the sum of its queues' depths, 2048; "
	    "must be at least 2048"),
	BAD("more strides than num_bufs gives",
	    "[region m]\nkind = host\nnum_bufs = 100\nbuf_size = 9000\n" PORT
	    "[rxq p 0]\nregions = m\nrx_mode = striding\ndepth = 512\n",
	    "bad.ini:3: [region m] num_bufs=100: less than what its queues' depths take, 117 (with "
	    "rx_mode=striding depth is in strides, of 2048 bytes here); must be at least 117"),
	BAD("too few strides for auto",
	    "[port p]\naddress = x\n[rxq p 0]\nkind = host\nnum_bufs = 63\nbuf_size = 2K\n"
	    "rx_mode = striding\n",
	    "bad.ini:5: [rxq p 0] num_bufs=63: leaves the queue less than 64 buffers; must be at "
	    "least 64"),
	BAD("strides that are no cache lines",
	    "[region m]\nkind = host\nnum_bufs = 100\nbuf_size = 2K\nalign = 32\n" PORT
	    "[rxq p 0]\nregions = m\nrx_mode = striding\n",
	    "bad.ini:5: [region m] align=32: feeds a queue with rx_mode=striding, whose strides "
	    "are "
	    "whole cache lines; must be 64 to 8192"),
	BAD("an alignment beyond strides",
	    "[region m]\nkind = host\nnum_bufs = 100\nbuf_size = 2K\nalign = 16384\n" PORT
	    "[rxq p 0]\nregions = m\nrx_mode = striding\n",
	    "bad.ini:5: [region m] align=16384: feeds a queue with rx_mode=striding, whose strides "
	    "are whole cache lines; must be 64 to 8192"),
	BAD("nothing left for auto", MEMORY PORT QUEUE "depth = 1024\n[txq p 0]\nregions = m\n",
	    "bad.ini:3: [region m] num_bufs=1024: leaves the queue less than 64 buffers; must be "
	    "at least 1088"),
	BAD("too few for one queue",
	    "[port p]\naddress = x\n[rxq p 0]\nkind = host\nnum_bufs = 63\nbuf_size = 2K\n",
	    "bad.ini:5: [rxq p 0] num_bufs=63: leaves the queue less than 64 buffers; must be at "
	    "least 64"),
	BAD("too few for several queues",
	    "[region m]\nkind = host\nnum_bufs = 100\nbuf_size = 2K\n[port p]\naddress = eth0\n"
	    "[rxq p 0-1]\nregions = m\n",
	    "bad.ini:3: [region m] num_bufs=100: leaves each queue less than 64 buffers; must be "
	    "at least 128"),
	BAD("a flow's port that is not there",
	    MEMORY PORT QUEUE "[flow q f]\nudp_dst = 1\nqueue = 0\n",
	    "bad.ini:9: [flow q f]: there is no [port q]; did you mean p?"),
	BAD("a flow's queue that is not there",
	    MEMORY PORT QUEUE "[flow p f]\nudp_dst = 1\nqueue = 1\n",
	    "bad.ini:11: [flow p f] queue=1: there is no [rxq p 1]"),
	BAD("a flow that matches all", MEMORY PORT QUEUE "[flow p f]\nqueue = 0\n",
	    "bad.ini:9: [flow p f]: matches nothing in particular: give a match such as udp_dst, "
	    "or use unmatched = queue N in the [port]"),
	BAD("an ethertype against ipv4", MEMORY PORT QUEUE "[flow p f]\nethertype = 0x86dd\nipv4_src = 10.0.0.1\nqueue = 0\n",
	    "bad.ini:10: [flow p f] ethertype=0x86dd: contradicts the IPv4 address; "
	    "allowed 0x0800, which may be left out"),
	BAD("an ethertype against ipv6", MEMORY PORT QUEUE "[flow p f]\nethertype = 0x0800\nipv6_src = ::1\nqueue = 0\n",
	    "bad.ini:10: [flow p f] ethertype=0x0800: contradicts the IPv6 address; "
	    "allowed 0x86dd, which may be left out"),
	BAD("an ethertype against ports", MEMORY PORT QUEUE "[flow p f]\nethertype = 0x0806\ntcp_src = 1\nqueue = 0\n",
	    "bad.ini:10: [flow p f] ethertype=0x0806: contradicts the match of IP's protocol "
	    "or of its ports; allowed 0x0800, 0x86dd"),
	BAD("two kinds of addresses", MEMORY PORT QUEUE "[flow p f]\nipv4_src = 10.0.0.1\nipv6_dst = ::1\nqueue = 0\n",
	    "bad.ini:11: [flow p f] ipv6_dst=::1: an IPv4 address is given, too, and no "
	    "frame has both: make two flows"),
	BAD("two kinds of ports", MEMORY PORT QUEUE "[flow p f]\nudp_src = 1\ntcp_dst = 1\nqueue = 0\n",
	    "bad.ini:11: [flow p f] tcp_dst=1: a UDP port is given, too, and no frame has "
	    "both: make two flows"),
	BAD("a protocol against UDP", MEMORY PORT QUEUE "[flow p f]\nudp_src = 1\nip_proto = 6\nqueue = 0\n",
	    "bad.ini:11: [flow p f] ip_proto=6: contradicts the UDP port; allowed 17, which "
	    "may be left out"),
	BAD("a protocol against TCP", MEMORY PORT QUEUE "[flow p f]\ntcp_src = 1\nip_proto = 17\nqueue = 0\n",
	    "bad.ini:11: [flow p f] ip_proto=17: contradicts the TCP port; allowed 6, which "
	    "may be left out"),
	BAD("protocol 0 alone", MEMORY PORT QUEUE "[flow p f]\nip_proto = 0\nqueue = 0\n",
	    "bad.ini:10: [flow p f] ip_proto=0: the NIC takes frames without IP for such, too: "
	    "add ethertype = 0x86dd or 0x0800"),
	BAD("decap of no tunnel",
	    MEMORY PORT QUEUE "[flow p f]\ndecap = t\nqueue = 0\n",
	    "bad.ini:10: [flow p f] decap=t: there is no [tunnel t]"),
	BAD("a tunnel without what tells it", "[tunnel t]\ntype = nvgre\n",
	    "bad.ini:2: [tunnel t] type=nvgre: needs tni"),
	BAD("a tunnel's key of another type", "[tunnel t]\ntype = gre\nvni = 5\n",
	    "bad.ini:3: [tunnel t] vni=5: is of type = vxlan only"),
	BAD("decap and drop",
	    "[tunnel t]\ntype = vxlan\nvni = 1\n" MEMORY PORT QUEUE
	    "[flow p f]\ndecap = t\ndrop = on\n",
	    "bad.ini:13: [flow p f] decap=t: the flow drops its frames: leave it out"),
	BAD("inner RSS of what has no inside any more",
	    "[tunnel t]\ntype = vxlan\nvni = 1\n" MEMORY PORT QUEUE
	    "[rxq p 1]\nregions = m\n[flow p f]\ndecap = t\nqueue = 0,1\nrss_level = inner\n",
	    "bad.ini:17: [flow p f] rss_level=inner: decap leaves no tunnel, and what was in it is "
	    "hashed: use outer"),
	BAD("RSS of what is no IP",
	    MEMORY PORT QUEUE "[rxq p 1]\nregions = m\n[flow p f]\nethertype = 0x88b5\nqueue = "
			      "0,1\n",
	    "bad.ini:13: [flow p f] queue=0,1: RSS hashes fields of IP, UDP and TCP, which frames "
	    "of this ethertype lack; allowed one queue"),
	BAD("RSS by what is not there",
	    MEMORY PORT QUEUE "[rxq p 1]\nregions = m\n[flow p f]\ntcp_src = 1\nqueue = 0,1\n"
			      "rss_fields = udp_src,udp_dst\n",
	    "bad.ini:14: [flow p f] rss_fields=udp_src,udp_dst: no frame that the flow matches has "
	    "any of these fields"),
	BAD("an RSS key of one queue",
	    MEMORY PORT QUEUE "[flow p f]\nudp_dst = 1\nqueue = 0\nrss_key = symmetric\n",
	    "bad.ini:12: [flow p f] rss_key=symmetric: the flow has one queue: there is nothing "
	    "to spread"),
	BAD("rss_fields of one queue",
	    MEMORY PORT QUEUE "[flow p f]\nudp_dst = 1\nqueue = 0\nrss_fields = udp_src\n",
	    "bad.ini:12: [flow p f] rss_fields=udp_src: the flow has one queue: there is nothing "
	    "to spread"),
	BAD("two flows of one match",
	    MEMORY PORT QUEUE "[flow p a]\nudp_dst = 1\nqueue = 0\n[flow p b]\nudp_dst = 0x1\n"
			      "queue = 0\n",
	    "bad.ini:12: [flow p b]: matches the same frames as [flow p a] (bad.ini:9); one flow "
	    "with queue = A,B spreads them"),
	BAD("two flows of one tag",
	    MEMORY PORT QUEUE "[flow p a]\nudp_dst = 1\nqueue = 0\ntag = 7\n[flow p b]\nudp_dst "
			      "= 2\nqueue = 0\ntag = 7\n",
	    "bad.ini:16: [flow p b] tag=7: the tag of [flow p a] (bad.ini:9) too"),
	BAD("unmatched to a queue that is not there",
	    MEMORY PORT QUEUE "[port r]\naddress = y\nunmatched = queue 0\n",
	    "bad.ini:11: [port r] unmatched=queue 0: there is no [rxq r 0]"),
	BAD("a stream without ends", "[stream s]\nsize = 64\n",
	    "bad.ini:1: [stream s]: has neither tx nor rx; allowed tx = PORT QUEUE, rx = PORT "
	    "QUEUE, or both"),
	BAD("a stream of a port that is not there", MEMORY PORT "[stream s]\nrx = q 0\n",
	    "bad.ini:8: [stream s] rx=q 0: there is no [port q]; did you mean p?"),
	BAD("a stream of a queue that is not there", MEMORY PORT QUEUE "[stream s]\ntx = p 0\n",
	    "bad.ini:10: [stream s] tx=p 0: there is no [txq p 0]"),
	BAD("a stream on a queue without slots", MEMORY PORT "[txq p 0]\n[stream s]\ntx = p 0\n",
	    "bad.ini:9: [stream s] tx=p 0: [txq p 0] has no region to build frames in: give it "
	    "regions"),
	BAD("a stream of frames too long",
	    MEMORY PORT QUEUE "[stream s]\nrx = p 0\nsize = 64,9000\n",
	    "bad.ini:11: [stream s] size=64,9000: longer than the buf_size of bad.ini:1: [region "
	    "m]; allowed up to 2048"),
	BAD("a stream of both IPs",
	    MEMORY PORT QUEUE "[stream s]\nrx = p 0\nipv4 = 1.2.3.4 > 1.2.3.5\nipv6 = ::1 > ::2\n",
	    "bad.ini:12: [stream s] ipv6=::1 > ::2: the stream has ipv4 already: one of them"),
};

Test(bad_config, between_sections)
{
	EXPECT_REFUSED(between_sections);
}

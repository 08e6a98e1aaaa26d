#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every match with every action, by frames that scapy makes.

match_table.py make DIR [KEYS]: writes DIR/ROW.ini and DIR/ROW.pcap for match_replay, and prints how
many; KEYS: of this match only.
match_table.py judge LINES [KEYS]: reads what match_replay printed, and prints the table; 1: a row is
wrong.

A match is added as a call of match(), an action as an Action. Of each row all frames are sent in
turn; those that match must come once where the action sends them, and as it leaves them, the others
unchanged and once to queue 0, which takes what no flow matches, or not at all.

MATCH_NO_DEVX=1: of actions that count alone, on a device without DevX.
"""
import os
import socket
import struct
import sys

from scapy.all import Dot1Q, Ether, GRE, ICMP, IP, IPv6, Raw, TCP, UDP, raw, wrpcap
from scapy.layers.vxlan import VXLAN

A, B = "02:da:01:00:00:01", "02:da:01:00:00:02"
TAG = 4711
LAST = 0xffffff

MATCHES = []


def ether(**fields):
    return Ether(**{"src": A, "dst": B, **fields})


def v4(**fields):
    return ether() / IP(**{"src": "10.9.9.9", "dst": "10.8.8.8", **fields})


def v6(**fields):
    return ether() / IPv6(**{"src": "2001:db8:9::9", "dst": "2001:db8:8::8", **fields})


def udp(sport=7001, dport=7002):
    return UDP(sport=sport, dport=dport)


def tcp(sport=7001, dport=7002):
    return TCP(sport=sport, dport=dport, flags="A")


def vxlan(vni, inner=None):
    return v4() / UDP(sport=50000, dport=4789) / VXLAN(vni=vni, flags=8) / (inner or v4() / udp())


def nvgre(tni, inner=None, flow=7):
    return v4() / GRE(proto=0x6558, key_present=1, key=tni << 8 | flow) / (inner or v4() / udp())


def tagged(vlan, inner):
    return ether() / Dot1Q(vlan=vlan) / inner


def gre(key, inner=None):
    return v4() / GRE(key_present=1, key=key) / (inner or IP(src="10.1.1.1", dst="10.2.2.2") / udp())


def ecpri(kind, ident, **fields):
    body = struct.pack("!BBHHH", 0x10, kind, 40, ident, 0)
    return ether(type=0xaefe, **fields) / Raw(body)


def word(value, dport=6000, offset=4):
    return v4() / udp(dport=dport) / Raw(bytes(offset) + struct.pack("!I", value))


def match(keys, good, bad, sections="", tag=False, hashed=True):
    """keys: of the flow, one a line. sections: that it needs; tag: frames have one to take out.
    hashed: frames have what RSS spreads them by; else several queues are to be refused."""
    MATCHES.append((keys, good, bad, sections, tag, hashed))


NO_RSS = "RSS hashes fields of IP, UDP and TCP, which frames of this ethertype lack"


# ---- Ethernet and VLAN
match("src_mac = 02:00:00:00:00:77", [ether(src="02:00:00:00:00:77") / IP() / udp(),
      ether(src="02:00:00:00:00:77", type=0x88b5)],
      [ether() / IP() / udp(), ether(src="02:00:00:00:00:76", type=0x88b5),
       ether(dst="02:00:00:00:00:77") / IP() / udp()])
match(f"dst_mac = {B}", [ether(type=0x88b5), v4() / udp()],
      [ether(dst=A, src=B, type=0x88b5), ether(dst="02:da:01:00:00:03") / IP() / udp(),
       ether(dst="ff:ff:ff:ff:ff:ff", type=0x88b5)])
match("ethertype = 0x88b5", [ether(type=0x88b5), ether() / Dot1Q(vlan=9, type=0x88b5)],
      [ether(type=0x88b4), v4() / udp(), v6() / udp()], hashed=False)
match("vlan_id = 100", [ether() / Dot1Q(vlan=100, prio=p) / IP() / udp() for p in (0, 5)] +
      [ether() / Dot1Q(vlan=100, type=0x88b5)],
      [ether() / Dot1Q(vlan=101) / IP() / udp(), ether() / Dot1Q(vlan=0x864) / IP() / udp(),
       v4() / udp()], tag=True)
match("vlan_pcp = 5", [ether() / Dot1Q(vlan=v, prio=5) / IP() / udp() for v in (1, 100)],
      [ether() / Dot1Q(vlan=100, prio=4) / IP() / udp(), v4() / udp()], tag=True)
match("vlan_id = 100\nvlan_pcp = 5", [ether() / Dot1Q(vlan=100, prio=5) / IP() / udp()],
      [ether() / Dot1Q(vlan=100, prio=7) / IP() / udp(),
       ether() / Dot1Q(vlan=101, prio=5) / IP() / udp()], tag=True)

# ---- IP
match("ipv4_src = 10.1.2.3", [v4(src="10.1.2.3") / udp(), v4(src="10.1.2.3") / tcp(),
      v4(src="10.1.2.3") / ICMP()],
      [v4(src="10.1.2.2") / udp(), v4(dst="10.1.2.3") / udp(), v6() / udp()])
match("ipv4_dst = 10.1.2.0/24", [v4(dst="10.1.2.0") / udp(), v4(dst="10.1.2.255") / tcp()],
      [v4(dst="10.1.3.0") / udp(), v4(dst="10.1.1.255") / udp(), v4(src="10.1.2.1") / udp()])
match("ipv6_src = 2001:db8::1", [v6(src="2001:db8::1") / udp(), v6(src="2001:db8::1") / tcp()],
      [v6(src="2001:db8::2") / udp(), v6(dst="2001:db8::1") / udp(), v4() / udp()])
match("ipv6_dst = 2001:db8:1::/48", [v6(dst="2001:db8:1::") / udp(), v6(dst="2001:db8:1:ffff::1") / tcp()],
      [v6(dst="2001:db8:2::") / udp(), v6(src="2001:db8:1::") / udp()])
match("ip_proto = 6", [v4() / tcp(), v6() / tcp()], [v4() / udp(), v6() / udp(), v4() / ICMP()])
match("ipv4_len = 60-99", [v4(len=n) / udp() for n in (60, 77, 99)],
      [v4(len=n) / udp() for n in (59, 100, 316)] + [v6() / udp()])

# ---- UDP and TCP
match("udp_src = 4000", [v4() / udp(4000), v6() / udp(4000)],
      [v4() / udp(4001), v4() / udp(7001, 4000), v4() / tcp(4000)])
match("udp_dst = 5000", [v4() / udp(dport=5000), v6() / udp(dport=5000)],
      [v4() / udp(dport=5001), v4() / udp(5000), v4() / tcp(dport=5000)])
match("udp_dst = 5000-5099", [v4() / udp(dport=p) for p in (5000, 5001, 5063, 5064, 5099)],
      [v4() / udp(dport=p) for p in (4999, 5100)] + [v4() / tcp(dport=5050), v6() / tcp(dport=5050)])
match("tcp_src = 4000", [v4() / tcp(4000), v6() / tcp(4000)],
      [v4() / tcp(4001), v4() / tcp(7001, 4000), v4() / udp(4000)])
match("tcp_dst = 5000", [v4() / tcp(dport=5000), v6() / tcp(dport=5000)],
      [v4() / tcp(dport=4999), v4() / tcp(5000), v4() / udp(dport=5000)])
match("tcp_src = 1000-1999", [v4() / tcp(p) for p in (1000, 1023, 1024, 1536, 1999)],
      [v4() / tcp(p) for p in (999, 2000)] + [v4() / udp(1500)])
match("ipv4_src = 10.1.0.0/16\nipv4_dst = 10.2.0.1\nudp_dst = 5000",
      [v4(src="10.1.9.9", dst="10.2.0.1") / udp(dport=5000)],
      [v4(src="10.2.9.9", dst="10.2.0.1") / udp(dport=5000),
       v4(src="10.1.9.9", dst="10.2.0.2") / udp(dport=5000),
       v4(src="10.1.9.9", dst="10.2.0.1") / udp(dport=5002)])

# ---- IP behind a tag
match("vlan_id = 100\nipv4_src = 10.1.2.3", [tagged(100, IP(src="10.1.2.3") / udp()),
      tagged(100, IP(src="10.1.2.3") / tcp())],
      [tagged(100, IP(src="10.1.2.2") / udp()), tagged(101, IP(src="10.1.2.3") / udp()),
       v4(src="10.1.2.3") / udp()], tag=True)
match("ipv4_dst = 10.1.4.0/24", [v4(dst="10.1.4.1") / udp(), tagged(7, IP(dst="10.1.4.2") / tcp())],
      [v4(dst="10.1.5.1") / udp(), tagged(7, IP(dst="10.1.5.2") / tcp()), v6() / udp()])
match("vlan_id = 100\nipv6_dst = 2001:db8:1::/48", [tagged(100, IPv6(dst="2001:db8:1::5") / udp())],
      [tagged(100, IPv6(dst="2001:db8:2::5") / udp()), v6(dst="2001:db8:1::5") / udp(),
       tagged(100, IP() / udp())], tag=True)
match("vlan_id = 100\nudp_dst = 5001", [tagged(100, IP() / udp(dport=5001)),
      tagged(100, IPv6() / udp(dport=5001))],
      [tagged(100, IP() / udp(dport=5002)), tagged(100, IP() / tcp(dport=5001)),
       tagged(99, IP() / udp(dport=5001)), v4() / udp(dport=5001)], tag=True)

# ---- tunnels: what decap takes off depends on the kind
VXLAN_T = "[tunnel t]\ntype = vxlan\nvni = 77\n"
NVGRE_T = "[tunnel t]\ntype = nvgre\ntni = 0x1234\n"
GRE_T = f"[tunnel t]\ntype = gre\nmac_src = {A}\nmac_dst = {B}\n"
match("vni = 77", [vxlan(77), vxlan(77, v6() / tcp())],
      [vxlan(78), vxlan(77 << 8), v4() / udp(dport=4789) / Raw(bytes(8)), v4() / udp()],
      sections=VXLAN_T)
match("tni = 0x1234", [nvgre(0x1234), nvgre(0x1234, v6() / tcp(), flow=0)],
      [nvgre(0x1235), v4() / udp()], sections=NVGRE_T)
match("gre_key = 99", [gre(99), gre(99, IP() / tcp())], [gre(98), gre(99 << 8), v4() / udp()],
      sections=GRE_T)
match("vni = 77\ninner_src_mac = 02:00:00:00:00:77",
      [vxlan(77, ether(src="02:00:00:00:00:77") / IP() / udp())],
      [vxlan(77), vxlan(77, ether(dst="02:00:00:00:00:77") / IP() / udp())])
match("vni = 77\ninner_dst_mac = 02:00:00:00:00:77",
      [vxlan(77, ether(dst="02:00:00:00:00:77") / IP() / udp())],
      [vxlan(77), vxlan(78, ether(dst="02:00:00:00:00:77") / IP() / udp())])
match("vni = 77\ninner_ethertype = 0x88b5", [vxlan(77, ether(type=0x88b5))],
      [vxlan(77, ether(type=0x88b4)), vxlan(77), ether(type=0x88b5)])
match("vni = 77\ninner_ipv4_src = 10.1.2.3", [vxlan(77, v4(src="10.1.2.3") / udp())],
      [vxlan(77), v4(src="10.1.2.3") / udp(), vxlan(77, v4(dst="10.1.2.3") / udp())])
match("vni = 77\ninner_ipv4_dst = 10.1.2.0/24", [vxlan(77, v4(dst="10.1.2.9") / tcp())],
      [vxlan(77, v4(dst="10.1.3.9") / tcp()), vxlan(76, v4(dst="10.1.2.9") / tcp())])
match("vni = 77\ninner_ipv6_src = 2001:db8::1", [vxlan(77, v6(src="2001:db8::1") / udp())],
      [vxlan(77), v6(src="2001:db8::1") / udp(), vxlan(77, v6(dst="2001:db8::1") / udp())])
match("vni = 77\ninner_ipv6_dst = 2001:db8:1::/48", [vxlan(77, v6(dst="2001:db8:1::5") / udp())],
      [vxlan(77, v6(dst="2001:db8:2::5") / udp()), vxlan(77)])
match("vni = 77\ninner_ip_proto = 6", [vxlan(77, v4() / tcp())], [vxlan(77), v4() / tcp()])
match("vni = 77\ninner_udp_src = 4000", [vxlan(77, v4() / udp(4000))],
      [vxlan(77, v4() / udp(4001)), vxlan(77, v4() / tcp(4000)), v4() / udp(4000)])
match("vni = 77\ninner_udp_dst = 5000", [vxlan(77, v4() / udp(dport=5000))],
      [vxlan(77, v4() / udp(dport=5001)), vxlan(77, v4() / udp(5000))])
match("vni = 77\ninner_tcp_src = 4000", [vxlan(77, v4() / tcp(4000))],
      [vxlan(77, v4() / tcp(4001)), vxlan(77, v4() / udp(4000))])
match("vni = 77\ninner_tcp_dst = 5000", [vxlan(77, v4() / tcp(dport=5000))],
      [vxlan(77, v4() / tcp(dport=5002)), v4() / tcp(dport=5000)])

match("tni = 0x1234\ninner_dst_mac = 02:00:00:00:00:77",
      [nvgre(0x1234, ether(dst="02:00:00:00:00:77") / IP() / udp())],
      [nvgre(0x1234), nvgre(0x1235, ether(dst="02:00:00:00:00:77") / IP() / udp())])
match("tni = 0x1234\ninner_ipv4_src = 10.1.2.3", [nvgre(0x1234, v4(src="10.1.2.3") / udp())],
      [nvgre(0x1234), v4(src="10.1.2.3") / udp(), nvgre(0x1234, v4(dst="10.1.2.3") / udp())])
match("tni = 0x1234\ninner_ipv6_dst = 2001:db8:1::/48",
      [nvgre(0x1234, v6(dst="2001:db8:1::5") / tcp())],
      [nvgre(0x1234, v6(dst="2001:db8:2::5") / tcp()), nvgre(0x1234)])
match("tni = 0x1234\ninner_tcp_dst = 5000", [nvgre(0x1234, v4() / tcp(dport=5000))],
      [nvgre(0x1234, v4() / tcp(dport=5001)), nvgre(0x1234, v4() / udp(dport=5000))])
match("gre_key = 99\ninner_ipv4_src = 10.1.2.3", [gre(99, IP(src="10.1.2.3") / udp())],
      [gre(99), gre(98, IP(src="10.1.2.3") / udp()), gre(99, IP(dst="10.1.2.3") / udp())])
match("gre_key = 99\ninner_ip_proto = 6", [gre(99, IP() / tcp())], [gre(99), v4() / tcp()])
match("gre_key = 99\ninner_udp_dst = 5000", [gre(99, IP() / udp(dport=5000))],
      [gre(99, IP() / udp(dport=5001)), gre(99, IP() / udp(5000)), v4() / udp(dport=5000)])
match("gre_key = 99\ninner_ipv6_src = 2001:db8::1", [gre(99, IPv6(src="2001:db8::1") / udp())],
      [gre(99), gre(99, IPv6(dst="2001:db8::1") / udp())])
# Many for RSS: outside they are all alike.
match("vni = 78", [vxlan(78, v4() / udp(p)) for p in range(4000, 4006)] +
      [vxlan(78, v6() / tcp(p)) for p in range(4000, 4006)], [vxlan(77), v4() / udp()])
match("tni = 0x1236", [nvgre(0x1236, v4() / udp(p)) for p in range(4000, 4008)], [nvgre(0x1235)])
match("gre_key = 97", [gre(97, IP(src="10.1.1.1", dst=f"10.2.2.{i}") / tcp()) for i in range(8)],
      [gre(98)])

# ---- the programmable parser
match("ecpri = on", [ecpri(0, 1), ecpri(5, 9)], [ether(type=0xaeff) / Raw(bytes(8)), v4() / udp()],
      hashed=False)
match("ecpri_type = 2", [ecpri(2, 1), ecpri(2, 9)], [ecpri(0, 2), ecpri(3, 2),
      ether(type=0xaeff) / Raw(struct.pack("!BBHHH", 0x10, 2, 40, 1, 0))], hashed=False)
match("ecpri_type = 0\necpri_id = 0x1234", [ecpri(0, 0x1234)],
      [ecpri(0, 0x1235), ecpri(2, 0x1234), ecpri(0, 0x3412)], hashed=False)
FLEX = "[flex b w]\nudp_dst = 6000\noffset = 4\n"
match("flex = w\nflex_value = 0xcafe1234", [word(0xcafe1234)],
      [word(0xcafe1235), word(0xcafe1234, dport=6001), word(0xcafe1234, offset=8), v4() / udp()],
      sections=FLEX)
match("flex = w\nflex_value = 0x1200\nflex_mask = 0xff00", [word(0x1200), word(0xabcd12ff)],
      [word(0x1300), word(0x12)], sections=FLEX)


# The example key of Microsoft's "RSS hashing verification".
RSS_KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")


def toeplitz(data):
    key, out = int.from_bytes(RSS_KEY, "big"), 0
    for i in range(8 * len(data)):
        if data[i // 8] >> (7 - i % 8) & 1:
            out ^= key >> (320 - 32 - i) & 0xffffffff
    return out


def rss_hash(frame):
    """Of the first IP header, and of UDP's or TCP's ports behind it; 0 where there is none."""
    ip = next((layer for layer in (frame.getlayer(IP), frame.getlayer(IPv6)) if layer), None)
    if ip is None:
        return 0
    family = socket.AF_INET if isinstance(ip, IP) else socket.AF_INET6
    data = socket.inet_pton(family, ip.src) + socket.inet_pton(family, ip.dst)
    if isinstance(ip.payload, (UDP, TCP)):
        data += struct.pack("!HH", ip.payload.sport, ip.payload.dport)
    return toeplitz(data)


def inside(frame):
    """What a tunnel carries."""
    return (frame.getlayer(VXLAN) or frame.getlayer(GRE)).payload


class Action:
    """What a flow does: its keys, those of the receive queues; where frames that match go."""
    port, sections, flow, unmatched = "b", "", TAG, "queue 0"

    def __init__(self, name, keys, queues=(1,)):
        self.name, self.keys, self.queues = name, f"{keys}\ntag = {TAG}" if queues else keys, queues

    def takes(self, _entry):
        """Whether the action has a meaning for this match."""
        return True

    def refused(self, entry):
        """A part of the message, where the two do not go together."""
        return NO_RSS if len(self.queues) > 1 and not entry[5] else None

    def hashed(self, frame):
        """What RSS looks at."""
        return frame

    def queue(self, frame):
        """Of a frame that matches; None: it comes nowhere."""
        if len(self.queues) < 2:
            return self.queues[0] if self.queues else None
        return self.queues[rss_hash(self.hashed(frame)) % len(self.queues)]

    def arrives(self, frame):
        """What the action makes of a frame."""
        return frame


class Pop(Action):
    def takes(self, entry):
        return entry[4]

    def arrives(self, frame):
        return Ether(src=frame.src, dst=frame.dst, type=frame[Dot1Q].type) / frame[Dot1Q].payload


class Decap(Action):
    def takes(self, entry):
        return entry[3].startswith("[tunnel")

    def hashed(self, frame):
        return inside(frame)

    def arrives(self, frame):
        inner = inside(frame)
        return inner if isinstance(inner, Ether) else ether() / inner


class InnerRSS(Action):
    def takes(self, entry):
        return any(key in entry[0] for key in ("vni", "tni", "gre_key"))

    def refused(self, entry):
        return NO_RSS if "inner_ethertype" in entry[0] else None

    def hashed(self, frame):
        return inside(frame)


def in_turn(entry, part):
    """Of every second match, to keep it short."""
    return MATCHES.index(entry) % 2 == part


class Unmatched(Action):
    """Where frames go that match no flow."""

    def __init__(self, unmatched, part):
        super().__init__(f"unmatched={unmatched}", "queue = 1")
        self.unmatched, self.part = unmatched, part
        self.sections = "[flow b last]\nethertype = 0x88b7\nqueue = 0\n"

    def takes(self, entry):
        return in_turn(entry, self.part)


class Encap(Action):
    """A flow of the sender: what matches gets `header` before it."""
    port, flow = "a", 0

    def __init__(self, kind, keys, header, count=False):
        super().__init__(f"encap {kind}" + ("+count" if count else ""),
                         "encap = out" + ("\ncount = on" if count else ""), queues=())
        self.kind, self.header = kind, header
        self.sections = (f"[tunnel out]\ntype = {kind}\n{keys}\nmac_src = 02:00:00:00:00:44\n"
                         f"mac_dst = {B}\nipv4_src = 192.0.2.1\nipv4_dst = 198.51.100.2\n")

    def takes(self, entry):
        others = ("vni", "tni", "gre_key", "flex", "ecpri")
        return (not any(key in entry[0] for key in others)
                and (self.kind == "gre" or in_turn(entry, self.kind == "nvgre")))

    def queue(self, _frame):
        return 0

    def arrives(self, frame):
        return self.header / Raw(raw(frame))


class EncapPackets(Encap):
    """IPv4 alone, without its Ethernet header."""

    def takes(self, entry):
        return super().takes(entry) and "ipv4" in entry[0] and not any(Dot1Q in f for f in entry[1])

    def arrives(self, frame):
        return self.header / Raw(raw(frame)[14:])


def outer(**fields):
    return (Ether(src="02:00:00:00:00:44", dst=B) /
            IP(src="192.0.2.1", dst="198.51.100.2", flags="DF", id=0, **fields))


ACTIONS = [
    Action("queue", "queue = 1"),
    Action("queues", "queue = 1,2", queues=(1, 2)),
    Action("drop", "drop = on", queues=()),
    Action("count", "queue = 1\ncount = on"),
    Action("count+queues", "queue = 1,2\ncount = on", queues=(1, 2)),
    Action("count+drop", "drop = on\ncount = on", queues=()),
    Pop("vlan_pop", "queue = 1\nvlan_pop = on"),
    Decap("decap", "queue = 1\ndecap = t"),
    Decap("decap+queues", "queue = 1,2\ndecap = t", queues=(1, 2)),
    InnerRSS("queues, rss_level=inner", "queue = 1,2\nrss_level = inner", queues=(1, 2)),
    Unmatched("drop", 0),
    Unmatched("kernel", 1),
    Encap("vxlan", "vni = 0x123456\nudp_src = 50000", outer() / UDP(sport=50000, dport=4789, chksum=0) /
          VXLAN(vni=0x123456, flags=8)),
    Encap("nvgre", "tni = 0xabcdef\nflow_id = 7\nttl = 5\ntos = 0x28", outer(ttl=5, tos=0x28) /
          GRE(proto=0x6558, key_present=1, key=0xabcdef07), count=True),
    EncapPackets("gre", "ttl = 9", outer(ttl=9) / GRE(proto=0x0800)),
]

NO_DEVX = bool(os.environ.get("MATCH_NO_DEVX"))
if NO_DEVX:
    ACTIONS = [action for action in ACTIONS if "count" in action.name] + [
        Pop("count+vlan_pop", "queue = 1\nvlan_pop = on\ncount = on"),
        Decap("count+decap", "queue = 1\ndecap = t\ncount = on"),
        Decap("count+decap+queues", "queue = 1,2\ndecap = t\ncount = on", queues=(1, 2)),
    ]


def lacking(entry, action):
    """A part of the message, where a rule of verbs cannot match."""
    words = {line.split(" = ")[0] for line in entry[0].split("\n")}
    if words & {"ipv4_len", "ecpri_type", "flex"}:
        return "the programmable parser of "
    for key in ("tni", "gre_key"):
        if key in words:
            return f"rules of verbs cannot say {key}: "
    return "rules of verbs cannot say encap: " if isinstance(action, Encap) else None


def refusal(entry, action):
    return action.refused(entry) or (lacking(entry, action) if NO_DEVX else None)


BASE = f"""[region tx]
kind = host
num_bufs = 256
buf_size = 2K
[region rx]
kind = host
num_bufs = 1024
buf_size = 2K
[port a]
address = {A}
[port b]
address = {B}
unmatched = UNMATCHED
[txq a 0]
regions = tx
[rxq b 0]
regions = rx
depth = 256
"""


def rows(keys=None):
    for entry in MATCHES:
        if keys not in (None, entry[0]):
            continue
        for action in ACTIONS:
            if action.takes(entry):
                yield entry, action


def sealed(frame, number):
    """Its number is in the last four bytes, far enough behind for what is taken off."""
    return frame / Raw(bytes(64) + struct.pack("!I", number))


def make(path, keys=None):
    count = 0
    for i, (entry, action) in enumerate(rows(keys)):
        match_keys, good, bad, sections = entry[:4]
        with open(os.path.join(path, f"{i}.ini"), "w", encoding="ascii") as ini:
            strip = "on" if isinstance(action, Pop) else "off"
            ini.write(BASE.replace("UNMATCHED", action.unmatched))
            ini.write(f"[rxq b 1-2]\nregions = rx\ndepth = 256\nvlan_strip = {strip}\n")
            ini.write(f"{sections}{action.sections}[flow {action.port} x]\n{match_keys}\n{action.keys}\n")
        frames = [sealed(f, n) for n, f in enumerate(good + bad)]
        frames.append(sealed(Ether(src=A, dst="02:da:01:00:00:09", type=0x88b7), LAST))
        wrpcap(os.path.join(path, f"{i}.pcap"), [Ether(raw(f)) for f in frames])
        count += 1
    print(count)


def expected(entry, action):
    """(queue, flow id, bytes) of each frame, or None: it comes nowhere."""
    frames, good = [sealed(f, n) for n, f in enumerate(entry[1] + entry[2])], len(entry[1])
    for n, frame in enumerate(frames):
        if n >= good:
            yield (0, 0, raw(frame)) if action.unmatched == "queue 0" else None
        elif action.queue(frame) is None:
            yield None
        else:
            # Made anew of its bytes, so that nothing is filled in twice.
            yield action.queue(frame), action.flow, raw(action.arrives(Ether(raw(frame))))


def judge_row(entry, action, lines):
    """(frames that match and came right, others that did, what is wrong)"""
    came, count, wrong = {}, None, []
    for line in lines:
        if line[0] == "error":
            text, part = " ".join(line[1:]), refusal(entry, action)
            return 0, 0, [] if part and part in text else [text]
        if line[0] == "count":
            count = [int(v) for v in line[1:]]
            continue
        queue, flow, number = (int(v) for v in line[1:4])
        if number in came:
            wrong.append(f"frame {number} came twice")
        came[number] = (queue, flow, bytes.fromhex(line[4]))
    if refusal(entry, action):
        return 0, 0, ["not refused"]
    right = [0, 0]
    for number, want in enumerate(expected(entry, action)):
        got = came.pop(number, None)
        right[number >= len(entry[1])] += got == want
        if got != want:
            wrong.append(f"frame {number}: {told_as(got)}, not {told_as(want)}")
    if came:
        wrong.append(f"unknown frames {sorted(came)}")
    if "count" in action.name:
        want = [len(entry[1]), sum(len(raw(sealed(f, 0))) for f in entry[1])]
        if count != want:
            wrong.append(f"counted {count}, not {want}")
    return right[0], right[1], wrong


def told_as(frame):
    return f"queue {frame[0]} flow {frame[1]} {frame[2].hex()}" if frame else "nowhere"


def judge(path, keys=None):
    told, status = {}, 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            told.setdefault(int(words[0]), []).append(words[1:])
    for i, (entry, action) in enumerate(rows(keys)):
        good, bad, wrong = judge_row(entry, action, told.get(i, []))
        name = entry[0].replace("\n", ", ").replace(" = ", "=")
        sent = f"sent {len(entry[1])} that match, {len(entry[2])} that do not; right {good}, {bad}"
        verdict = "WRONG: " + "; ".join(wrong) if wrong else "ok"
        print(f"{name}: {action.name}: {'refused' if refusal(entry, action) else sent}: {verdict}")
        status |= bool(wrong)
    return status


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(*sys.argv[2:])
    else:
        sys.exit(judge(*sys.argv[2:]))

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every match with every action, by frames that scapy makes.

match_table.py make DIR [KEYS]: writes DIR/ROW.ini and DIR/ROW.pcap for match_replay, and prints how
many; KEYS: of this match only.
match_table.py judge LINES [KEYS]: reads what match_replay printed, and prints the table; 1: a row is
wrong.

A match is added as a call of match(), an action as a method of Action. Of each row all frames are
sent in turn; those that match must come once where the action sends them, the others once to queue
0, which takes what no flow matches.
"""
import os
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


def gre(key, inner=None):
    return v4() / GRE(key_present=1, key=key) / (inner or IP(src="10.1.1.1", dst="10.2.2.2") / udp())


def ecpri(kind, ident, **fields):
    body = struct.pack("!BBHHH", 0x10, kind, 40, ident, 0)
    return ether(type=0xaefe, **fields) / Raw(body)


def word(value, dport=6000, offset=4):
    return v4() / udp(dport=dport) / Raw(bytes(offset) + struct.pack("!I", value))


def match(keys, good, bad, sections="", tunnel=0, tag=0, hashed=True):
    """keys: of the flow, one a line. tunnel: bytes that decap takes off; tag: those of vlan_strip.
    hashed: frames have what RSS spreads them by; else several queues are to be refused."""
    MATCHES.append((keys, good, bad, sections, tunnel, tag, hashed))


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
       v4() / udp()], tag=4)
match("vlan_pcp = 5", [ether() / Dot1Q(vlan=v, prio=5) / IP() / udp() for v in (1, 100)],
      [ether() / Dot1Q(vlan=100, prio=4) / IP() / udp(), v4() / udp()], tag=4)
match("vlan_id = 100\nvlan_pcp = 5", [ether() / Dot1Q(vlan=100, prio=5) / IP() / udp()],
      [ether() / Dot1Q(vlan=100, prio=7) / IP() / udp(),
       ether() / Dot1Q(vlan=101, prio=5) / IP() / udp()], tag=4)

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

# ---- tunnels: what decap takes off depends on the kind
VXLAN_T = "[tunnel t]\ntype = vxlan\nvni = 77\n"
NVGRE_T = "[tunnel t]\ntype = nvgre\ntni = 0x1234\n"
GRE_T = f"[tunnel t]\ntype = gre\nmac_src = {A}\nmac_dst = {B}\n"
match("vni = 77", [vxlan(77), vxlan(77, v6() / tcp())],
      [vxlan(78), vxlan(77 << 8), v4() / udp(dport=4789) / Raw(bytes(8)), v4() / udp()],
      sections=VXLAN_T, tunnel=14 + 20 + 8 + 8)
match("tni = 0x1234", [nvgre(0x1234), nvgre(0x1234, v6() / tcp(), flow=0)],
      [nvgre(0x1235), v4() / udp()], sections=NVGRE_T, tunnel=14 + 20 + 8)
match("gre_key = 99", [gre(99), gre(99, IP() / tcp())], [gre(98), gre(99 << 8), v4() / udp()],
      sections=GRE_T, tunnel=20 + 8)
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


class Action:
    """What a flow does: its keys, those of the receive queues; where frames that match go."""

    def __init__(self, name, keys, queues=(1,), rxq="", flow=TAG):
        self.name, self.keys, self.queues, self.rxq, self.flow = name, keys, queues, rxq, flow

    def refused(self, entry):
        """A part of the message, where the two do not go together."""
        return NO_RSS if len(self.queues) > 1 and not entry[6] else None

    def cut(self, _entry):
        """Bytes by which frames get shorter; None: the action has no meaning for this match."""
        return 0


class Pop(Action):
    def cut(self, entry):
        return entry[5] or None


class Decap(Action):
    def cut(self, entry):
        return entry[4] or None


ACTIONS = [
    Action("queue", f"queue = 1\ntag = {TAG}"),
    Action("queues", f"queue = 1,2\ntag = {TAG}", queues=(1, 2)),
    Action("drop", "drop = on", queues=()),
    Action("count", f"queue = 1\ncount = on\ntag = {TAG}"),
    Action("count+drop", "drop = on\ncount = on", queues=()),
    Pop("vlan_pop", f"queue = 1\nvlan_pop = on\ntag = {TAG}", rxq="vlan_strip = on\n"),
    Decap("decap", f"queue = 1\ndecap = t\ntag = {TAG}"),
    Decap("decap+queues", f"queue = 1,2\ndecap = t\ntag = {TAG}", queues=(1, 2)),
]

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
unmatched = queue 0
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
            if action.cut(entry) is not None:
                yield entry, action


def sealed(frame, number):
    """Its number is in the last four bytes, far enough behind for what is taken off."""
    return Raw(raw(frame / Raw(bytes(64) + struct.pack("!I", number))))


def make(path, keys=None):
    count = 0
    for i, (entry, action) in enumerate(rows(keys)):
        match_keys, good, bad, sections = entry[:4]
        with open(os.path.join(path, f"{i}.ini"), "w", encoding="ascii") as ini:
            ini.write(BASE)
            ini.write(f"[rxq b 1-2]\nregions = rx\ndepth = 256\n{action.rxq}")
            ini.write(f"{sections}[flow b x]\n{match_keys}\n{action.keys}\n")
        frames = [sealed(f, n) for n, f in enumerate(good + bad)]
        frames.append(sealed(Ether(src=A, dst="02:da:01:00:00:09", type=0x88b7), LAST))
        wrpcap(os.path.join(path, f"{i}.pcap"), [Ether(raw(f)) for f in frames])
        count += 1
    print(count)


def judge_row(entry, action, lines):
    """(frames that match and came right, others that did, what is wrong)"""
    good, bad = entry[1], entry[2]
    came, count, wrong = {}, None, []
    for line in lines:
        if line[0] == "error":
            text, expected = " ".join(line[1:]), action.refused(entry)
            return 0, 0, [] if expected and expected in text else [text]
        if line[0] == "count":
            count = [int(v) for v in line[1:]]
            continue
        queue, flow, number, length = (int(v) for v in line[1:])
        if number in came:
            wrong.append(f"frame {number} came twice")
        came[number] = (queue, flow, length)
    if action.refused(entry):
        return 0, 0, ["not refused"]
    sizes = [len(raw(sealed(f, 0))) for f in good + bad]
    right = [0, 0]
    for number, size in enumerate(sizes):
        got = came.pop(number, None)
        if number >= len(good):
            ok = got is not None and got[0] == 0 and got[2] == size
        elif not action.queues:
            ok = got is None
        else:
            ok = (got is not None and got[0] in action.queues and got[1] == action.flow
                  and got[2] == size - action.cut(entry))
        right[number >= len(good)] += ok
        if not ok:
            wrong.append(f"frame {number}: {got}")
    if came:
        wrong.append(f"unknown frames {came}")
    if "count" in action.name:
        want = [len(good), sum(sizes[:len(good)])]
        if count != want:
            wrong.append(f"counted {count}, not {want}")
    return right[0], right[1], wrong


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
        print(f"{name}: {action.name}: {'refused' if action.refused(entry) else sent}: {verdict}")
        status |= bool(wrong)
    return status


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(*sys.argv[2:])
    else:
        sys.exit(judge(*sys.argv[2:]))

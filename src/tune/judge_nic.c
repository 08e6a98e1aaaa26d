/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "pci.h"

/* Calls judge for each NIC that counts; says so where there is none. */
static void each_nic(const struct tune_judge *j,
		     void (*judge)(const struct tune_judge *j, const struct tune_nic *nic))
{
	bool any = false;

	for (unsigned i = 0; i < j->m->n_nics; i++) {
		if (!tune_wanted_nic(j->w, &j->m->nic[i]))
			continue;
		any = true;
		judge(j, &j->m->nic[i]);
	}
	if (!any)
		tune_nothing(j, TUNE_SKIP, j->m->n_nics ? "no NIC of the configuration" : "no NIC");
}

/* The capability, or a row that says why there is none. */
static const struct tune_pcie *pcie_of(const struct tune_judge *j, const struct tune_nic *nic)
{
	if (nic->pci.pcie.known)
		return &nic->pci.pcie;
	tune_row(j, TUNE_SKIP, nic->pci.addr, "%s",
		 nic->pci.pcie.denied ? "needs root" : "no PCI Express capability to be read");
	return NULL;
}

/* On a DGX Spark the four functions are two chips behind the same two sockets. */
static bool faces_same_socket(const struct tune_nic *a, const struct tune_nic *b)
{
	return *a->phys_port && !strcmp(a->phys_port, b->phys_port);
}

/* The functions of the other socket; "" where none is known. */
static void print_crossing(const struct tune_judge *j, const struct tune_nic *nic, char *text,
			   size_t size)
{
	size_t len = 0;

	*text = 0;
	for (unsigned i = 0; i < j->m->n_nics; i++) {
		const struct tune_nic *other = &j->m->nic[i];

		if (other == nic || !*other->phys_port || !*nic->phys_port ||
		    faces_same_socket(nic, other) || len + 1 >= size)
			continue;
		len += (size_t)snprintf(text + len, size - len, "%s%s", len ? ", " : "",
					tune_nic_name(other));
	}
}

static void note_pairs(const struct tune_judge *j, const struct tune_nic *nic, struct tune_row *row)
{
	char crossing[128];

	print_crossing(j, nic, crossing, sizeof(crossing));
	if (*crossing)
		tune_note(row, "socket %s: frames to %s cross the cable", nic->phys_port, crossing);
}

/* A stream from one function to another of the same socket. */
static void judge_pair(const struct tune_judge *j, const struct tune_nic *tx,
		       const struct tune_nic *rx)
{
	char crossing[128];
	struct tune_row *row;

	if (!faces_same_socket(tx, rx))
		return;
	row = tune_row(j, TUNE_WARN, tune_nic_name(tx),
		       "its frames to %s do not cross the cable: both are of socket %s",
		       tune_nic_name(rx), tx->phys_port);
	row->why = "Two functions of one socket are two chips at the same end of the cable.";
	print_crossing(j, tx, crossing, sizeof(crossing));
	tune_want(row, "a receiver of the other socket%s%s", *crossing ? ": " : "", crossing);
	tune_fix(row, "address= of the receiving port in the configuration");
}

static void judge_pairs(const struct tune_judge *j)
{
	const struct tune_wanted *w = j->w;

	for (unsigned i = 0; i < w->n_pairs; i++) {
		const struct tune_nic *end[2] = {NULL, NULL};

		for (unsigned k = 0; k < w->n_ports; k++) {
			const struct tune_wanted_port *port = &w->port[k];

			if (!strcmp(port->name, w->pair[i].tx))
				end[0] = tune_wanted_port_nic(j->m, w, port);
			if (!strcmp(port->name, w->pair[i].rx))
				end[1] = tune_wanted_port_nic(j->m, w, port);
		}
		if (end[0] && end[1] && end[0] != end[1])
			judge_pair(j, end[0], end[1]);
	}
}

static void judge_carrier(const struct tune_judge *j, const struct tune_nic *nic)
{
	struct tune_row *row;

	if (nic->carrier == TUNE_UNKNOWN && !*nic->state) {
		tune_row(j, TUNE_SKIP, tune_nic_name(nic), "unknown: no interface, or it is down");
		return;
	}
	if (nic->carrier == 1 || (nic->carrier == TUNE_UNKNOWN && !strcmp(nic->state, "ACTIVE"))) {
		row = tune_row(j, TUNE_OK, tune_nic_name(nic), "link up");
		if (j->m->platform == TUNE_PLATFORM_SPARK)
			note_pairs(j, nic, row);
		return;
	}
	row = tune_row(j, TUNE_WARN, tune_nic_name(nic), "no link");
	tune_want(row, "a link");
	if (nic->carrier == TUNE_UNKNOWN)
		tune_fix(row, "ip link set %s up", *nic->netdev ? nic->netdev : "INTERFACE");
	else
		tune_fix(row, "plug the cable in at both ends%s",
			 j->m->platform == TUNE_PLATFORM_SPARK
				 ? ": one end pulled takes the link from all four functions"
				 : "");
}

static void spark_without_cable(const struct tune_judge *j)
{
	struct tune_row *row = tune_row(
		j, TUNE_WARN, "-",
		"the ConnectX-7 is not on the PCI bus: DGX Spark takes it off without a cable");

	row->why = "Its hot-plug service removes the functions seconds after the start and brings "
		   "them back with a cable; it and the firmware manager are not to be disabled.";
	tune_want(row, "four functions");
	tune_fix(row, "plug a QSFP cable into a socket of the chassis and wait a few seconds");
}

void tune_judge_carrier(const struct tune_judge *j)
{
	if (!j->m->n_nics && j->m->platform == TUNE_PLATFORM_SPARK)
		spark_without_cable(j);
	else
		each_nic(j, judge_carrier);
	if (j->m->platform == TUNE_PLATFORM_SPARK)
		judge_pairs(j);
}

static void judge_mps(const struct tune_judge *j, const struct tune_nic *nic)
{
	const struct tune_pcie *p = pcie_of(j, nic);
	unsigned least = tune_pci_path_mps(&nic->pci);
	struct tune_row *row;

	if (!p)
		return;
	if (!least) {
		row = tune_row(j, TUNE_OK, nic->pci.addr, "%u bytes", p->mps);
		tune_note(row, "what the bridges above can do is unknown");
	} else if (p->mps >= least) {
		row = tune_row(j, TUNE_OK, nic->pci.addr, "%u bytes, the most its path can do",
			       p->mps);
		if (least < 256)
			tune_note(row, "the NIC could %u; a property of the machine", p->mps_cap);
	} else {
		row = tune_row(j, TUNE_WARN, nic->pci.addr, "%u bytes", p->mps);
		tune_want(row, "%u bytes, which every part of its path can do", least);
		tune_fix(row, "kernel command line: pci=pcie_bus_perf; then reboot");
	}
}

void tune_judge_mps(const struct tune_judge *j)
{
	each_nic(j, judge_mps);
}

static const char *speed_name(unsigned code)
{
	static const char *const names[] = {"?",       "2.5 GT/s", "5 GT/s", "8 GT/s",
					    "16 GT/s", "32 GT/s",  "64 GT/s"};

	return names[code < 7 ? code : 0];
}

static void judge_link(const struct tune_judge *j, const struct tune_nic *nic)
{
	const struct tune_pcie *p = pcie_of(j, nic), *up;
	struct tune_row *row;

	if (!p)
		return;
	if (!p->speed) { /* a virtual function, or on the chip itself */
		tune_row(j, TUNE_NA, nic->pci.addr, "it has no link of its own");
		return;
	}
	row = tune_row(j,
		       p->speed >= p->speed_cap && p->width >= p->width_cap ? TUNE_OK : TUNE_WARN,
		       nic->pci.addr, "%s", speed_name(p->speed));
	if (p->width) {
		size_t len = strlen(row->found);

		snprintf(row->found + len, sizeof(row->found) - len, " x%u", p->width);
	}
	if (row->status == TUNE_OK)
		return;
	tune_want(row, "%s x%u, which the card can do", speed_name(p->speed_cap), p->width_cap);
	up = nic->pci.n_up ? &nic->pci.up[nic->pci.n_up - 1].pcie : NULL;
	if (up && up->known && up->speed_cap <= p->speed && up->width_cap <= p->width)
		tune_note(row, "the most that its slot can do");
	tune_fix(row,
		 "put the card into a slot of x%u and its generation; set the slot so in the "
		 "firmware set-up; reseat it",
		 p->width_cap);
}

void tune_judge_pcie_link(const struct tune_judge *j)
{
	each_nic(j, judge_link);
}

static void judge_mrrs(const struct tune_judge *j, const struct tune_nic *nic)
{
	const struct tune_pcie *p = pcie_of(j, nic);
	struct tune_row *row;

	if (!p)
		return;
	if (nic->vf) {
		tune_row(j, TUNE_NA, nic->pci.addr, "a virtual function: its physical one decides");
		return;
	}
	row = tune_row(j, p->mrrs == 4096 ? TUNE_OK : TUNE_WARN, nic->pci.addr, "%u bytes",
		       p->mrrs);
	if (row->status == TUNE_OK)
		return;
	tune_want(row, "4096 bytes");
	if (tune_machine_locked(j->m))
		tune_note(row, "Secure Boot or lockdown will refuse the change");
	tune_fix(row, "setpci -s %s CAP_EXP+8.w=5000:7000", nic->pci.addr);
}

void tune_judge_mrrs(const struct tune_judge *j)
{
	each_nic(j, judge_mrrs);
}

static long long mtu_needed(const struct tune_wanted_port *port)
{
	if (port && port->mtu)
		return port->mtu;
	if (port && port->frame)
		return port->frame - 14; /* the Ethernet header */
	return 9000;
}

static void judge_mtu(const struct tune_judge *j, const struct tune_nic *nic)
{
	long long need = mtu_needed(tune_wanted_port(j->w, nic));
	struct tune_row *row;

	if (nic->mtu == TUNE_UNKNOWN) {
		tune_row(j, TUNE_SKIP, tune_nic_name(nic), "unknown: no interface");
		return;
	}
	row = tune_row(j, nic->mtu >= need ? TUNE_OK : TUNE_WARN, nic->netdev, "%lld", nic->mtu);
	if (nic->max_mtu > 0)
		tune_note(row, "the most it can do is %lld", nic->max_mtu);
	if (row->status == TUNE_OK)
		return;
	tune_want(row, "at least %lld, on everything that the frames pass", need);
	tune_fix(row, "ip link set %s mtu %lld", nic->netdev, need);
}

void tune_judge_mtu(const struct tune_judge *j)
{
	each_nic(j, judge_mtu);
}

static void judge_pause(const struct tune_judge *j, const struct tune_nic *nic)
{
	struct tune_row *row;

	if (nic->pause_rx == TUNE_UNKNOWN || nic->pause_tx == TUNE_UNKNOWN) {
		tune_row(j, TUNE_SKIP, tune_nic_name(nic), "unknown");
		return;
	}
	row = tune_row(j, nic->pause_rx || nic->pause_tx ? TUNE_WARN : TUNE_OK, tune_nic_name(nic),
		       "receive %s, send %s", nic->pause_rx ? "on" : "off",
		       nic->pause_tx ? "on" : "off");
	if (row->status == TUNE_OK)
		return;
	tune_want(row, "off");
	tune_fix(row, "ethtool -A %s rx off tx off", nic->netdev);
}

void tune_judge_pause(const struct tune_judge *j)
{
	each_nic(j, judge_pause);
}

static void judge_clock(const struct tune_judge *j, const struct tune_nic *nic)
{
	const struct tune_wanted_port *port = tune_wanted_port(j->w, nic);
	bool needed = port && port->real_time;
	struct tune_row *row;

	if (!*nic->ptp) {
		row = tune_row(j, needed ? TUNE_WARN : TUNE_SKIP, tune_nic_name(nic),
			       "no PTP hardware clock");
		if (needed)
			tune_want(row, "a PTP hardware clock");
		return;
	}
	row = tune_row(j, needed && nic->real_time == 0 ? TUNE_WARN : TUNE_OK, tune_nic_name(nic),
		       "/dev/%s, timestamps in %s", nic->ptp,
		       nic->real_time == 1 ? "real time"
		       : nic->real_time	   ? "a format not known here"
					   : "free-running ticks");
	if (row->status == TUNE_OK)
		return;
	tune_want(row, "real time: the configuration has clock=real or timed sends");
	tune_fix(row, "mstconfig -d %s set REAL_TIME_CLOCK_ENABLE=1; then reboot", nic->pci.addr);
}

void tune_judge_clock(const struct tune_judge *j)
{
	each_nic(j, judge_clock);
}

static void judge_firmware(const struct tune_judge *j, const struct tune_nic *nic)
{
	const struct tune_wanted_port *port = tune_wanted_port(j->w, nic);
	struct tune_row *row;

	if (!port->flex) {
		tune_row(j, TUNE_OK, tune_nic_name(nic), "nothing that needs a switch");
		return;
	}
	if (nic->flex == TUNE_UNKNOWN) {
		tune_row(j, TUNE_SKIP, tune_nic_name(nic),
			 "unknown: the device could not be asked");
		return;
	}
	row = tune_row(j, nic->flex ? TUNE_OK : TUNE_WARN, tune_nic_name(nic), "parse graphs %s",
		       nic->flex ? "on" : "off");
	if (nic->flex)
		return;
	tune_want(row, "on: the configuration matches by eCPRI, flex or ipv4_len");
	tune_fix(row,
		 "mstconfig -d %s set FLEX_PARSER_PROFILE_ENABLE=4 PROG_PARSE_GRAPH=1; then "
		 "reboot",
		 nic->pci.addr);
}

void tune_judge_firmware(const struct tune_judge *j)
{
	if (!j->w->given)
		tune_nothing(j, TUNE_SKIP, "depends on the configuration: give --config");
	else
		each_nic(j, judge_firmware);
}

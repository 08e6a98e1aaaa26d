/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a NIC: read requests, MTU, pause frames, link type. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "edit.h"
#include "journal.h"
#include "plan.h"

/* The value, or what it is without one; -1: it is no number within the bounds, and refused. */
static long number(struct tune_planner *p, long fallback, long least, long most)
{
	char *end;
	long n;

	if (!*p->value)
		return fallback;
	n = strtol(p->value, &end, 10);
	if (end != p->value && !*end && n >= least && n <= most)
		return n;
	tune_plan_refuse(p, "%s is no number from %ld to %ld", p->value, least, most);
	return -1;
}

static void none(struct tune_planner *p, unsigned n)
{
	if (!n)
		tune_plan_refuse(p, p->nic ? "there is no physical port %s" : "no NIC", p->nic);
}

void tune_plan_mrrs(struct tune_planner *p)
{
	long bytes = number(p, 4096, 128, 4096);
	char text[24];
	unsigned n = 0;

	if (bytes < 0)
		return;
	if (bytes & (bytes - 1)) {
		tune_plan_refuse(p, "%ld is no power of two", bytes);
		return;
	}
	/* Device Control of the PCI Express capability: bits 14:12, 128 << value */
	snprintf(text, sizeof(text), "%x000:7000",
		 (unsigned)__builtin_ctzl((unsigned long)bytes) - 7);
	for (unsigned i = 0; i < p->m->n_nics; i++) {
		const struct tune_pci *pci = &p->m->nic[i].pci;

		if (!tune_plan_nic(p, &p->m->nic[i]))
			continue;
		n++;
		if (!pci->pcie.known || (long)pci->pcie.mrrs != bytes)
			tune_plan_act(p, TUNE_STEP_PCI, pci->addr, text)->at = pci->pcie.devctl;
	}
	none(p, n);
	snprintf(text, sizeof(text), "%ld", bytes);
	tune_plan_ports_at_boot(p, text);
}

/* What the configuration says of a port; without one the guide's 9000. */
static long long mtu_of(struct tune_planner *p, const struct tune_nic *nic, long given)
{
	const struct tune_wanted_port *port = tune_wanted_port(p->w, nic);
	long long mtu = 9000;

	if (given)
		mtu = given;
	else if (port && port->mtu)
		mtu = port->mtu;
	else if (port && port->frame > 9014)
		mtu = port->frame - 14; /* the Ethernet header */
	if (nic->max_mtu > 0 && mtu > nic->max_mtu)
		tune_plan_refuse(p, "%s: %lld is above its largest MTU, %lld", tune_nic_name(nic),
				 mtu, nic->max_mtu);
	return mtu;
}

void tune_plan_mtu(struct tune_planner *p)
{
	long given = number(p, 0, 68, 65535);
	unsigned n = 0;

	if (given < 0)
		return;
	for (unsigned i = 0; i < p->m->n_nics; i++) {
		const struct tune_nic *nic = &p->m->nic[i];
		long long mtu;
		char text[24];

		if (!tune_plan_nic(p, nic) || !*nic->netdev)
			continue;
		n++;
		mtu = mtu_of(p, nic, given);
		snprintf(text, sizeof(text), "%lld", mtu);
		if (nic->mtu != mtu)
			tune_plan_write(p, text, "sys/class/net/%s/mtu", nic->netdev);
		if (p->persist)
			tune_plan_profile(p, nic, mtu, "");
	}
	none(p, n);
}

void tune_plan_pause(struct tune_planner *p)
{
	const char *to = *p->value ? p->value : "off";
	int on = !strcmp(to, "on");
	unsigned n = 0;

	if (!on && strcmp(to, "off")) {
		tune_plan_refuse(p, "%s: must be off or on", to);
		return;
	}
	for (unsigned i = 0; i < p->m->n_nics; i++) {
		const struct tune_nic *nic = &p->m->nic[i];

		if (!tune_plan_nic(p, nic) || !*nic->netdev)
			continue;
		n++;
		if (nic->pause_rx != on || nic->pause_tx != on)
			tune_plan_act(p, TUNE_STEP_PAUSE, nic->netdev, to);
	}
	none(p, n);
	tune_plan_ports_at_boot(p, to);
}

/* A card's ports are its functions, whatever the RDMA devices are called. */
void tune_link_type_command(const struct tune_machine *m, const struct tune_nic *nic, unsigned type,
			    char out[160])
{
	unsigned port = nic->pci.addr[strlen(nic->pci.addr) - 1] == '1' ? 2 : 1;

	snprintf(out, 160, "%s -y -d %s set LINK_TYPE_P%u=%u",
		 tune_exists(m->root, "usr/bin/mlxconfig") ? "mlxconfig" : "mstconfig",
		 nic->pci.addr, port, type);
}

bool tune_link_type_pending(const struct tune_machine *m, const struct tune_nic *nic)
{
	char back[160];

	tune_link_type_command(m, nic, TUNE_INFINIBAND, back);
	return tune_journal_pending(m->root, back);
}

static void change_link(struct tune_planner *p, const struct tune_nic *nic)
{
	char back[160], text[160];

	p->plan->reboot = true;
	if (tune_link_type_pending(p->m, nic)) {
		tune_plan_say(p, "link-layer: %s: changed already, and waits for a reboot",
			      nic->pci.addr);
		return;
	}
	tune_link_type_command(p->m, nic, TUNE_INFINIBAND, back);
	tune_link_type_command(p->m, nic, TUNE_ETHERNET, text);
	tune_plan_run(p, back, "%s", text)->lasting = true;
	p->plan->confirm = true;
}

void tune_plan_link_layer(struct tune_planner *p)
{
	unsigned n = 0;

	if (*p->value && strcmp(p->value, "ethernet")) {
		tune_plan_refuse(p, "%s: must be ethernet", p->value);
		return;
	}
	for (unsigned i = 0; i < p->m->n_nics; i++) {
		const struct tune_nic *nic = &p->m->nic[i];

		if (!tune_plan_nic(p, nic))
			continue;
		n++;
		if (*nic->link_layer && strcmp(nic->link_layer, "Ethernet"))
			change_link(p, nic);
	}
	none(p, n);
}

/* "eth0:1.1.1.1/24,eth1:2.2.2.2/24", or as the configuration's streams have it. */
static void address(struct tune_planner *p, const struct tune_nic *nic, const char *text)
{
	for (unsigned i = 0; i < nic->n_addresses; i++)
		if (!strcmp(nic->address[i], text))
			return;
	tune_plan_act(p, TUNE_STEP_ADDRESS, nic->netdev, text);
}

static void one_address(struct tune_planner *p, const char *name, const char *text)
{
	for (unsigned i = 0; i < p->m->n_nics; i++) {
		const struct tune_nic *nic = &p->m->nic[i];

		if (strcmp(nic->netdev, name) && strcmp(nic->rdma, name) &&
		    strcmp(nic->pci.addr, name))
			continue;
		if (!*nic->netdev) {
			tune_plan_refuse(p, "%s has no interface", name);
			return;
		}
		if (p->nic && !tune_plan_nic(p, nic))
			return;
		if (p->persist && tune_cores_has(&p->addressed, i)) {
			tune_plan_refuse(p,
					 "%s: --persist keeps one address for each port, and %s "
					 "is the second",
					 name, text);
			return;
		}
		tune_cores_add(&p->addressed, i);
		address(p, nic, text);
		if (p->persist)
			tune_plan_profile(p, nic, 0, text);
		return;
	}
	tune_plan_refuse(p, "%s is no port of this machine", name);
}

static void of_configuration(struct tune_planner *p)
{
	unsigned n = 0;
	char text[80];

	for (unsigned i = 0; i < p->w->n_ports; i++) {
		const struct tune_wanted_port *port = &p->w->port[i];

		if (!*port->source)
			continue;
		n++;
		snprintf(text, sizeof(text), "%s/24", port->source);
		for (unsigned k = 0; k < p->m->n_nics; k++)
			if (tune_wanted_port(p->w, &p->m->nic[k]) == port)
				one_address(p, p->m->nic[k].netdev, text);
	}
	if (!n)
		tune_plan_refuse(p,
				 "which? --set addresses=INTERFACE:ADDRESS/LENGTH, or a --config "
				 "whose streams have ipv4");
}

void tune_plan_addresses(struct tune_planner *p)
{
	char copy[1024], *one, *save = NULL;

	tune_put(copy, sizeof(copy), p->value);
	if (!*copy)
		of_configuration(p);
	for (one = strtok_r(copy, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
		char *text = strrchr(one, ':');

		if (text)
			*text++ = 0;
		if (text && tune_is_address(text))
			one_address(p, one, text);
		else
			tune_plan_refuse(p,
					 "%s: must be INTERFACE:ADDRESS/LENGTH, as in "
					 "eth0:1.1.1.1/24",
					 one);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* MTU and addresses that stay, by what manages the link. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "plan.h"
#include "edit.h"

bool tune_is_address(const char *text)
{
	char base[64], *slash, *end;
	struct in_addr in;
	long bits;

	tune_put(base, sizeof(base), text);
	slash = strchr(base, '/');
	if (!slash)
		return false;
	*slash = 0;
	bits = strtol(slash + 1, &end, 10);
	return end != slash + 1 && !*end && bits >= 1 && bits <= 32 &&
	       inet_pton(AF_INET, base, &in) == 1;
}

struct link {
	const struct tune_nic *nic;
	char mtu[24], address[64];
	bool asked;		 /* for the address; else it is the one that is there */
	bool dhcp;		 /* it has none that stays */
	char uuid[64];		 /* of NetworkManager's connection */
	char network[TUNE_PATH]; /* networkd's file */
};

/* "key=value" in a state file of a manager. */
static bool state(const struct tune_planner *p, const char *path, const char *key, char value[256])
{
	char buf[4096], *at;
	size_t len = strlen(key);

	*value = 0;
	if (tune_text(p->m->root, buf, sizeof(buf), "%s", path))
		return false;
	for (at = buf; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, key, len) && at[len] == '=') {
			at[strcspn(at, "\n")] = 0;
			tune_put(value, 256, at + len + 1);
			return true;
		}
	return false;
}

enum manager { NOBODY, NETWORK_MANAGER, NETWORKD, NETPLAN, IFUPDOWN };

static enum manager who(const struct tune_planner *p, struct link *l)
{
	char path[TUNE_PATH], value[256];
	long long index = 0;

	tune_number(p->m->root, &index, "sys/class/net/%s/ifindex", l->nic->netdev);
	snprintf(path, sizeof(path), "run/systemd/netif/links/%lld", index);
	if (state(p, path, "NETWORK_FILE", value)) {
		tune_put(l->network, sizeof(l->network), value);
		return strstr(value, "netplan") ? NETPLAN : NETWORKD;
	}
	if (tune_exists(p->m->root, "run/NetworkManager") ||
	    tune_exists(p->m->root, "etc/NetworkManager/NetworkManager.conf")) {
		snprintf(path, sizeof(path), "run/NetworkManager/devices/%lld", index);
		if (!state(p, path, "managed", value) || strcmp(value, "false")) {
			state(p, path, "connection-uuid", value);
			tune_put(l->uuid, sizeof(l->uuid), value);
			return NETWORK_MANAGER;
		}
	}
	if (tune_exists(p->m->root, "run/systemd/netif"))
		return NETWORKD;
	return tune_exists(p->m->root, "etc/network/interfaces") ? IFUPDOWN : NOBODY;
}

/* The file in /etc of a connection: by its uuid, else by the interface that it is for. */
static bool find_keyfile(const struct tune_planner *p, const struct link *l, char path[TUNE_PATH])
{
	static const char dir[] = "etc/NetworkManager/system-connections";
	struct tune_names names;
	bool found = false;

	tune_list(p->m->root, &names, "%s", dir);
	for (unsigned i = 0; i < names.n && !found; i++) {
		char value[256] = "", *text;

		snprintf(path, TUNE_PATH, "%s/%.255s", dir, names.name[i]);
		text = tune_plan_old(p, path);
		found = text &&
			((*l->uuid && tune_edit_get(text, "connection", "uuid", value) &&
			  !strcmp(value, l->uuid)) ||
			 (!*l->uuid && tune_edit_get(text, "connection", "interface-name", value) &&
			  !strcmp(value, l->nic->netdev)));
		free(text);
	}
	tune_names_free(&names);
	return found;
}

static void profile_path(char path[TUNE_PATH], const char *name)
{
	snprintf(path, TUNE_PATH, "etc/NetworkManager/system-connections/%s.nmconnection", name);
}

/* "daqiri-tx" for the first port that gets one, "daqiri-rx" for the second, as in the guide. */
static void name_profile(const struct tune_planner *p, const struct link *l, char name[64])
{
	static const char *const names[] = {"daqiri-tx", "daqiri-rx"};
	char path[TUNE_PATH], value[256];
	bool free_or_its = false;

	for (unsigned i = 0; i < 2 && !free_or_its; i++) {
		char *text;

		tune_put(name, 64, names[i]);
		profile_path(path, name);
		text = tune_plan_old(p, path);
		free_or_its =
			!text || (tune_edit_get(text, "connection", "interface-name", value) &&
				  !strcmp(value, l->nic->netdev));
		free(text);
	}
	if (!free_or_its)
		snprintf(name, 64, "daqiri-%s", l->nic->netdev);
}

/* Each line that is not "" into its section. */
static char *edit(char *text, const char *const lines[][2], unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char *next;

		if (!*lines[i][1])
			continue;
		next = tune_edit_ini(text, lines[i][0], lines[i][1]);
		free(text);
		text = next;
		if (!text)
			return NULL;
	}
	return text;
}

static void keyfile(struct tune_planner *p, const struct link *l, const char *path,
		    const char *name)
{
	char mtu[48] = "", address[80] = "", id[96], interface[64];
	bool addressed = *l->address && (*name || l->asked);
	const char *const lines[][2] = {
		{"connection", *name ? id : ""},
		{"connection", *name ? "type=ethernet" : ""},
		{"connection", *name ? interface : ""},
		{"connection", *name ? "autoconnect-priority=10" : ""},
		{"ethernet", mtu},
		{"ipv4", addressed ? "method=manual"
			 : !*name  ? ""
			 : l->dhcp ? "method=auto"
				   : "method=disabled"},
		{"ipv4", address},
		{"ipv6", *name ? "method=ignore" : ""},
	};
	char *text = tune_plan_old(p, path);

	snprintf(id, sizeof(id), "id=%s", name);
	snprintf(interface, sizeof(interface), "interface-name=%s", l->nic->netdev);
	if (*l->mtu)
		snprintf(mtu, sizeof(mtu), "mtu=%s", l->mtu);
	if (addressed)
		snprintf(address, sizeof(address), "address1=%s", l->address);
	text = edit(text ? text : strdup(tune_mark), lines, 8);
	p->plan->no_memory |= !text;
	if (text)
		tune_plan_file(p, path, 0600, text);
	free(text);
}

static void network_manager(struct tune_planner *p, const struct link *l)
{
	char path[TUNE_PATH], name[64] = "";
	bool theirs = find_keyfile(p, l, path), managed = !theirs && *l->uuid;

	if (!theirs) {
		name_profile(p, l, name);
		profile_path(path, name);
	}
	/* netplan's, or one made up for this boot: it has no file in /etc, and ours goes before it
	 */
	if (managed)
		tune_plan_say(p, "%s: a profile of its own takes the place of connection %s",
			      l->nic->netdev, l->uuid);
	if (!theirs && tune_plan_foreign(p, path)) {
		tune_plan_refuse(p, "/%s is for another interface: give it another name", path);
		return;
	}
	tune_plan_run(p, "nmcli connection reload", "%s", "")->lasting = true;
	keyfile(p, l, path, name);
	tune_plan_run(p, "", "nmcli connection reload")->lasting = true;
}

static void networkd(struct tune_planner *p, const struct link *l)
{
	const char *base = strrchr(l->network, '/');
	bool addressed = *l->address && (!base || l->asked), dhcp = !base && l->dhcp;
	char path[TUNE_PATH], text[512];

	/* beside the file that manages the link, whosever it is; else one of ours */
	if (base)
		snprintf(path, sizeof(path), "etc/systemd/network/%.128s.d/daqiri.conf", base + 1);
	else
		snprintf(path, sizeof(path), "etc/systemd/network/10-daqiri-%s.network",
			 l->nic->netdev);
	if (tune_plan_foreign(p, path)) {
		tune_plan_refuse(p, "/%s is not daqiri-tune's: set MTU and address there", path);
		return;
	}
	snprintf(text, sizeof(text), "%s%s%s%s%s%s%s%s%s%s", tune_mark,
		 base ? "" : "[Match]\nName=", base ? "" : l->nic->netdev, base ? "" : "\n",
		 *l->mtu ? "[Link]\nMTUBytes=" : "", l->mtu, *l->mtu ? "\n" : "",
		 addressed ? "[Network]\nAddress="
		 : dhcp	   ? "[Network]\nDHCP=yes"
			   : "",
		 addressed ? l->address : "", addressed || dhcp ? "\n" : "");
	tune_plan_run(p, "networkctl reload", "%s", "")->lasting = true;
	tune_plan_file(p, path, 0644, text);
	tune_plan_run(p, "", "networkctl reload")->lasting = true;
}

static void by_hand(struct tune_planner *p, const struct link *l, enum manager m)
{
	const char *name = l->nic->netdev;

	if (m == NETPLAN)
		tune_plan_say(p,
			      "%s is netplan's: in its file in /etc/netplan, below %s:%s%s%s%s%s; "
			      "then netplan apply",
			      name, name, *l->mtu ? " mtu: " : "", l->mtu,
			      *l->address ? " addresses: [" : "", l->address,
			      *l->address ? "]" : "");
	else
		tune_plan_say(p, "%s: %s, below iface %s:%s%s%s%s", name,
			      m == IFUPDOWN ? "in /etc/network/interfaces"
					    : "nothing that manages links was found; in its words",
			      name, *l->mtu ? " mtu " : "", l->mtu, *l->address ? " address " : "",
			      l->address);
}

/* The first one that stays: what DHCP gave is not made a static one. */
static void present_address(struct link *l)
{
	const struct tune_nic *nic = l->nic;
	unsigned i = 0;

	while (i < nic->n_addresses && nic->dynamic[i])
		i++;
	if (i < nic->n_addresses)
		tune_put(l->address, sizeof(l->address), nic->address[i]);
	else
		l->dhcp = i;
}

void tune_plan_profile(struct tune_planner *p, const struct tune_nic *nic, long long mtu,
		       const char *address)
{
	struct link l = {.nic = nic};
	const struct tune_step *s;
	enum manager m = who(p, &l);
	char file[TUNE_PATH];

	snprintf(file, sizeof(file), "sys/class/net/%s/mtu", nic->netdev);

	/* both go into one file: what the other setting asked for stays */
	for (unsigned i = 0; i < p->plan->n_steps; i++) {
		s = &p->plan->step[i];
		if (s->kind == TUNE_STEP_ADDRESS && !strcmp(s->path, nic->netdev))
			address = s->text;
		if (s->kind == TUNE_STEP_WRITE && !strcmp(s->path, file))
			tune_put(l.mtu, sizeof(l.mtu), s->text);
	}
	if (!*address)
		present_address(&l);
	l.asked = *address;
	if (l.asked)
		tune_put(l.address, sizeof(l.address), address);
	if (mtu)
		snprintf(l.mtu, sizeof(l.mtu), "%lld", mtu);
	else if (!*l.mtu && nic->mtu > 1500)
		snprintf(l.mtu, sizeof(l.mtu), "%lld", nic->mtu);
	if (m == NETWORK_MANAGER)
		network_manager(p, &l);
	else if (m == NETWORKD)
		networkd(p, &l);
	else
		by_hand(p, &l, m);
}

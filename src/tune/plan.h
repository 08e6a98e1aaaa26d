/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_PLAN_H
#define TUNE_PLAN_H

#include "machine.h"
#include "wanted.h"

/*
 * What a setting would do, step by step: planning looks at what was read and writes nothing; doing
 * (apply.c) is apart. A dry run prints the same steps.
 */

enum tune_step_kind {
	TUNE_STEP_WRITE,   /* text into a file of the kernel */
	TUNE_STEP_FILE,	   /* a whole file of the machine's configuration */
	TUNE_STEP_PCI,	   /* DevCtl of a PCI device: text is "VALUE:MASK" in hex */
	TUNE_STEP_ADDRESS, /* text, "1.1.1.1/24", to an interface */
	TUNE_STEP_PAUSE,   /* text, "on" or "off", of an interface */
	TUNE_STEP_RUN,	   /* a command */
	TUNE_STEP_SAY	   /* nothing is done: a line for the person */
};

struct tune_step {
	enum tune_step_kind kind;
	const char *setting;
	char path[256]; /* a file, without the leading slash; an interface; a PCI address */
	char *text;
	char *back;    /* RUN: what takes it back; "" nothing does */
	unsigned mode; /* FILE */
	unsigned at;   /* PCI: of the register; 0 it could not be read */
	bool may_fail; /* others go on */
	bool lasting;  /* RUN: outlasts a reboot */
};

struct tune_plan {
	unsigned n_steps;
	struct tune_step *step;
	char refused[512]; /* why nothing is done; "" */
	bool no_memory, reboot, confirm;
};

struct tune_check;

struct tune_planner {
	const struct tune_machine *m;
	const struct tune_wanted *w;
	const struct tune_check *check; /* the setting */
	const char *value;		/* what it is to be; "" as the guide has it */
	const char *nic;		/* only this one; NULL all */
	const char *ports;		/* only these, by PCI address; NULL all */
	bool persist;
	struct tune_cores addressed; /* ports, by their place, that were given an address */
	struct tune_plan *plan;
};

/* The first line of files that are ours. */
extern const char tune_mark[];

void tune_plan_write(struct tune_planner *p, const char *text, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Once for each path: a second text takes the first one's place. None where it is so already. */
void tune_plan_file(struct tune_planner *p, const char *path, unsigned mode, const char *text);
/* One command once. */
struct tune_step *tune_plan_run(struct tune_planner *p, const char *back, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
struct tune_step *tune_plan_act(struct tune_planner *p, enum tune_step_kind kind, const char *path,
				const char *text);
void tune_plan_say(struct tune_planner *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void tune_plan_refuse(struct tune_planner *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void tune_plan_free(struct tune_plan *plan);

/* What a file holds once the plan so far is done: to be freed; NULL: it is not there. */
char *tune_plan_old(const struct tune_planner *p, const char *path);
/* Whether a file is there that daqiri-tune did not write. */
bool tune_plan_foreign(const struct tune_planner *p, const char *path);

/* Whether a setting is about this NIC. */
bool tune_plan_nic(const struct tune_planner *p, const struct tune_nic *nic);

enum { TUNE_INFINIBAND = 1, TUNE_ETHERNET = 2 }; /* LINK_TYPE of mlxconfig */

/* The command that gives a port its link type at the next reboot. */
void tune_link_type_command(const struct tune_machine *m, const struct tune_nic *nic, unsigned type,
			    char out[160]);
/* Whether --set made it an Ethernet port, and the reboot is still to come. */
bool tune_link_type_pending(const struct tune_machine *m, const struct tune_nic *nic);

/* Whether text is an IPv4 address with a length: "1.1.1.1/24". */
bool tune_is_address(const char *text);

/* Has daqiri-tune.service set it at each start: a line in /etc/daqiri/tune.ini. */
void tune_plan_at_boot(struct tune_planner *p, const char *value);
/* The same for the ports that the setting is about: one more line where these are not all. */
void tune_plan_ports_at_boot(struct tune_planner *p, const char *value);
/* Whether this address is in a list with commas; "all" has every one. */
bool tune_plan_listed(const char *ports, const char *addr);
/* Adds flags to the kernel's command line; names are those that the setting owns. */
void tune_plan_bootline(struct tune_planner *p, const char *names, const char *flags);
/* Keeps MTU and addresses, by what manages the link. mtu 0, address "": as they are. */
void tune_plan_profile(struct tune_planner *p, const struct tune_nic *nic, long long mtu,
		       const char *address);

void tune_plan_mrrs(struct tune_planner *p);
void tune_plan_mtu(struct tune_planner *p);
void tune_plan_addresses(struct tune_planner *p);
void tune_plan_hugepages(struct tune_planner *p);
void tune_plan_cmdline(struct tune_planner *p);
void tune_plan_cpu_freq(struct tune_planner *p);
void tune_plan_gpu_clock(struct tune_planner *p);
void tune_plan_irq(struct tune_planner *p);
void tune_plan_link_layer(struct tune_planner *p);
void tune_plan_peermem(struct tune_planner *p);
void tune_plan_pause(struct tune_planner *p);
void tune_plan_memlock(struct tune_planner *p);
void tune_plan_bar1(struct tune_planner *p);

#endif

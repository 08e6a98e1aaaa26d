/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNE_CHECK_H
#define TUNE_CHECK_H

#include "machine.h"
#include "plan.h"
#include "wanted.h"

enum tune_status { TUNE_OK, TUNE_NA, TUNE_SKIP, TUNE_WARN, TUNE_FAIL };

enum tune_persist { TUNE_NONE, TUNE_UNIT, TUNE_UDEV, TUNE_BOOTLINE, TUNE_PROFILE, TUNE_FIRMWARE };

enum { TUNE_ROOT = 1, TUNE_REBOOT = 2, TUNE_SECURE_BOOT_OFF = 4 };

struct tune_check;

/* What one check says of one object. */
struct tune_row {
	const struct tune_check *check;
	enum tune_status status;
	char object[64], found[256], want[192], fix[384];
	const char *why; /* one sentence; static */
};

struct tune_rows {
	unsigned n_rows;
	struct tune_row *row;
	const struct tune_check *check; /* that is judging now */
	bool no_memory;
};

/* Judging: values in, rows out. */
struct tune_judge {
	const struct tune_machine *m;
	const struct tune_wanted *w;
	struct tune_rows *rows;
};

struct tune_check {
	const char *id;
	const char *alias; /* other names, with blanks between them */
	const char *title;
	const char *why;
	void (*judge)(const struct tune_judge *j);
	enum tune_persist persist;
	unsigned needs;
	void (*plan)(struct tune_planner *p); /* NULL: it can only be judged */
};

extern const struct tune_check tune_checks[];
extern const unsigned tune_n_checks;

/* By id or alias; NULL: none. */
const struct tune_check *tune_check_find(const char *name, size_t len);

/* -ENOMEM only. */
int tune_check_run(const struct tune_check *check, const struct tune_machine *m,
		   const struct tune_wanted *w, struct tune_rows *rows);

/* A row; there is always one to write to. */
struct tune_row *tune_row(const struct tune_judge *j, enum tune_status status, const char *object,
			  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void tune_want(struct tune_row *row, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tune_fix(struct tune_row *row, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tune_note(struct tune_row *row, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The one row of a check that finds no object. */
void tune_nothing(const struct tune_judge *j, enum tune_status status, const char *found);

void tune_judge_platform(const struct tune_judge *j);
void tune_judge_drivers(const struct tune_judge *j);
void tune_judge_secure_boot(const struct tune_judge *j);
void tune_judge_link_layer(const struct tune_judge *j);
void tune_judge_carrier(const struct tune_judge *j);
void tune_judge_addresses(const struct tune_judge *j);
void tune_judge_gpudirect(const struct tune_judge *j);
void tune_judge_peermem(const struct tune_judge *j);
void tune_judge_topo(const struct tune_judge *j);
void tune_judge_mps(const struct tune_judge *j);
void tune_judge_pcie_link(const struct tune_judge *j);
void tune_judge_mrrs(const struct tune_judge *j);
void tune_judge_hugepages(const struct tune_judge *j);
void tune_judge_cmdline(const struct tune_judge *j);
void tune_judge_cpu_freq(const struct tune_judge *j);
void tune_judge_irq(const struct tune_judge *j);
void tune_judge_gpu_clock(const struct tune_judge *j);
void tune_judge_bar1(const struct tune_judge *j);
void tune_judge_mtu(const struct tune_judge *j);
void tune_judge_pause(const struct tune_judge *j);
void tune_judge_memlock(const struct tune_judge *j);
void tune_judge_iommu_acs(const struct tune_judge *j);
void tune_judge_numa(const struct tune_judge *j);
void tune_judge_clock(const struct tune_judge *j);
void tune_judge_firmware(const struct tune_judge *j);

#endif

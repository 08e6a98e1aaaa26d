/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations to be opened while calls fail, and what must not be left by that. */
#ifndef TEST_FAULTS_KIT_H
#define TEST_FAULTS_KIT_H

#include "dq_kit.h"
#include "faults.h"

struct layout {
	const char *name, *text;
	bool attached; /* both ports on the test's own verbs objects */
};
extern const struct layout fault_loopback, fault_rss, fault_unmatched, fault_inlined, fault_huge,
	fault_attached;

/* The one in use, from fault_begin(), which opens it once, to fault_end(). */
extern const struct layout *fault_layout;
void fault_begin(const struct layout *layout);
void fault_end(void);

/* Opens or attaches it, with that fault if not NULL; dq may be NULL when closing. */
int fault_open(struct daqiri **dq, struct fault *fault);
void fault_close(struct daqiri *dq);

struct fault_stock {
	struct fault_held lib;
	int files;
	char objects[2][256];
};
struct fault_stock fault_stock(void);
void fault_check_stock(const struct fault_stock *before, const char *when);
/* Without the mappings, of which libmlx5 keeps some where an object cannot be destroyed. */
void fault_check_library(const struct fault_stock *before, const char *when);

/* Ten frames from port a to the queues of b. */
void fault_check_traffic(struct daqiri *dq, const char *when);

/* A detail says what it is about: a section, the file, a device, or the whole. */
bool fault_names_object(const char *detail);

#endif

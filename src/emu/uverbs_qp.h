/* SPDX-License-Identifier: Apache-2.0 */
/* Queue pairs: what their files share. */
#ifndef EMU_UVERBS_QP_H
#define EMU_UVERBS_QP_H

#include "uverbs_mem.h"

struct emu_qp_pins {
	struct emu_pin sq, rq, db;
};

/* A queue pair with all of its parts in one piece of memory; qp first: it is the object's impl. */
struct emu_qp_object {
	struct emu_qp qp;
	struct emu_sq sq;
	struct emu_rq rq;
	struct emu_tir tir;
	struct emu_qp_pins pins;
	bool attached; /* on the device's lists */
};

/* The QP/CREATE of a hash QP, after the core's checks; obj on success. */
int emu_rss_create(struct emu_call *call, struct emu_object **obj);
/* Makes the object; its destroy function undoes what is set in o. o is freed on failure. */
int emu_qp_finish(struct emu_call *call, struct emu_qp_object *o, struct emu_object **obj);

int emu_qp_modify(struct emu_call *call);
int emu_qp_modify_ex(struct emu_call *call);
int emu_qp_query(struct emu_call *call);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration that must be sound comes to. */
#ifndef RESOLVE_TEXT_H
#define RESOLVE_TEXT_H

#include <criterion/criterion.h>
#include <string.h>

#include <daqiri.h>

#include "config_model.h"

static inline struct dq_conf *resolve(const char *text)
{
	struct daqiri_config *cfg = NULL;
	struct dq_conf *conf = NULL;

	cr_assert_eq(daqiri_config_parse(&cfg, text, strlen(text), "t.ini"), 0, "%s",
		     daqiri_error_detail());
	cr_assert_eq(dq_conf_resolve(&conf, cfg, NULL), 0, "%s", daqiri_error_detail());
	daqiri_config_destroy(cfg); /* the result must not need it */
	return conf;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* OpenMetrics text: families, order, escapes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../bench/om.h"

static const struct om_kind counter = {OM_COUNTER, "a_", "Help."};
static const struct om_kind gauge = {OM_GAUGE, "b_", "Level."};
static const struct om_kind info = {OM_INFO, "", "What."};

/* As written; free() it. */
static char *text_of(struct om *om)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	cr_assert(om_write(om, f));
	fclose(f);
	om_free(om);
	return text;
}

Test(perf_om, samples_of_a_family_stand_together)
{
	struct om om = {0};
	char *text;

	om_add(&om, &gauge, "level", "", 7);
	om_add(&om, &counter, "rx_bytes", "port=\"x\"", 1);
	om_add(&om, &info, "port", "name=\"x\"", 1);
	om_add(&om, &counter, "rx_bytes", "port=\"y\"", 18446744073709551615u);
	text = text_of(&om);
	cr_assert_str_eq(text, "# TYPE a_rx_bytes counter\n# UNIT a_rx_bytes bytes\n"
			       "# HELP a_rx_bytes Help.\n"
			       "a_rx_bytes_total{port=\"x\"} 1\n"
			       "a_rx_bytes_total{port=\"y\"} 18446744073709551615\n"
			       "# TYPE b_level gauge\n# HELP b_level Level.\nb_level 7\n"
			       "# TYPE port info\n# HELP port What.\nport_info{name=\"x\"} 1\n"
			       "# EOF\n");
	free(text);
}

Test(perf_om, nothing_is_a_text_too)
{
	struct om om = {0};
	char *text = text_of(&om);

	cr_assert_str_eq(text, "# EOF\n");
	free(text);
}

Test(perf_om, names_have_no_other_characters)
{
	struct om om = {0};
	char *text;

	om_add(&om, &counter, "a.b-c\xc3\xa9 d", "", 1);
	text = text_of(&om);
	cr_assert(strstr(text, "\na_a_b_c___d_total 1\n"), "%s", text);
	free(text);
}

Test(perf_om, values_of_labels_are_escaped)
{
	char labels[64] = "";

	om_label(labels, sizeof(labels), "a", "x\"y\\z\nw");
	om_label(labels, sizeof(labels), "b", "");
	cr_assert_str_eq(labels, "a=\"x\\\"y\\\\z\\nw\",b=\"\"");
}

/* A label that is cut is still one, and no escape is cut in two. */
Test(perf_om, labels_that_do_not_fit_are_cut)
{
	for (size_t size = 1; size < 24; size++) {
		char labels[24] = "";
		size_t len;

		memset(labels + 1, 'E', sizeof(labels) - 1);
		om_label(labels, size, "ab", "\"\"\"\"\"\"");
		len = strlen(labels);
		cr_assert_lt(len, size);
		cr_assert(!len || (labels[len - 1] == '"' && len % 2 == 1), "%s", labels);
	}
}

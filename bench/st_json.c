/* SPDX-License-Identifier: Apache-2.0 */
/* The report of --selftest for programs. */
#include <config.h>

#include <stdio.h>

#include "msg.h"
#include "st_report.h"

#ifdef HAVE_JANSSON
#include <jansson.h>

static json_t *port_json(const struct st_port *p)
{
	struct st_caps caps;
	json_t *doc, *list = json_object();
	char mac[18];

	st_caps_read(&caps, p);
	for (unsigned i = 0; i < caps.n; i++)
		json_object_set_new(list, caps.cap[i].name,
				    caps.cap[i].flag ? json_boolean(caps.cap[i].value)
						     : json_integer((json_int_t)caps.cap[i].value));
	st_mac_masked(p->info.mac, mac);
	doc = json_pack("{s:s, s:i, s:s, s:b, s:i, s:s, s:i, s:I, s:i}", "model", st_model(p),
			"device_id", (int)p->attr.orig_attr.vendor_part_id, "firmware",
			p->info.firmware, "emulated", p->info.emulated, "port",
			(int)p->info.port_num, "mac", mac, "mtu", (int)p->info.mtu,
			"speed_bits_per_second", (json_int_t)p->info.speed_bps, "numa_node",
			p->info.numa_node);
	json_object_set_new(doc, "capabilities", list);
	return doc;
}

static json_t *results_json(const struct st_report *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->n; i++) {
		struct st_result *x = &r->results[i];

		st_redact(x->why);
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:s}", "id", x->check->id, "doc",
						x->check->doc, "verdict",
						st_verdict_name(x->verdict), "reason", x->why));
	}
	return list;
}

static json_t *report_json(const struct st_report *r)
{
	const struct st *st = r->st;
	json_t *ports = json_array();
	char system[256];

	st_system(system, sizeof(system));
	json_array_append_new(ports, port_json(st->a));
	if (st->a != st->b)
		json_array_append_new(ports, port_json(st->b));
	return json_pack("{s:s, s:i, s:s, s:s, s:b, s:o, s:o, s:i, s:i, s:i}", "report",
			 "daqiri-perf selftest", "schema", ST_SCHEMA, "version", daqiri_version(),
			 "system", system, "emulated", st_emulated(st), "ports", ports, "checks",
			 results_json(r), "passed", (int)r->count[ST_PASS], "failed",
			 (int)r->count[ST_FAIL], "skipped", (int)r->count[ST_SKIP]);
}

int st_report_json(const struct st_report *r, const char *path)
{
	FILE *f = path ? fopen(path, "w") : stdout;
	json_t *doc = report_json(r);
	int ret = -1;

	if (f && doc && !json_dumpf(doc, f, JSON_INDENT(2)) && fputc('\n', f) != EOF)
		ret = 0;
	json_decref(doc);
	if (f && path && fclose(f))
		ret = -1;
	return ret ? perf_fail("--json: the report cannot be written: %m") : 0;
}

#else

int st_report_json(const struct st_report *r, const char *path)
{
	(void)r;
	(void)path;
	return perf_fail("--json: this daqiri-perf was built without jansson");
}

#endif

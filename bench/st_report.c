/* SPDX-License-Identifier: Apache-2.0 */
/* The report of --selftest for people, and what both its forms say. No name of a machine in it. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "st_report.h"

static void number(struct st_caps *c, const char *name, uint64_t value)
{
	if (c->n < ST_MAX_CAPS)
		c->cap[c->n++] = (struct st_cap){name, value, false};
}

static void flag(struct st_caps *c, const char *name, bool value)
{
	if (c->n < ST_MAX_CAPS)
		c->cap[c->n++] = (struct st_cap){name, value, true};
}

static void verbs_caps(struct st_caps *c, const struct ibv_device_attr_ex *a)
{
	const struct ibv_device_attr *d = &a->orig_attr;

	number(c, "max_qp", (uint64_t)d->max_qp);
	number(c, "max_qp_wr", (uint64_t)d->max_qp_wr);
	number(c, "max_sge", (uint64_t)d->max_sge);
	number(c, "max_cq", (uint64_t)d->max_cq);
	number(c, "max_cqe", (uint64_t)d->max_cqe);
	number(c, "max_mr", (uint64_t)d->max_mr);
	number(c, "max_wq_rq", a->max_wq_type_rq);
	number(c, "core_clock_khz", a->hca_core_clock);
	number(c, "completion_timestamp_mask", a->completion_timestamp_mask);
	flag(c, "checksum", a->raw_packet_caps & IBV_RAW_PACKET_CAP_IP_CSUM);
	flag(c, "vlan_strip", a->raw_packet_caps & IBV_RAW_PACKET_CAP_CVLAN_STRIPPING);
	flag(c, "scatter_fcs", a->raw_packet_caps & IBV_RAW_PACKET_CAP_SCATTER_FCS);
	flag(c, "delay_drop", a->raw_packet_caps & IBV_RAW_PACKET_CAP_DELAY_DROP);
	number(c, "tso_max_bytes", a->tso_caps.max_tso);
	flag(c, "tso_raw_packet", a->tso_caps.supported_qpts & 1u << IBV_QPT_RAW_PACKET);
	number(c, "rss_max_tables", a->rss_caps.max_rwq_indirection_tables);
	number(c, "rss_max_table_size", a->rss_caps.max_rwq_indirection_table_size);
	number(c, "rss_hash_fields", a->rss_caps.rx_hash_fields_mask);
	number(c, "rss_hash_functions", a->rss_caps.rx_hash_function);
	number(c, "pacing_min_kbps", a->packet_pacing_caps.qp_rate_limit_min);
	number(c, "pacing_max_kbps", a->packet_pacing_caps.qp_rate_limit_max);
	flag(c, "pacing_raw_packet",
	     a->packet_pacing_caps.supported_qpts & 1u << IBV_QPT_RAW_PACKET);
}

static void mlx5_caps(struct st_caps *c, const struct mlx5dv_context *d)
{
	flag(c, "cqe_v1", d->flags & MLX5DV_CONTEXT_FLAGS_CQE_V1);
	flag(c, "mpw", d->flags & MLX5DV_CONTEXT_FLAGS_MPW_ALLOWED);
	flag(c, "empw", d->flags & MLX5DV_CONTEXT_FLAGS_ENHANCED_MPW);
	flag(c, "cqe_128_compression", d->flags & MLX5DV_CONTEXT_FLAGS_CQE_128B_COMP);
	flag(c, "cqe_128_padding", d->flags & MLX5DV_CONTEXT_FLAGS_CQE_128B_PAD);
	if (d->comp_mask & MLX5DV_CONTEXT_MASK_CQE_COMPRESION) {
		number(c, "cqe_compression_max", d->cqe_comp_caps.max_num);
		number(c, "cqe_compression_formats", d->cqe_comp_caps.supported_format);
	}
	if (d->comp_mask & MLX5DV_CONTEXT_MASK_STRIDING_RQ) {
		const struct mlx5dv_striding_rq_caps *s = &d->striding_rq_caps;

		number(c, "striding_min_log_stride", s->min_single_stride_log_num_of_bytes);
		number(c, "striding_max_log_stride", s->max_single_stride_log_num_of_bytes);
		number(c, "striding_min_log_strides", s->min_single_wqe_log_num_of_strides);
		number(c, "striding_max_log_strides", s->max_single_wqe_log_num_of_strides);
		flag(c, "striding_raw_packet", s->supported_qpts & 1u << IBV_QPT_RAW_PACKET);
	}
	if (d->comp_mask & MLX5DV_CONTEXT_MASK_TUNNEL_OFFLOADS)
		number(c, "tunnel_offloads", d->tunnel_offloads_caps);
}

void st_caps_read(struct st_caps *c, const struct st_port *p)
{
	c->n = 0;
	verbs_caps(c, &p->attr);
	mlx5_caps(c, &p->dv);
	flag(c, "firmware_queried", p->firmware.known);
	flag(c, "wait_on_time", p->firmware.wait_on_time);
	flag(c, "wqe_vlan_insert", p->firmware.vlan_insert);
}

void st_mac_masked(const uint8_t mac[6], char text[18])
{
	snprintf(text, 18, "%02x:%02x:%02x:**:**:**", mac[0], mac[1], mac[2]);
}

static bool is_mac(const char *p)
{
	for (unsigned i = 0; i < 17; i++)
		if (i % 3 == 2 ? p[i] != ':' : !isxdigit((unsigned char)p[i]))
			return false;
	return true;
}

void st_redact(char *text)
{
	for (char *p = text; *p; p++)
		if (is_mac(p))
			for (unsigned i = 9; i < 17; i++)
				p[i] = p[i] == ':' ? ':' : '*';
}

const char *st_verdict_name(enum st_verdict verdict)
{
	static const char *const names[] = {"pass", "fail", "skip"};

	return names[verdict];
}

bool st_emulated(const struct st *st)
{
	return st->a->info.emulated || st->b->info.emulated;
}

void st_system(char *text, size_t size)
{
	struct utsname u;

	if (uname(&u))
		snprintf(text, size, "unknown");
	else
		snprintf(text, size, "%s %s %s", u.sysname, u.release, u.machine);
}

static void print_port(const struct st_port *p, const char *role)
{
	struct st_caps caps;
	char mac[18];

	st_mac_masked(p->info.mac, mac);
	printf("%s: %s, firmware %s, emulated: %s\n", role, st_model(p), p->info.firmware,
	       p->info.emulated ? "true" : "false");
	printf("  port %u, MAC %s, MTU %u, %g Gb/s, NUMA node %d\n", p->info.port_num, mac,
	       p->info.mtu, (double)p->info.speed_bps / 1e9, p->info.numa_node);
	st_caps_read(&caps, p);
	for (unsigned i = 0; i < caps.n; i++) {
		const struct st_cap *c = &caps.cap[i];

		if (c->flag)
			printf("  %s %s\n", c->name, c->value ? "yes" : "no");
		else
			printf("  %s %" PRIu64 "\n", c->name, c->value);
	}
}

void st_report_text(const struct st_report *r)
{
	const struct st *st = r->st;
	char system[256];

	st_system(system, sizeof(system));
	printf("daqiri-perf selftest, report schema %d, libdaqiri %s, %s\n", ST_SCHEMA,
	       daqiri_version(), system);
	print_port(st->a, st->a == st->b ? "both ends" : "first port");
	if (st->a != st->b)
		print_port(st->b, "second port");
	for (unsigned i = 0; i < r->n; i++) {
		struct st_result *x = &r->results[i];

		st_redact(x->why);
		printf("%s %-22s %s%s%s\n", st_verdict_name(x->verdict), x->check->id,
		       x->check->doc, *x->why ? ": " : "", x->why);
	}
	printf("%u passed, %u failed, %u skipped, emulated: %s\n", r->count[ST_PASS],
	       r->count[ST_FAIL], r->count[ST_SKIP], st_emulated(st) ? "true" : "false");
}

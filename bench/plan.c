/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"
#include "plan.h"

/* Where a stream names none: of the benchmarking network, RFC 2544. */
#define DEFAULT_IPV4 "198.18.0.1 > 198.18.0.2"
#define DEFAULT_UDP  "4096 > 4096"

uint16_t perf_stream_id(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	h = (h >> 16 ^ h) & 0xffff;
	return (uint16_t)(h ? h : 1);
}

double perf_stream_pps(const struct perf_stream *s)
{
	double bytes = 0;

	if (!s->rate.bits)
		return s->rate.value;
	for (unsigned i = 0; i < s->sizes.n; i++)
		bytes += s->sizes.v[i];
	return s->rate.value * s->sizes.n / (bytes * 8);
}

static struct perf_place place(const struct perf_plan *plan, const char *section, const char *key)
{
	return (struct perf_place){ plan->cfg, section, key };
}

/* A number of [perf] or [stream], or fallback where none is set. */
static uint64_t number(const struct perf_plan *plan, const char *section, const char *key,
		       uint64_t fallback)
{
	uint64_t v;

	return daqiri_config_get_u64(plan->cfg, section, key, &v) ? fallback : v;
}

static int plan_end(const struct perf_plan *plan, struct perf_stream *s, const char *key)
{
	struct perf_end *end = strcmp(key, "tx") ? &s->rx : &s->tx;
	const char *text = daqiri_config_get(plan->cfg, s->section, key);
	char queue[2 * PERF_NAME];

	if (!text)
		return 0;
	if (perf_parse_queue(text, end->port, sizeof(end->port), &end->queue))
		return perf_fail_at(place(plan, s->section, key), "must be PORT QUEUE");
	snprintf(queue, sizeof(queue), "%sq %s %u", key, end->port, end->queue);
	if (!daqiri_config_get(plan->cfg, queue, "mode"))
		return perf_fail_at(place(plan, s->section, key), "there is no [%s]", queue);
	end->used = true;
	return 0;
}

bool perf_same_end(const struct perf_end *a, const struct perf_end *b)
{
	return a->used && b->used && a->queue == b->queue && !strcmp(a->port, b->port);
}

static int plan_role(const struct perf_plan *plan, struct perf_stream *s)
{
	const char *role = daqiri_config_get(plan->cfg, s->section, "role");
	uint64_t swap = number(plan, s->section, "mac_swap", 0);

	if (role && !strcmp(role, "forward"))
		s->role = PERF_FORWARD;
	else if (role && !strcmp(role, "drop"))
		s->role = PERF_DROP;
	s->mac_swap = swap;
	if (swap && s->role != PERF_FORWARD)
		return perf_fail_at(place(plan, s->section, "mac_swap"),
				    "goes with role = forward only");
	if (s->role == PERF_FORWARD && (!s->rx.used || !s->tx.used))
		return perf_fail_at(place(plan, s->section, "role"),
				    "needs rx, where frames come from, and tx, where they go");
	if (s->role == PERF_DROP && (!s->rx.used || s->tx.used))
		return perf_fail_at(place(plan, s->section, "role"), "needs rx, and no tx");
	s->batch = (unsigned)number(plan, s->section, "batch", 64);
	s->core = (int)number(plan, s->section, "cpu_core", UINT64_MAX);
	return 0;
}

static int plan_mac(const struct perf_plan *plan, struct perf_stream *s, const char *key)
{
	bool src = !strcmp(key, "src_mac");
	const char *text = daqiri_config_get(plan->cfg, s->section, key);
	bool *later = src ? &s->src_mac_port : &s->dst_mac_auto;

	*later = !text || !strcmp(text, src ? "port" : "auto");
	if (*later || !perf_parse_mac(text, src ? s->flow.src_mac : s->flow.dst_mac))
		return 0;
	return perf_fail_at(place(plan, s->section, key), "must be a MAC address or %s",
			    src ? "port" : "auto");
}

static int plan_addresses(const struct perf_plan *plan, struct perf_stream *s)
{
	const char *v4 = daqiri_config_get(plan->cfg, s->section, "ipv4");
	const char *v6 = daqiri_config_get(plan->cfg, s->section, "ipv6");
	const char *udp = daqiri_config_get(plan->cfg, s->section, "udp");
	const char *text = v6 ? v6 : v4 ? v4 : DEFAULT_IPV4;

	if (v4 && v6)
		return perf_fail_at(place(plan, s->section, "ipv6"),
				    "ipv4 is set too: keep one of them");
	s->flow.ipv6 = v6;
	if (perf_parse_addrs(text, v6 ? AF_INET6 : AF_INET, s->flow.src_ip, s->flow.dst_ip))
		return perf_fail_at(place(plan, s->section, v6 ? "ipv6" : "ipv4"),
				    "must be two addresses: A > B");
	if (perf_parse_udp(udp ? udp : DEFAULT_UDP, &s->udp))
		return perf_fail_at(place(plan, s->section, "udp"), "must be P[-P] > P[-P]");
	s->flow.vlan = (int)number(plan, s->section, "vlan", UINT64_MAX);
	return 0;
}

/* Every size must hold headers and mark. Without IPv6 and VLAN any size that can be given does. */
static int judge_sizes(struct perf_plan *plan, const struct perf_stream *s)
{
	uint32_t min = perf_frame_min(s->flow.ipv6, s->flow.vlan >= 0);
	const char *key = s->flow.ipv6 ? "ipv6" : "vlan";

	for (unsigned i = 0; i < s->sizes.n; i++) {
		if (s->sizes.v[i] >= min)
			continue;
		plan->usage = plan->options->have_sizes;
		if (plan->usage)
			return perf_fail("-s %u: [%s] %s needs at least %u bytes", s->sizes.v[i],
					 s->section, key, min);
		return perf_fail_at(
			place(plan, s->section, key),
			"frames of %u bytes (size, -s) are too short, it needs at least %u",
			s->sizes.v[i], min);
	}
	return 0;
}

static int plan_timed(const struct perf_plan *plan, struct perf_stream *s)
{
	const char *timed = daqiri_config_get(plan->cfg, s->section, "timed");
	char queue[2 * PERF_NAME];
	uint64_t on = 0;

	if (!timed || !strcmp(timed, "off"))
		return 0;
	s->timed = strcmp(timed, "batch") ? PERF_TIMED_PACKET : PERF_TIMED_BATCH;
	s->ahead_ns = number(plan, s->section, "ahead", 1000000);
	if (!s->tx.used)
		return perf_fail_at(place(plan, s->section, "timed"),
				    "needs tx: who sends has times");
	snprintf(queue, sizeof(queue), "txq %s %u", s->tx.port, s->tx.queue);
	daqiri_config_get_u64(plan->cfg, queue, "timed", &on);
	if (!on)
		return perf_fail_at(place(plan, s->section, "timed"),
				    "[%s] sends at no times: set timed = on there", queue);
	if (s->rate.value <= 0)
		return perf_fail_at(place(plan, s->section, "timed"),
				    "the rate gives the times: set rate, or -r, to a number");
	return 0;
}

static int plan_load(struct perf_plan *plan, struct perf_stream *s)
{
	const struct perf_options *o = plan->options;
	const char *size = daqiri_config_get(plan->cfg, s->section, "size");
	const char *rate = daqiri_config_get(plan->cfg, s->section, "rate");

	if (o->have_sizes)
		s->sizes = o->sizes;
	else if (perf_parse_sizes(size ? size : "64", &s->sizes))
		return perf_fail_at(place(plan, s->section, "size"),
				    "must be up to %d sizes of 60..65535 bytes, or imix",
				    PERF_MAX_SIZES);
	if (o->have_rate)
		s->rate = o->rate;
	else if (perf_parse_rate(rate ? rate : "max", &s->rate))
		return perf_fail_at(place(plan, s->section, "rate"),
				    "must be max, N[k|M|G] or N[k|M|G]bps");
	return plan_timed(plan, s) ? -1 : judge_sizes(plan, s);
}

static int plan_stream(struct perf_plan *plan, struct perf_stream *s, const char *section)
{
	snprintf(s->section, sizeof(s->section), "%s", section);
	s->name = s->section + strlen("stream ");
	s->id = perf_stream_id(s->name);
	if (plan_end(plan, s, "tx") || plan_end(plan, s, "rx"))
		return -1;
	if (!s->tx.used && !s->rx.used)
		return perf_fail_at(place(plan, section, NULL), "needs tx, rx or both");
	if (plan_role(plan, s))
		return -1;
	if (s->role != PERF_CHECK_FRAMES)
		return 0;
	if (plan_mac(plan, s, "src_mac") || plan_mac(plan, s, "dst_mac"))
		return -1;
	if (plan_addresses(plan, s))
		return -1;
	return plan_load(plan, s);
}

/* Ids are 16 bits of a hash: two names may share one. */
static int judge_ids(const struct perf_plan *plan)
{
	for (unsigned i = 0; i < plan->n_streams; i++)
		for (unsigned k = 0; k < i; k++)
			if (plan->streams[i].id == plan->streams[k].id)
				return perf_fail_at(place(plan, plan->streams[i].section, NULL),
						    "its name has the same id as [%s]: rename one",
						    plan->streams[k].section);
	return 0;
}

/* Nobody but a forwarder may use its queues: it counts what comes and goes. */
static int judge_forward(const struct perf_plan *plan, const struct perf_stream *f)
{
	for (unsigned i = 0; i < plan->n_streams + plan->n_forwards; i++) {
		const struct perf_stream *s = i < plan->n_streams ?
						      &plan->streams[i] :
						      &plan->forwards[i - plan->n_streams];

		if (s != f && (perf_same_end(&s->rx, &f->rx) || perf_same_end(&s->tx, &f->tx)))
			return perf_fail_at(place(plan, f->section, "role"),
					    "[%s] uses one of its queues too", s->section);
	}
	return 0;
}

/* A stream is planned in its place among those of its role. */
static int add_stream(struct perf_plan *plan, const char *section)
{
	struct perf_stream *s = &plan->streams[plan->n_streams];

	if (plan_stream(plan, s, section))
		return -1;
	if (s->role == PERF_CHECK_FRAMES) {
		plan->n_streams++;
		return 0;
	}
	s = &plan->forwards[plan->n_forwards++];
	*s = plan->streams[plan->n_streams];
	s->name = s->section + strlen("stream ");
	plan->streams[plan->n_streams] = (struct perf_stream){ 0 };
	return 0;
}

static int plan_streams(struct perf_plan *plan)
{
	const char *section;
	unsigned n = 0;

	for (unsigned i = 0; (section = daqiri_config_section(plan->cfg, i)); i++)
		n += !strncmp(section, "stream ", 7);
	if (!n)
		return perf_fail("%s: no [stream NAME] says what to send or receive: daqiri.ini(5)",
				 plan->options->config);
	plan->streams = calloc(n, sizeof(*plan->streams));
	plan->forwards = calloc(n, sizeof(*plan->forwards));
	if (!plan->streams || !plan->forwards)
		return perf_fail("out of memory");
	for (unsigned i = 0; (section = daqiri_config_section(plan->cfg, i)); i++)
		if (!strncmp(section, "stream ", 7) && add_stream(plan, section))
			return -1;
	for (unsigned i = 0; i < plan->n_forwards; i++)
		if (judge_forward(plan, &plan->forwards[i]))
			return -1;
	return judge_ids(plan);
}

static void plan_perf(struct perf_plan *plan)
{
	const struct perf_options *o = plan->options;
	const char *verify = daqiri_config_get(plan->cfg, "perf", "verify");
	const char *work = daqiri_config_get(plan->cfg, "perf", "workload");
	const char *by = daqiri_config_get(plan->cfg, "perf", "frames_by");

	plan->count = o->count;
	plan->duration_ns = number(plan, "perf", "duration", 10000000000);
	if (o->have_duration)
		plan->duration_ns = o->duration_ns;
	else if (o->have_count)
		plan->duration_ns = 0;
	plan->interval_ns = number(plan, "perf", "interval", 1000000000);
	if (o->have_interval)
		plan->interval_ns = o->interval_ns;
	else if (!o->intervals)
		plan->interval_ns = 0;
	plan->verify = PERF_VERIFY_FULL;
	if (o->have_verify)
		plan->verify = o->verify;
	else if (verify && !strcmp(verify, "header"))
		plan->verify = PERF_VERIFY_HEADER;
	else if (verify && !strcmp(verify, "off"))
		plan->verify = PERF_VERIFY_OFF;
	if (by && !strcmp(by, "cpu"))
		plan->frames_by = PERF_BY_CPU;
	else if (by && !strcmp(by, "gpu"))
		plan->frames_by = PERF_BY_GPU;
	if (o->have_workload)
		plan->workload = o->workload;
	else if (work && !strcmp(work, "fft"))
		plan->workload = PERF_WORK_FFT;
	else if (work && !strcmp(work, "copy"))
		plan->workload = PERF_WORK_COPY;
	plan->latency = o->latency || number(plan, "perf", "latency", 0);
	plan->core = (int)number(plan, "perf", "core", UINT64_MAX);
}

/* A threshold that no end of this run can meet or miss. */
static int judge_thresholds(struct perf_plan *plan)
{
	for (unsigned i = 0; i < plan->n_streams; i++)
		if (plan->streams[i].rx.used)
			return 0;
	plan->usage = plan->options->have_max_loss;
	if (plan->usage)
		return perf_fail(
			"--max-loss: no [stream] of %s receives, so that nobody here knows",
			plan->options->config);
	return 0;
}

int perf_plan_make(struct perf_plan *plan, const struct daqiri_config *cfg,
		   const struct perf_options *options)
{
	memset(plan, 0, sizeof(*plan));
	plan->cfg = cfg;
	plan->options = options;
	plan_perf(plan);
	if (plan_streams(plan) || judge_thresholds(plan) || perf_plan_judge(plan)) {
		perf_plan_free(plan);
		return -1;
	}
	return 0;
}

void perf_plan_free(struct perf_plan *plan)
{
	free(plan->streams);
	free(plan->forwards);
	plan->streams = plan->forwards = NULL;
	plan->n_streams = plan->n_forwards = 0;
}

int perf_plan_load(struct daqiri_config **cfg, const struct perf_options *options, bool *usage)
{
	int ret;

	*usage = false;
	ret = daqiri_config_load(cfg, options->config);
	if (ret)
		return perf_fail_library(ret);
	for (unsigned i = 0; i < options->n_overrides; i++) {
		ret = daqiri_config_override(*cfg, options->overrides[i]);
		if (!ret)
			continue;
		*usage = true;
		perf_fail_library(ret);
		daqiri_config_destroy(*cfg);
		return -1;
	}
	ret = daqiri_config_check(*cfg);
	if (!ret)
		return 0;
	perf_fail_library(ret);
	daqiri_config_destroy(*cfg);
	return -1;
}

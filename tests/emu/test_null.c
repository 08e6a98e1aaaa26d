/* SPDX-License-Identifier: Apache-2.0 */
/* Every public function given NULL, or asked for what is not there. */
#include <errno.h>

#include <daqiri_verbs.h>

#include "dq_kit.h"

/* An error of this number, whose detail names the function. */
#define refused(call, name)                                                                        \
	do {                                                                                       \
		int ret_ = (call);                                                                 \
		cr_assert_eq(ret_, -EINVAL, "%s: %d", #call, ret_);                                \
		assert_detail(name);                                                               \
	} while (0)

Test(misuse, null_for_configurations)
{
	const struct daqiri_memory memory = {.size = sizeof(memory), .addr = 64, .length = 64};
	struct daqiri_config *cfg = NULL;
	const char *key, *value;
	uint64_t number;
	char buf[64];
	char *text;

	refused(daqiri_config_create(NULL), "daqiri_config_create");
	refused(daqiri_config_load(NULL, "x"), "daqiri_config_load");
	refused(daqiri_config_load(&cfg, NULL), "daqiri_config_load");
	refused(daqiri_config_parse(NULL, "", 0, "x"), "daqiri_config_parse");
	refused(daqiri_config_parse(&cfg, NULL, 1, "x"), "daqiri_config_parse");
	refused(daqiri_config_parse(&cfg, "", 0, NULL), "daqiri_config_parse");
	cr_assert_eq(daqiri_config_create(&cfg), 0);
	refused(daqiri_config_set(NULL, "perf", "core", "1"), "daqiri_config_set");
	refused(daqiri_config_set(cfg, NULL, "core", "1"), "daqiri_config_set");
	refused(daqiri_config_set(cfg, "perf", NULL, "1"), "daqiri_config_set");
	refused(daqiri_config_set(cfg, "perf", "core", NULL), "daqiri_config_set");
	refused(daqiri_config_set_memory(NULL, "region rx", &memory), "daqiri_config_set_memory");
	refused(daqiri_config_set_memory(cfg, NULL, &memory), "daqiri_config_set_memory");
	refused(daqiri_config_set_memory(cfg, "region rx", NULL), "daqiri_config_set_memory");
	cr_assert_eq(daqiri_config_set_memory(cfg, "region rx", &memory), -ENOENT);
	refused(daqiri_config_override(NULL, "perf.core=1"), "daqiri_config_override");
	refused(daqiri_config_override(cfg, NULL), "daqiri_config_override");
	cr_assert_null(daqiri_config_get(NULL, "perf", "core"));
	cr_assert_null(daqiri_config_get(cfg, NULL, "core"));
	cr_assert_null(daqiri_config_get(cfg, "perf", NULL));
	refused(daqiri_config_get_u64(NULL, "perf", "core", &number), "daqiri_config_get_u64");
	refused(daqiri_config_get_u64(cfg, "perf", "core", NULL), "daqiri_config_get_u64");
	cr_assert_lt(daqiri_config_where(NULL, "perf", "core", buf, sizeof(buf)), 0);
	cr_assert_lt(daqiri_config_where(cfg, "perf", "core", NULL, 4), 0);
	cr_assert_null(daqiri_config_section(NULL, 0));
	cr_assert_null(daqiri_config_section(cfg, 0));
	refused(daqiri_config_entry(NULL, "perf", 0, &key, &value), "daqiri_config_entry");
	refused(daqiri_config_entry(cfg, "perf", 0, NULL, &value), "daqiri_config_entry");
	refused(daqiri_config_check(NULL), "daqiri_config_check");
	cr_assert_eq(daqiri_config_memory(NULL), 0u);
	cr_assert_eq(daqiri_config_queue_memory(NULL, "rxq p 0"), 0u);
	cr_assert_eq(daqiri_config_queue_memory(cfg, NULL), 0u);
	refused(daqiri_config_write(NULL, &text), "daqiri_config_write");
	refused(daqiri_config_write(cfg, NULL), "daqiri_config_write");
	refused(daqiri_config_key(0, NULL), "daqiri_config_key");
	daqiri_config_destroy(cfg);
	daqiri_config_destroy(NULL);
}

Test(misuse, null_for_contexts_and_ports)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_port_info info = {.size = sizeof(info)};
	struct daqiri_event ev = {.size = sizeof(ev)};
	struct daqiri_flow_text text = {.name = "x"};
	struct daqiri *dq = NULL;
	uint32_t id;

	refused(daqiri_open(NULL, "x"), "daqiri_open");
	refused(daqiri_open(&dq, NULL), "daqiri_open");
	refused(daqiri_open_config(&dq, NULL), "daqiri_open_config");
	refused(daqiri_attach(&dq, NULL, NULL, 0), "daqiri_attach");
	daqiri_close(NULL);
	refused(daqiri_event_get(NULL, &ev), "daqiri_event_get");
	refused(daqiri_event_get(l.dq, NULL), "daqiri_event_get");
	refused(daqiri_event_fd(NULL), "daqiri_event_fd");
	refused(daqiri_add(NULL, NULL), "daqiri_add");
	refused(daqiri_add(l.dq, NULL), "daqiri_add");
	refused(daqiri_rxq_destroy(NULL, NULL), "daqiri_rxq_destroy");
	refused(daqiri_txq_destroy(NULL, NULL), "daqiri_txq_destroy");
	refused(daqiri_region_destroy(NULL, NULL), "daqiri_region_destroy");
	cr_assert_eq(daqiri_rxq_destroy(l.dq, NULL), 0);
	cr_assert_eq(daqiri_txq_destroy(l.dq, NULL), 0);
	cr_assert_eq(daqiri_region_destroy(l.dq, NULL), 0);
	refused(daqiri_port_each(NULL, NULL), "daqiri_port_each");
	cr_assert_null(daqiri_port_find(NULL, "a"));
	cr_assert_null(daqiri_port_find(l.dq, NULL));
	cr_assert_null(daqiri_port_find(l.dq, "c"));
	cr_assert_null(daqiri_port_get(NULL, 0));
	cr_assert_null(daqiri_port_get(l.dq, 2));
	cr_assert_null(daqiri_port_name(NULL));
	refused(daqiri_port_info(NULL, &info), "daqiri_port_info");
	refused(daqiri_port_info(l.a, NULL), "daqiri_port_info");
	refused(daqiri_port_stats(NULL, NULL, 0), "daqiri_port_stats");
	refused(daqiri_port_stats(l.a, NULL, 1), "daqiri_port_stats");
	refused(daqiri_flow_id(NULL, "all", &id), "daqiri_flow_id");
	refused(daqiri_flow_id(l.b, NULL, &id), "daqiri_flow_id");
	refused(daqiri_flow_id(l.b, "all", NULL), "daqiri_flow_id");
	refused(daqiri_flow_add(NULL, "x", ""), "daqiri_flow_add");
	refused(daqiri_flow_add(l.b, NULL, ""), "daqiri_flow_add");
	refused(daqiri_flow_add(l.b, "x", NULL), "daqiri_flow_add");
	refused(daqiri_flow_add_batch(NULL, &text, 1), "daqiri_flow_add_batch");
	refused(daqiri_flow_add_batch(l.b, NULL, 1), "daqiri_flow_add_batch");
	refused(daqiri_flow_add_batch(l.b, &text, 1), "daqiri_flow_add_batch");
	refused(daqiri_flow_add_batch(l.b, &text, -1), "daqiri_flow_add_batch");
	refused(daqiri_flow_remove(NULL, "all"), "daqiri_flow_remove");
	refused(daqiri_flow_remove(l.b, NULL), "daqiri_flow_remove");
	refused(daqiri_flow_remove_batch(NULL, &text.name, 1), "daqiri_flow_remove_batch");
	refused(daqiri_flow_remove_batch(l.b, NULL, 1), "daqiri_flow_remove_batch");
	refused(daqiri_flow_remove_batch(l.b, &text.keys, 1), "daqiri_flow_remove_batch");
	refused(daqiri_flow_remove_batch(l.b, &text.name, -1), "daqiri_flow_remove_batch");
	refused(daqiri_port_drop_all(NULL), "daqiri_port_drop_all");
	refused(daqiri_port_allow_all(NULL), "daqiri_port_allow_all");
	refused(daqiri_flow_stats(NULL, "all", NULL, 0), "daqiri_flow_stats");
	refused(daqiri_flow_stats(l.b, NULL, NULL, 0), "daqiri_flow_stats");
	refused(daqiri_flow_stats(l.b, "all", NULL, 1), "daqiri_flow_stats");
	refused(daqiri_flow_stats(l.b, "all", NULL, -1), "daqiri_flow_stats");
	cr_assert_eq(daqiri_flow_id(l.b, "some", &id), -ENOENT);
	assert_detail("some");
	daqiri_close(l.dq);
}

Test(misuse, null_for_regions_and_queues)
{
	struct link l = kit_open_link(ONE_WAY("64"));
	struct daqiri_region *region = daqiri_region_find(l.dq, "rx");
	struct daqiri_region_info region_info = {.size = sizeof(region_info)};
	struct daqiri_gpu_info gpu_info = {.size = sizeof(gpu_info)};
	struct daqiri_rxq_info rx_info = {.size = sizeof(rx_info)};
	struct daqiri_txq_info tx_info = {.size = sizeof(tx_info)};
	struct daqiri_queue_error err = {.size = sizeof(err)};
	daqiri_key key;

	cr_assert_null(daqiri_region_find(NULL, "rx"));
	cr_assert_null(daqiri_region_find(l.dq, NULL));
	cr_assert_null(daqiri_region_find(l.dq, ""));
	refused(daqiri_region_info(NULL, &region_info), "daqiri_region_info");
	refused(daqiri_region_info(region, NULL), "daqiri_region_info");
	refused(daqiri_gpu_info(NULL, &gpu_info), "daqiri_gpu_info");
	refused(daqiri_gpu_info("auto", NULL), "daqiri_gpu_info");
	refused(daqiri_rx_gpu_flush(NULL), "daqiri_rx_gpu_flush");
	refused(daqiri_region_key(NULL, l.b, &key), "daqiri_region_key");
	refused(daqiri_region_key(region, NULL, &key), "daqiri_region_key");
	refused(daqiri_region_key(region, l.b, NULL), "daqiri_region_key");
	cr_assert_eq(daqiri_region_key(region, l.a, &key), -ENOENT);
	assert_detail("ports");
	cr_assert_null(daqiri_rxq_get(NULL, 0));
	cr_assert_null(daqiri_rxq_get(l.b, 1));
	cr_assert_null(daqiri_txq_get(NULL, 0));
	cr_assert_null(daqiri_txq_get(l.b, 0));
	refused(daqiri_rxq_info(NULL, &rx_info), "daqiri_rxq_info");
	refused(daqiri_rxq_info(l.rx, NULL), "daqiri_rxq_info");
	refused(daqiri_txq_info(NULL, &tx_info), "daqiri_txq_info");
	refused(daqiri_txq_info(l.tx, NULL), "daqiri_txq_info");
	refused(daqiri_rxq_stats(NULL, NULL, 0), "daqiri_rxq_stats");
	refused(daqiri_rxq_stats(l.rx, NULL, 1), "daqiri_rxq_stats");
	refused(daqiri_txq_stats(NULL, NULL, 0), "daqiri_txq_stats");
	refused(daqiri_txq_stats(l.tx, NULL, 1), "daqiri_txq_stats");
	refused(daqiri_rxq_error(NULL, &err), "daqiri_rxq_error");
	refused(daqiri_rxq_error(l.rx, NULL), "daqiri_rxq_error");
	refused(daqiri_rxq_fd(NULL), "daqiri_rxq_fd");
	refused(daqiri_rxq_arm(NULL), "daqiri_rxq_arm");
	refused(daqiri_rxq_reset(NULL, 0), "daqiri_rxq_reset");
	refused(daqiri_txq_reset(NULL, 0), "daqiri_txq_reset");
	refused(daqiri_txq_error(NULL, &err), "daqiri_txq_error");
	refused(daqiri_txq_error(l.tx, NULL), "daqiri_txq_error");
	daqiri_close(l.dq);
}

Test(misuse, null_for_verbs_objects)
{
	struct link l = kit_open_link(ONE_WAY("64"));

	cr_assert_null(daqiri_port_ibv_context(NULL));
	cr_assert_null(daqiri_port_ibv_pd(NULL));
	cr_assert_null(daqiri_region_ibv_mr(NULL, l.a));
	cr_assert_null(daqiri_region_ibv_mr(daqiri_region_find(l.dq, "rx"), NULL));
	cr_assert_null(daqiri_region_ibv_mr(daqiri_region_find(l.dq, "rx"), l.a));
	cr_assert_null(daqiri_rxq_ibv_wq(NULL));
	cr_assert_null(daqiri_rxq_ibv_cq(NULL));
	cr_assert_null(daqiri_txq_ibv_qp(NULL));
	cr_assert_null(daqiri_txq_ibv_cq(NULL));
	daqiri_close(l.dq);
}

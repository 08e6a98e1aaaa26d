/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, looking up and closing on the emulated device: what works and what is refused, and why.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <daqiri_verbs.h>

#include "dq_kit.h"

/* ---- ports ----------------------------------------------------------------------------------- */

struct found {
	struct daqiri_port_info info[8];
	int n;
};

static int collect(void *arg, const struct daqiri_port_info *info)
{
	struct found *found = arg;

	if (found->n < 8)
		found->info[found->n++] = *info;
	return 0;
}

static int stop(void *arg, const struct daqiri_port_info *info)
{
	++*(int *)arg;
	return info->emulated ? 5 : 6;
}

static struct found find_ports(void)
{
	struct found found = {.n = 0};

	cr_assert_eq(daqiri_port_each(collect, &found), 0, "%s", daqiri_error_detail());
	cr_assert_eq(found.n, 2);
	return found;
}

Test(open, every_port_of_the_machine_is_listed)
{
	struct found found = find_ports();
	int calls = 0;

	for (int i = 0; i < 2; i++) {
		const struct daqiri_port_info *info = &found.info[i];
		const uint8_t mac[6] = {0x02, 0xda, 0x01, 0, 0, (uint8_t)(i + 1)};

		cr_assert_eq(info->size, sizeof(*info));
		cr_assert(info->rdma[0] && info->pci[0] && info->netdev[0] && info->firmware[0]);
		cr_assert_eq(info->port_num, 1u);
		cr_assert_arr_eq(info->mac, mac, 6);
		cr_assert(info->link_up && info->emulated && info->ethernet);
		cr_assert_eq(info->mtu, 1500u);
		cr_assert_gt(info->speed_bps, 1000000000u);
	}
	cr_assert_str_neq(found.info[0].rdma, found.info[1].rdma);
	cr_assert_eq(daqiri_port_each(stop, &calls), 5);
	cr_assert_eq(calls, 1);
	cr_assert_eq(daqiri_port_each(NULL, NULL), -EINVAL);
}

static void open_by(const char *address)
{
	struct daqiri_port_info info = {.size = sizeof(info)};
	struct daqiri_port *port;
	struct daqiri *dq;
	char text[256];

	snprintf(text, sizeof(text), "[port p]\naddress = %s\n", address);
	dq = kit_open_text(text);
	port = daqiri_port_get(dq, 0);
	cr_assert_str_eq(daqiri_port_name(port), "p");
	cr_assert_eq(daqiri_port_info(port, &info), 0);
	cr_assert_eq(info.mac[5], 2, "%s opened another port", address);
	daqiri_close(dq);
}

Test(open, a_port_is_found_by_each_of_its_names)
{
	struct found found = find_ports();
	char upper[] = "02:DA:01:00:00:02";

	open_by(found.info[1].rdma);
	open_by(found.info[1].pci);
	open_by(found.info[1].netdev);
	open_by(MAC_B);
	open_by(upper);
}

Test(open, an_address_that_matches_nothing_lists_what_there_is)
{
	struct found found = find_ports();

	cr_assert_eq(kit_try_text("[port p]\naddress = mlx5_77\n"), -ENODEV);
	assert_detail("test:1: [port p]");
	assert_detail("mlx5_77");
	for (int i = 0; i < 2; i++) {
		assert_detail(found.info[i].rdma);
		assert_detail(found.info[i].pci);
		assert_detail(found.info[i].netdev);
	}
	assert_detail(MAC_B);
}

Test(open, two_sections_for_one_port_are_refused)
{
	struct found found = find_ports();
	char text[256];

	snprintf(text, sizeof(text), "[port p]\naddress = %s\n[port q]\naddress = %s\n", MAC_A,
		 found.info[0].rdma);
	cr_assert_eq(kit_try_text(text), -EINVAL);
	assert_detail("[port q]");
	assert_detail("[port p]");
}

Test(open, objects_are_found_by_name_and_number)
{
	struct daqiri *dq = kit_open_text(ONE_WAY("64"));
	struct daqiri_port *a = daqiri_port_find(dq, "a"), *b = daqiri_port_find(dq, "b");

	cr_assert(a && b && a != b);
	cr_assert_eq(daqiri_port_get(dq, 0), a);
	cr_assert_eq(daqiri_port_get(dq, 1), b);
	cr_assert_null(daqiri_port_get(dq, 2));
	cr_assert_null(daqiri_port_find(dq, "c"));
	cr_assert_null(daqiri_port_find(dq, NULL));
	cr_assert_null(daqiri_port_find(NULL, "a"));
	cr_assert_null(daqiri_port_get(NULL, 0));
	cr_assert_not_null(daqiri_txq_get(a, 0));
	cr_assert_null(daqiri_txq_get(a, 1));
	cr_assert_null(daqiri_txq_get(b, 0));
	cr_assert_not_null(daqiri_rxq_get(b, 0));
	cr_assert_null(daqiri_rxq_get(a, 0));
	cr_assert_null(daqiri_rxq_get(NULL, 0));
	cr_assert_not_null(daqiri_region_find(dq, "rx"));
	cr_assert_null(daqiri_region_find(dq, "x"));
	cr_assert_null(daqiri_region_find(dq, ""));
	cr_assert_null(daqiri_port_name(NULL));
	daqiri_close(dq);
}

/* ---- information ----------------------------------------------------------------------------- */

static bool processor_has(const char *simd)
{
#ifdef __x86_64__
	if (!strcmp(simd, "avx2"))
		return __builtin_cpu_supports("avx2");
	if (!strcmp(simd, "sse42"))
		return __builtin_cpu_supports("sse4.2");
#endif
	return !strcmp(simd, "portable");
}

Test(open, queues_use_the_instructions_that_they_are_told_to_if_they_are_there)
{
	static const char *const words[] = {"avx2", "sse42", "portable"};
	struct daqiri_txq_info tx = {.size = sizeof(tx)};
	struct daqiri_rxq_info rx = {.size = sizeof(rx)};
	const char *best = NULL;
	struct daqiri *dq;
	char text[512];

	for (int i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "[daqiri]\nsimd = %s\n%s", words[i],
			 PORTS "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n");
		if (!processor_has(words[i])) {
			cr_assert_eq(kit_try_text(text), -EOPNOTSUPP);
			assert_detail(words[i]);
			continue;
		}
		best = best ? best : words[i];
		dq = kit_open_text(text);
		cr_assert_eq(daqiri_txq_info(daqiri_txq_get(daqiri_port_find(dq, "a"), 0), &tx), 0);
		cr_assert_eq(daqiri_rxq_info(daqiri_rxq_get(daqiri_port_find(dq, "b"), 0), &rx), 0);
		cr_assert_str_eq(tx.simd, words[i]);
		cr_assert_str_eq(rx.simd, words[i]);
		daqiri_close(dq);
	}
	dq = kit_open_text(PORTS "[txq a 0]\nregions = tx\n[rxq b 0]\nregions = rx\n");
	cr_assert_eq(daqiri_rxq_info(daqiri_rxq_get(daqiri_port_find(dq, "b"), 0), &rx), 0);
	cr_assert_str_eq(rx.simd, best);
	daqiri_close(dq);
}

Test(open, queues_and_regions_tell_what_they_are)
{
	struct daqiri *dq =
		kit_open_text(PORTS "[txq a 3]\nregions = tx\ndepth = 128\ncpu_core = 1\n"
				    "[rxq b 5]\nregions = rx\ndepth = 512\n");
	struct daqiri_port *a = daqiri_port_find(dq, "a"), *b = daqiri_port_find(dq, "b");
	struct daqiri_txq_info tx = {.size = sizeof(tx)};
	struct daqiri_rxq_info rx = {.size = sizeof(rx)};
	struct daqiri_region_info region = {.size = sizeof(region)};

	cr_assert_eq(daqiri_txq_info(daqiri_txq_get(a, 3), &tx), 0);
	cr_assert_eq(tx.size, sizeof(tx));
	cr_assert(tx.id == 3 && tx.depth == 128 && tx.buf_size == 2048 && tx.cpu_core == 1);
	cr_assert(tx.port == a && tx.region == daqiri_region_find(dq, "tx"));
	cr_assert_eq(daqiri_rxq_info(daqiri_rxq_get(b, 5), &rx), 0);
	cr_assert(rx.id == 5 && rx.depth == 512 && rx.buf_size == 2048 && rx.cpu_core == -1);
	cr_assert(rx.port == b && rx.region == daqiri_region_find(dq, "rx"));
	cr_assert(!strcmp(rx.rx_mode, "cyclic") && !strcmp(rx.cqe_compression, "on"));
	cr_assert(!strncmp(rx.why, "rx_mode=auto: ", 14), "%s", rx.why);
	cr_assert(!strcmp(tx.tx_mode, "empw") && !tx.tx_inline && !tx.latency);
	cr_assert(strstr(tx.why, " packets in a WQE") != NULL, "%s", tx.why);
	cr_assert_eq(daqiri_region_info(daqiri_region_find(dq, "rx"), &region), 0);
	cr_assert(region.num_bufs == 1024 && region.buf_size == 2048 && region.stride == 2048);
	cr_assert_eq(region.length, 1024u * 2048);
	cr_assert_eq(region.addr % region.page_size, 0u);
	cr_assert_eq(daqiri_txq_info(NULL, &tx), -EINVAL);
	cr_assert_eq(daqiri_rxq_info(NULL, &rx), -EINVAL);
	cr_assert_eq(daqiri_region_info(NULL, &region), -EINVAL);
	cr_assert_eq(daqiri_rxq_info(daqiri_rxq_get(b, 5), NULL), -EINVAL);
	daqiri_close(dq);
}

/* A program built against an older, shorter structure: nothing behind its end is written. */
Test(open, an_information_structure_is_filled_as_far_as_its_size_goes)
{
	struct daqiri *dq = kit_open_text(ONE_WAY("64"));
	struct daqiri_region_info info;

	memset(&info, 0xaa, sizeof(info));
	info.size = offsetof(struct daqiri_region_info, buf_size);
	cr_assert_eq(daqiri_region_info(daqiri_region_find(dq, "rx"), &info), 0);
	cr_assert_eq(info.num_bufs, 1024u);
	cr_assert_eq(info.buf_size, 0xaaaaaaaaaaaaaaaau);
	cr_assert_eq(info.size, offsetof(struct daqiri_region_info, buf_size));
	info.size = 0;
	cr_assert_eq(daqiri_region_info(daqiri_region_find(dq, "rx"), &info), -EINVAL);
	daqiri_close(dq);
}

Test(open, a_region_tells_whether_its_writes_may_be_reordered)
{
	struct daqiri *dq = kit_open_text("[region on]\nkind = host\nnum_bufs = 64\nbuf_size = 1600\n"
					  "relaxed_ordering = on\n[region off]\nkind = host\n"
					  "num_bufs = 64\nbuf_size = 1600\nrelaxed_ordering = off\n"
					  "[port a]\naddress = " MAC_A "\n[txq a 0]\nregions = on\n"
					  "[txq a 1]\nregions = off\n");
	struct daqiri_region_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_region_info(daqiri_region_find(dq, "on"), &info), 0);
	cr_expect_eq(info.relaxed_ordering, 1);
	cr_assert_eq(daqiri_region_info(daqiri_region_find(dq, "off"), &info), 0);
	cr_expect_eq(info.relaxed_ordering, 0);
	daqiri_close(dq);
}

Test(open, slots_are_aligned_as_asked_and_not_rounded_further)
{
	struct daqiri *dq = kit_open_text("[region odd]\nkind = host\nnum_bufs = 64\n"
					  "buf_size = 1601\nalign = 128\n[port a]\naddress = " MAC_A
					  "\n[txq a 0]\nregions = odd\n");
	struct daqiri_region_info info = {.size = sizeof(info)};

	cr_assert_eq(daqiri_region_info(daqiri_region_find(dq, "odd"), &info), 0);
	cr_assert_eq(info.stride, 1664u);
	cr_assert_eq(info.buf_size, 1601u);
	daqiri_close(dq);
}

Test(open, a_region_has_a_key_on_each_device_that_uses_it_and_no_other)
{
	struct daqiri *dq = kit_open_text(PORTS "[region both]\nkind = host\nnum_bufs = 64\n"
						"buf_size = 2048\nports = a,b\n"
						"[txq a 0]\nregions = tx\n");
	struct daqiri_port *a = daqiri_port_find(dq, "a"), *b = daqiri_port_find(dq, "b");
	struct daqiri_region *tx = daqiri_region_find(dq, "tx");
	struct daqiri_region *both = daqiri_region_find(dq, "both");
	daqiri_key key = 0xabcd;

	cr_assert_eq(daqiri_region_key(tx, b, &key), -ENOENT);
	assert_detail("[region tx]");
	assert_detail("ports");
	cr_assert_eq(key, 0xabcdu);
	cr_assert_eq(daqiri_region_key(tx, a, &key), 0);
	cr_assert_eq(key, daqiri_key_from_lkey(daqiri_region_ibv_mr(tx, a)->lkey));
	cr_assert_null(daqiri_region_ibv_mr(tx, b));
	cr_assert_eq(daqiri_region_key(both, a, &key), 0);
	cr_assert_eq(daqiri_region_key(both, b, &key), 0);
	cr_assert_eq(daqiri_region_key(NULL, a, &key), -EINVAL);
	cr_assert_eq(daqiri_region_key(both, NULL, &key), -EINVAL);
	cr_assert_eq(daqiri_region_key(both, a, NULL), -EINVAL);
	daqiri_close(dq);
}

/* ---- MTU and slot sizes ---------------------------------------------------------------------- */

Test(open, slots_smaller_than_a_full_frame_are_refused_with_both_numbers)
{
	const char *text = "[region small]\nkind = host\nnum_bufs = 64\nbuf_size = 1517\n"
			   "[port b]\naddress = " MAC_B "\n[rxq b 0]\nregions = small\n";

	cr_assert_eq(kit_try_text(text), -EINVAL);
	assert_detail("[rxq b 0]");
	assert_detail("1517");
	assert_detail("1518");
	assert_detail("1500");
}

static uint32_t mtu_of_b(void)
{
	return find_ports().info[1].mtu;
}

Test(open, the_mtu_is_set_as_configured_and_put_back)
{
	struct daqiri *dq = kit_open_text("[region rx]\nkind = host\nnum_bufs = 64\n"
					  "buf_size = 530\n[port b]\naddress = " MAC_B
					  "\nmtu = 512\n[rxq b 0]\nregions = rx\n");

	cr_assert_eq(mtu_of_b(), 512u);
	daqiri_close(dq);
	cr_assert_eq(mtu_of_b(), 1500u);
	dq = kit_open_text("[port b]\naddress = " MAC_B "\nmtu = 9000\n");
	cr_assert_eq(mtu_of_b(), 9000u);
	daqiri_close(dq);
	cr_assert_eq(mtu_of_b(), 1500u);
}

Test(open, the_mtu_is_put_back_also_when_opening_fails_later)
{
	const char *text = "[region small]\nkind = host\nnum_bufs = 64\nbuf_size = 1000\n"
			   "[port b]\naddress = " MAC_B "\nmtu = 4000\n"
			   "[rxq b 0]\nregions = small\n";

	cr_assert_eq(kit_try_text(text), -EINVAL);
	assert_detail("4018");
	cr_assert_eq(mtu_of_b(), 1500u);
}

/* ---- memory ---------------------------------------------------------------------------------- */

#define HUGE_REGION(size)                                                                          \
	"[region huge]\nkind = huge\nnum_bufs = 1024\nbuf_size = 2048\npage_size = " size "\n"     \
	"[port a]\naddress = " MAC_A "\n[txq a 0]\nregions = huge\n"

static unsigned long free_huge(const char *size)
{
	unsigned long n = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%s/free_hugepages", size);
	f = fopen(path, "r");
	cr_assert(f && fscanf(f, "%lu", &n) == 1);
	fclose(f);
	return n;
}

Test(open, huge_pages_are_huge_or_refused_with_the_command_that_makes_them)
{
	struct daqiri_region_info info = {.size = sizeof(info)};
	int lock = kit_hold_huge_pages();
	struct daqiri *dq;

	if (free_huge("2048kB") >= 1) {
		dq = kit_open_text(HUGE_REGION("2M"));
		cr_assert_eq(daqiri_region_info(daqiri_region_find(dq, "huge"), &info), 0);
		cr_assert_eq(info.page_size, 2u << 20);
		cr_assert_eq(info.addr % (2u << 20), 0u);
		daqiri_close(dq);
		close(lock);
		return;
	}
	cr_assert_eq(kit_try_text(HUGE_REGION("2M")), -ENOMEM);
	assert_detail("[region huge]");
	assert_detail("needs 1 huge pages of 2048 kB");
	assert_detail("0 are free");
	assert_detail("echo ");
	assert_detail("/nr_hugepages");
	close(lock);
}

Test(open, a_page_size_that_the_kernel_lacks_is_refused_with_those_it_has)
{
	cr_assert_eq(kit_try_text(HUGE_REGION("8K")), -EINVAL);
	assert_detail("page_size");
	assert_detail("2048K");
}

Test(open, a_numa_node_that_is_not_there_is_refused)
{
	cr_assert_eq(kit_try_text("[region r]\nkind = host\nnum_bufs = 64\nbuf_size = 2048\n"
				  "numa = 1000\n[port a]\naddress = " MAC_A
				  "\n[txq a 0]\nregions = r\n"),
		     -EINVAL);
	assert_detail("[region r]");
	assert_detail("1000");
}

/* ---- open and close -------------------------------------------------------------------------- */

#define TWO_QUEUES PORTS "[rxq b 0-1]\nregions = rx\ndepth = 256\n"

static int count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	cr_assert_not_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* The rings, regions and rules of a failed or closed context are gone: it can be had again. */
Test(open, nothing_is_left_after_close_or_failure)
{
	int before = 0;

	for (int i = 0; i < 40; i++) {
		daqiri_close(kit_open_text(ONE_WAY("64")));
		/* Fails at its last step, when all but one rule is there. */
		kit_try_text(TWO_QUEUES "[flow b x]\nudp_dst = 4000\nqueue = 0\npriority = 3\n"
					"[flow b y]\nudp_src = 4000\nqueue = 1\npriority = 3\n");
		if (i == 1)
			before = count_files();
	}
	cr_assert_eq(count_files(), before);
}

Test(open, a_context_is_opened_from_a_file)
{
	char path[] = "/tmp/daqiri-test-XXXXXX", text[] = ONE_WAY("64");
	struct daqiri *dq = NULL;
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	cr_assert(f && fputs(text, f) >= 0 && !fclose(f));
	cr_assert_eq(daqiri_open(&dq, path), 0, "%s", daqiri_error_detail());
	daqiri_close(dq);
	remove(path);
	cr_assert_eq(daqiri_open(&dq, path), -ENOENT);
	assert_detail(path);
}

Test(open, null_arguments_are_refused)
{
	struct daqiri_config *cfg;
	struct daqiri *dq;
	struct daqiri_event ev = {.size = sizeof(ev)};

	cr_assert_eq(daqiri_config_create(&cfg), 0);
	cr_assert_eq(daqiri_open(NULL, "x"), -EINVAL);
	cr_assert_eq(daqiri_open(&dq, NULL), -EINVAL);
	cr_assert_eq(daqiri_open_config(NULL, cfg), -EINVAL);
	cr_assert_eq(daqiri_open_config(&dq, NULL), -EINVAL);
	cr_assert_eq(daqiri_event_get(NULL, &ev), -EINVAL);
	cr_assert_eq(daqiri_port_info(NULL, NULL), -EINVAL);
	daqiri_close(NULL);
	daqiri_config_destroy(cfg);
}

Test(open, two_contexts_use_different_ports_at_once)
{
	struct daqiri *one = kit_open_text("[region r]\nkind = host\nnum_bufs = 64\n"
					   "buf_size = 2048\n[port a]\naddress = " MAC_A
					   "\n[txq a 0]\nregions = r\n");
	struct daqiri *two = kit_open_text("[region r]\nkind = host\nnum_bufs = 64\n"
					   "buf_size = 2048\n[port b]\naddress = " MAC_B
					   "\nunmatched = queue 0\n[rxq b 0]\nregions = r\n");
	struct kit_burst burst = {.n = 10, .min = 60, .max = 60, .dst = MAC_B};
	struct daqiri_pkt pkts[10];

	kit_send(daqiri_txq_get(daqiri_port_get(one, 0), 0), &burst);
	cr_assert_eq(kit_receive(daqiri_rxq_get(daqiri_port_get(two, 0), 0), pkts, 10), 10);
	daqiri_close(two);
	daqiri_close(one);
}

Test(open, there_is_no_event_when_nothing_happened)
{
	struct daqiri *dq = kit_open_text(ONE_WAY("64"));
	struct daqiri_event ev = {.size = sizeof(ev)};
	int n = 0;

	/* A port may report its link once; nothing comes for ever. */
	while (n < 100 && daqiri_event_get(dq, &ev) == 1)
		n++;
	cr_assert_lt(n, 100);
	cr_assert_eq(daqiri_event_get(dq, &ev), 0);
	ev.size = 0;
	cr_assert_eq(daqiri_event_get(dq, &ev), -EINVAL);
	daqiri_close(dq);
}

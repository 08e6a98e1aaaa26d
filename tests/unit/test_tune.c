/* SPDX-License-Identifier: Apache-2.0 */
/* daqiri-tune's judging, on values: no file is read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "pci.h"

#define GIB (1LL << 30)

static struct tune_nic nic;
static struct tune_gpu gpu;
static struct tune_machine m;
static struct tune_wanted w;
static struct tune_rows rows;

static void clear(void)
{
	memset(&nic, 0, sizeof(nic));
	memset(&gpu, 0, sizeof(gpu));
	memset(&m, 0, sizeof(m));
	memset(&w, 0, sizeof(w));
	strcpy(nic.pci.addr, "0000:01:00.0");
	strcpy(nic.netdev, "eth0");
	nic.pci.pcie = (struct tune_pcie){.known = true, .mps_cap = 512, .mps = 256, .mrrs = 4096};
	strcpy(gpu.pci.addr, "0000:02:00.0");
	gpu.integrated = gpu.dmabuf = gpu.gpudirect = TUNE_UNKNOWN;
	m.nic = &nic;
	m.gpu = &gpu;
	m.n_nics = m.n_gpus = 1;
	m.nvidia = true;
}

/* The status of a check's last row. */
static enum tune_status judge(const char *id)
{
	const struct tune_check *check = tune_check_find(id, strlen(id));

	cr_assert(check, "%s", id);
	free(rows.row);
	memset(&rows, 0, sizeof(rows));
	cr_assert_eq(tune_check_run(check, &m, &w, &rows), 0);
	cr_assert_gt(rows.n_rows, 0u);
	return rows.row[rows.n_rows - 1].status;
}

static const char *found(void)
{
	return rows.row[rows.n_rows - 1].found;
}

static struct tune_cores cores(const char *text)
{
	struct tune_cores c = {0};

	cr_assert_eq(tune_cores_parse(&c, text), 0, "%s", text);
	return c;
}

Test(tune, core_lists_are_read_as_the_kernel_writes_them, .init = clear)
{
	static const char *const lists[][2] = {
		{"", "none"},
		{"0", "0"},
		{"9-11", "9-11"},
		{"0-3,8,10-11", "0-3,8,10-11"},
		{"3,2,1", "1-3"},
		{"0-7:2/4", "0-1,4-5"},
		{"domain,managed_irq,4-5", "4-5"},
	};
	char text[64];

	for (unsigned i = 0; i < 7; i++) {
		struct tune_cores c = cores(lists[i][0]);

		tune_cores_print(&c, text, sizeof(text));
		cr_expect_str_eq(text, lists[i][1], "%s", lists[i][0]);
	}
}

Test(tune, what_is_no_core_list_is_refused, .init = clear)
{
	static const char *const lists[] = {"-1",
					    "5-3",
					    "1,,2",
					    "x1",
					    "1-",
					    "4096",
					    "1;2",
					    "0-7:2/",
					    "0-7:5/4",
					    "0-7:1/0",
					    "99999999999999999999"};
	struct tune_cores c;

	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		cr_expect_lt(tune_cores_parse(&c, lists[i]), 0, "%s", lists[i]);
}

static void put_path(struct tune_pci *pci, const char *host, const char *bridges, int numa)
{
	char copy[256], *save = NULL;

	snprintf(pci->path, sizeof(pci->path), "sys/devices/%s/x", host);
	snprintf(copy, sizeof(copy), "%s", bridges);
	pci->n_up = 0;
	pci->numa = numa;
	for (char *b = strtok_r(copy, " ", &save); b; b = strtok_r(NULL, " ", &save))
		snprintf(pci->up[pci->n_up++].addr, 16, "%s", b);
}

Test(tune, relations_are_those_of_nvidia_smi, .init = clear)
{
	static const struct {
		const char *host, *bridges;
		int numa;
		enum tune_relation want;
	} cases[] = {
		{"pci0000:00", "a b c", 0, TUNE_PIX},	  {"pci0000:00", "a b d", 0, TUNE_PIX},
		{"pci0000:00", "a b d e f", 0, TUNE_PXB}, {"pci0000:00", "x", 0, TUNE_PHB},
		{"pci0000:40", "x", 0, TUNE_NODE},	  {"pci0000:80", "x", 1, TUNE_SYS},
	};

	put_path(&nic.pci, "pci0000:00", "a b c", 0);
	for (unsigned i = 0; i < 6; i++) {
		put_path(&gpu.pci, cases[i].host, cases[i].bridges, cases[i].numa);
		cr_expect_eq(tune_pci_relation(&gpu.pci, &nic.pci), cases[i].want, "%s",
			     cases[i].bridges);
		/* there is a switch: what goes around it is a warning */
		cr_expect_eq(judge("topo"), cases[i].want > TUNE_PXB ? TUNE_WARN : TUNE_OK);
	}
	put_path(&nic.pci, "pci0000:00", "a", 0);
	for (unsigned i = 3; i < 6; i++) { /* without one PHB and NODE are all there is */
		put_path(&gpu.pci, cases[i].host, cases[i].bridges, cases[i].numa);
		cr_expect_eq(judge("topo"), cases[i].want == TUNE_SYS ? TUNE_WARN : TUNE_OK);
	}
	put_path(&gpu.pci, "pci0000:00", "x", 0);
	m.platform = TUNE_PLATFORM_IGX; /* its board has one, whatever the path looks like */
	cr_expect_eq(judge("topo"), TUNE_WARN);
}

Test(tune, mps_is_wrong_only_where_the_path_allows_more, .init = clear)
{
	nic.pci.n_up = 1;
	nic.pci.up[0].pcie = (struct tune_pcie){.known = true, .mps_cap = 256};
	cr_expect_eq(judge("mps"), TUNE_OK);
	nic.pci.up[0].pcie.mps_cap = 512;
	cr_expect_eq(judge("mps"), TUNE_WARN);
	nic.pci.up[0].pcie.mps_cap = 128;
	nic.pci.pcie.mps = 128;
	cr_expect_eq(judge("mps"), TUNE_OK);
	cr_expect(strstr(found(), "the NIC could 512"), "%s", found());
	nic.pci.up[0].pcie.known = false;
	cr_expect_eq(judge("mps"), TUNE_OK);
}

Test(tune, mrrs_is_4096_and_nothing_else, .init = clear)
{
	cr_expect_eq(judge("mrrs"), TUNE_OK);
	nic.pci.pcie.mrrs = 2048;
	cr_expect_eq(judge("mrrs"), TUNE_WARN);
	nic.vf = true;
	cr_expect_eq(judge("mrrs"), TUNE_NA);
	nic.pci.pcie = (struct tune_pcie){.denied = true};
	cr_expect_eq(judge("mrrs"), TUNE_SKIP);
	cr_expect_str_eq(found(), "needs root");
}

Test(tune, a_link_may_be_neither_slower_nor_narrower_than_the_card, .init = clear)
{
	struct tune_pcie *p = &nic.pci.pcie;

	p->speed_cap = p->speed = 5;
	p->width_cap = p->width = 16;
	cr_expect_eq(judge("pcie-link"), TUNE_OK);
	p->speed = 4;
	cr_expect_eq(judge("pcie-link"), TUNE_WARN);
	p->speed = 5;
	p->width = 8;
	cr_expect_eq(judge("pcie-link"), TUNE_WARN);
}

Test(tune, mtu_9000_is_enough, .init = clear)
{
	nic.mtu = 9000;
	cr_expect_eq(judge("mtu"), TUNE_OK);
	nic.mtu = 8999;
	cr_expect_eq(judge("mtu"), TUNE_WARN);
}

Test(tune, a_gibibyte_of_bar1_is_enough_and_32_for_blackwell_servers, .init = clear)
{
	struct tune_wanted_region big = {.name = "g", .kind = "device", .bytes = 33 * GIB};

	gpu.bar1 = GIB;
	cr_expect_eq(judge("bar1-size"), TUNE_OK);
	gpu.bar1 = GIB / 2;
	cr_expect_eq(judge("bar1-size"), TUNE_WARN);
	strcpy(gpu.name, "NVIDIA RTX PRO 6000 Blackwell Server Edition");
	gpu.bar1 = 16 * GIB;
	cr_expect_eq(judge("bar1-size"), TUNE_WARN);
	gpu.bar1 = 32 * GIB;
	cr_expect_eq(judge("bar1-size"), TUNE_OK);
	w.region = &big;
	w.n_regions = 1;
	cr_expect_eq(judge("bar1-size"), TUNE_WARN);
	gpu.integrated = 1;
	cr_expect_eq(judge("bar1-size"), TUNE_NA);
}

Test(tune, gpu_clocks_may_miss_500_and_1_mhz, .init = clear)
{
	gpu.persistence = 1;
	gpu.max_sm = 2100;
	gpu.max_mem = 8001;
	gpu.clock_sm = 1600;
	gpu.clock_mem = 8000;
	cr_expect_eq(judge("gpu-clock"), TUNE_OK);
	gpu.clock_sm = 1599;
	cr_expect_eq(judge("gpu-clock"), TUNE_WARN);
	gpu.clock_sm = 2100;
	gpu.clock_mem = 7999;
	cr_expect_eq(judge("gpu-clock"), TUNE_WARN);
	gpu.max_mem = TUNE_UNKNOWN; /* unified memory */
	cr_expect_eq(judge("gpu-clock"), TUNE_OK);
	gpu.persistence = 0;
	cr_expect_eq(judge("gpu-clock"), TUNE_WARN);
}

Test(tune, dma_buf_takes_open_modules_and_kernel_5_12, .init = clear)
{
	m.open_modules = true;
	strcpy(m.kernel, "5.12.0");
	cr_expect_eq(judge("gpudirect"), TUNE_OK);
	cr_expect_eq(judge("peermem"), TUNE_OK);
	strcpy(m.kernel, "5.11.22");
	cr_expect_eq(judge("gpudirect"), TUNE_WARN);
	strcpy(m.kernel, "6.1.0");
	m.open_modules = false;
	cr_expect_eq(judge("gpudirect"), TUNE_WARN);
	cr_expect_eq(judge("peermem"), TUNE_WARN);
	m.peermem = true;
	cr_expect_eq(judge("gpudirect"), TUNE_OK);
	cr_expect_eq(judge("peermem"), TUNE_OK);
	gpu.integrated = 1;
	cr_expect_eq(judge("peermem"), TUNE_NA);
}

Test(tune, gpu_memory_that_a_configuration_needs_and_cannot_have_fails, .init = clear)
{
	struct tune_wanted_region r = {.name = "g", .kind = "device", .bytes = 4096};

	w.region = &r;
	w.n_regions = 1;
	cr_expect_eq(judge("gpudirect"), TUNE_FAIL);
	cr_expect_eq(judge("peermem"), TUNE_FAIL);
	gpu.integrated = 1;
	cr_expect_eq(judge("gpudirect"), TUNE_FAIL);
}

Test(tune, interrupts_stay_off_isolated_cores, .init = clear)
{
	nic.n_irqs = 4;
	nic.irq_cores = cores("0-8");
	m.isolated = cores("9-11");
	cr_expect_eq(judge("irq"), TUNE_OK);
	nic.irq_cores = cores("0-9");
	cr_expect_eq(judge("irq"), TUNE_WARN);
	m.isolated = cores("");
	cr_expect_eq(judge("irq"), TUNE_SKIP);
	w.cores = cores("9");
	cr_expect_eq(judge("irq"), TUNE_WARN);
}

Test(tune, the_limit_of_locked_memory_does_not_count_for_root, .init = clear)
{
	m.memlock = 65536;
	cr_expect_eq(judge("memlock"), TUNE_WARN);
	w.given = true;
	w.memory = 65536;
	cr_expect_eq(judge("memlock"), TUNE_OK);
	w.memory++;
	cr_expect_eq(judge("memlock"), TUNE_WARN);
	m.ipc_lock = true;
	cr_expect_eq(judge("memlock"), TUNE_OK);
}

Test(tune, fewer_huge_pages_than_asked_for_is_told, .init = clear)
{
	struct tune_pages p = {.size = 1 << 30, .node = TUNE_UNKNOWN, .total = 2, .free = 2};
	struct tune_flag flags[] = {{"hugepagesz", "1G"}, {"hugepages", "4"}};

	m.pages = &p;
	m.n_pages = 1;
	m.flag = flags;
	m.n_flags = 2;
	cr_expect_eq(judge("hugepages"), TUNE_WARN);
	cr_expect(strstr(rows.row[0].found, "asked 4, got 2"), "%s", rows.row[0].found);
	p.total = 4;
	cr_expect_eq(judge("hugepages"), TUNE_OK);
}

/* Two GPUs, one far from the port, and a configuration that names it. */
Test(tune, the_gpu_that_a_configuration_means, .init = clear)
{
	struct tune_gpu two[2];
	struct tune_wanted_port port = {.name = "p", .address = "eth0"};
	struct tune_wanted_region r[2] = {
		{.name = "a", .kind = "device", .bytes = 2 * GIB, .port = "p", .node = -1},
		{.name = "b", .kind = "device", .bytes = GIB, .port = "p", .node = -1}};

	two[0] = two[1] = gpu;
	strcpy(two[1].pci.addr, "0000:82:00.0");
	strcpy(two[1].uuid, "GPU-12345678-9abc-def0-1234-56789abcdef0");
	two[0].ordinal = 1;
	two[1].ordinal = 0;
	two[0].bar1 = 4 * GIB;
	two[1].bar1 = GIB;
	put_path(&nic.pci, "pci0000:00", "a", 0);
	put_path(&two[0].pci, "pci0000:00", "x", 0);
	put_path(&two[1].pci, "pci0000:80", "y", 1);
	m.gpu = two;
	m.n_gpus = 2;
	m.n_nodes = 2;
	m.peermem = true;
	w = (struct tune_wanted){
		.given = true, .port = &port, .n_ports = 1, .region = r, .n_regions = 2};
	/* auto: the port's node; the sum of both regions */
	cr_expect_eq(judge("bar1-size"), TUNE_OK);
	cr_expect_eq(rows.n_rows, 1u);
	cr_expect_eq(judge("topo"), TUNE_OK);
	cr_expect_eq(judge("numa"), TUNE_OK);
	two[0].bar1 = 2 * GIB;
	cr_expect_eq(judge("bar1-size"), TUNE_WARN);
	/* each of its names */
	static const char *const names[] = {"0", "82:00.0", "0000:82:00.0",
					    "gpu-12345678-9ABC-def0-1234-56789abcdef0",
					    "12345678-9abc-def0-1234-56789abcdef0"};
	for (unsigned i = 0; i < 5; i++) {
		snprintf(r[1].affinity, sizeof(r[1].affinity), "%s", names[i]);
		cr_expect_eq(tune_wanted_region_gpu(&m, &w, &r[1]), &two[1], "%s", names[i]);
	}
	cr_expect_eq(judge("bar1-size"), TUNE_OK);
	cr_expect_eq(rows.n_rows, 2u);
	cr_expect_eq(judge("topo"), TUNE_WARN);
	cr_expect_eq(judge("numa"), TUNE_WARN);
	strcpy(r[1].affinity, "7");
	judge("gpudirect");
	cr_expect_eq(rows.row[0].status, TUNE_FAIL);
	cr_expect_str_eq(rows.row[0].object, "region b");
	w.n_regions = 0;
	cr_expect_eq(judge("topo"), TUNE_SKIP);
}

/* Regions share pages: each alone could have them. */
Test(tune, huge_pages_are_enough_for_all_regions_together, .init = clear)
{
	struct tune_wanted_port port = {.name = "p", .address = "eth0"};
	struct tune_wanted_region r[2] = {
		{.name = "a", .kind = "huge", .bytes = 100, .page = GIB, .port = "p", .node = -1},
		{.name = "b", .kind = "huge", .bytes = GIB, .page = GIB, .port = "p", .node = -1}};
	struct tune_pages pages[3] = {{.size = GIB, .node = TUNE_UNKNOWN, .total = 2, .free = 2},
				      {.size = GIB, .node = 0, .total = 1, .free = 1},
				      {.size = 2 << 20, .node = 0, .total = 1024, .free = 1024}};

	m.pages = pages;
	m.n_pages = 3;
	w = (struct tune_wanted){
		.given = true, .port = &port, .n_ports = 1, .region = r, .n_regions = 2};
	cr_expect_eq(judge("hugepages"), TUNE_OK);
	r[0].bytes = GIB + 1;
	cr_expect_eq(judge("hugepages"), TUNE_WARN);
	r[0].bytes = 100;
	m.n_nodes = 2; /* of the port's node then */
	cr_expect_eq(judge("hugepages"), TUNE_WARN);
	cr_expect(strstr(rows.row[4].fix, "echo 2 > /sys/devices/system/node/node0/hugepages/"
					  "hugepages-1048576kB/nr_hugepages"),
		  "%s", rows.row[4].fix);
	/* any size, but one */
	r[0].page = r[1].page = 0;
	cr_expect_eq(judge("hugepages"), TUNE_OK);
	r[1].bytes = 2 * GIB;
	cr_expect_eq(judge("hugepages"), TUNE_WARN);
}

/* A kernel with base pages of 64 KiB: its default is 512 MiB, and nr_hugepages counts these. */
Test(tune, huge_pages_of_half_a_gibibyte, .init = clear)
{
	struct tune_pages pages[2] = {{.size = 2 << 20, .node = TUNE_UNKNOWN},
				      {.size = 512 << 20, .node = TUNE_UNKNOWN}};

	m.pages = pages;
	m.n_pages = 2;
	cr_expect_eq(judge("hugepages"), TUNE_WARN);
	cr_expect_str_eq(rows.row[rows.n_rows - 1].fix,
			 "kernel command line: hugepagesz=512M hugepages=8; or now: echo 8 > "
			 "/sys/kernel/mm/hugepages/hugepages-524288kB/nr_hugepages");
}

Test(tune, huge_pages_asked_for_by_node_or_without_a_size, .init = clear)
{
	struct tune_flag flags[2] = {{"hugepagesz", "1G"}, {"hugepages", "0:4,1:4"}};
	struct tune_pages pages = {.size = GIB, .node = TUNE_UNKNOWN, .total = 7, .free = 7};

	m.pages = &pages;
	m.n_pages = 1;
	m.flag = flags;
	m.n_flags = 2;
	w.given = true;
	judge("hugepages");
	cr_expect(strstr(rows.row[0].found, "asked 8, got 7"), "%s", rows.row[0].found);
	strcpy(flags[0].name, "default_hugepagesz");
	judge("hugepages");
	cr_expect(strstr(rows.row[0].found, "asked 8, got 7"), "%s", rows.row[0].found);
	strcpy(flags[0].name, "quiet");
	pages.size = 2 << 20;
	judge("hugepages");
	cr_expect(strstr(rows.row[0].found, "asked 8, got 7"), "%s", rows.row[0].found);
	strcpy(flags[1].value, "x");
	judge("hugepages");
	cr_expect_eq(rows.row[0].status, TUNE_OK);
}

/* The check and --set go by the same rule. */
Test(tune, secure_boot_is_in_the_way_only_where_it_locks_the_kernel_down, .init = clear)
{
	strcpy(m.secure_boot, "on");
	cr_expect_eq(judge("secure-boot"), TUNE_WARN);
	strcpy(m.lockdown, "none");
	cr_expect_eq(judge("secure-boot"), TUNE_OK);
	strcpy(m.lockdown, "integrity");
	cr_expect_eq(judge("secure-boot"), TUNE_WARN);
	strcpy(m.secure_boot, "off");
	cr_expect_eq(judge("secure-boot"), TUNE_WARN);
}

/* Between a GPU and a NIC behind one switch, and there only. */
Test(tune, access_control_that_redirects_is_told, .init = clear)
{
	put_path(&nic.pci, "pci0000:00", "a b c", 0);
	put_path(&gpu.pci, "pci0000:00", "a b d", 0);
	strcpy(nic.pci.iommu, "identity");
	for (unsigned i = 0; i < 3; i++)
		nic.pci.up[i].pcie = (struct tune_pcie){.known = true, .acs = 0x11};
	cr_expect_eq(judge("iommu-acs"), TUNE_OK);
	nic.pci.up[1].pcie.acs = 0x1d;
	cr_expect_eq(judge("iommu-acs"), TUNE_WARN);
	cr_expect_str_eq(found(), "ACS redirects at b");
	nic.pci.up[1].pcie.acs = 0x04;
	cr_expect_eq(judge("iommu-acs"), TUNE_WARN);
	nic.pci.up[1].pcie.acs = TUNE_UNKNOWN;
	cr_expect_eq(judge("iommu-acs"), TUNE_OK);
	nic.pci.up[1].pcie.acs = 0x08;
	put_path(&gpu.pci, "pci0000:80", "x", 1);
	cr_expect_eq(judge("iommu-acs"), TUNE_OK);
}

Test(tune, what_a_configuration_needs_of_firmware_and_clock, .init = clear)
{
	struct tune_wanted_port port = {.name = "p", .address = "eth0"};

	w = (struct tune_wanted){.given = true, .port = &port, .n_ports = 1};
	nic.flex = nic.real_time = 0;
	strcpy(nic.ptp, "ptp0");
	cr_expect_eq(judge("firmware"), TUNE_OK);
	cr_expect_eq(judge("clock"), TUNE_OK);
	port.flex = port.real_time = true;
	cr_expect_eq(judge("firmware"), TUNE_WARN);
	cr_expect_str_eq(found(), "parse graphs off");
	cr_expect_eq(judge("clock"), TUNE_WARN);
	cr_expect(strstr(rows.row[0].fix, "REAL_TIME_CLOCK_ENABLE=1"), "%s", rows.row[0].fix);
	nic.flex = nic.real_time = 1;
	cr_expect_eq(judge("firmware"), TUNE_OK);
	cr_expect_eq(judge("clock"), TUNE_OK);
	nic.flex = nic.real_time = TUNE_UNKNOWN;
	cr_expect_eq(judge("firmware"), TUNE_SKIP);
	cr_expect_eq(judge("clock"), TUNE_OK);
	*nic.ptp = 0;
	cr_expect_eq(judge("clock"), TUNE_WARN);
}

Test(tune, a_geforce_has_no_gpudirect_rdma, .init = clear)
{
	strcpy(gpu.name, "NVIDIA GeForce RTX 4090");
	cr_expect_eq(judge("platform"), TUNE_WARN);
	strcpy(gpu.name, "NVIDIA RTX A6000");
	cr_expect_eq(judge("platform"), TUNE_OK);
	gpu.gpudirect = 0;
	cr_expect_eq(judge("platform"), TUNE_WARN);
}

Test(tune, cores_that_the_kernel_does_not_isolate_as_asked, .init = clear)
{
	struct tune_flag flag = {"isolcpus", "9-11"};

	m.flag = &flag;
	m.n_flags = 1;
	m.isolated_known = true;
	m.isolated = cores("9-11");
	judge("cmdline");
	cr_expect_eq(rows.row[0].status, TUNE_OK, "%s", rows.row[0].found);
	m.isolated = cores("9-10");
	judge("cmdline");
	cr_expect_eq(rows.row[0].status, TUNE_WARN);
	cr_expect_str_eq(rows.row[0].found, "9-11; the kernel isolates 9-10");
}

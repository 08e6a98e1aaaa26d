/* SPDX-License-Identifier: Apache-2.0 */
/* daqiri-tune's setting: texts, plans, doing and taking back, in directories of its own. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apply.h"
#include "check.h"
#include "edit.h"
#include "files.h"
#include "redact.h"

static void is(char *got, const char *want)
{
	cr_expect_str_eq(got, want);
	free(got);
}

Test(tune_edit, a_line_of_an_ini_file)
{
	is(tune_edit_ini(NULL, "tune", "mrrs = 4096"), "[tune]\nmrrs = 4096\n");
	is(tune_edit_ini("[tune]\nmtu = 1\n", "tune", "mtu = 2"), "[tune]\nmtu = 2\n");
	is(tune_edit_ini("[tune]\nmtu = 1", "tune", "irq = 2"), "[tune]\nmtu = 1\nirq = 2\n");
	is(tune_edit_ini("[a]\nx=1\n\n[b]\nx=1\n", "a", "y=2"), "[a]\nx=1\ny=2\n\n[b]\nx=1\n");
	is(tune_edit_ini("[a]\nx=1\n[b]\n x = 1\n", "b", "x=3"), "[a]\nx=1\n[b]\nx=3\n");
	is(tune_edit_ini("; c\n[a]\nxy=1\n", "a", "x=3"), "; c\n[a]\nxy=1\nx=3\n");
	is(tune_edit_ini("x=1\n", "a", "x=3"), "x=1\n\n[a]\nx=3\n");
}

Test(tune_edit, the_value_of_a_key)
{
	char value[256];

	cr_expect(tune_edit_get("[a]\n key =  some thing \r\n", "a", "key", value));
	cr_expect_str_eq(value, "some thing");
	cr_expect_not(tune_edit_get("key=1\n[b]\nkey=2\n", "a", "key", value));
	cr_expect_not(tune_edit_get("", "a", "key", value));
	cr_expect(tune_edit_get("[a]\nkey=", "a", "key", value));
	cr_expect_str_eq(value, "");
}

Test(tune_edit, flags_of_a_command_line)
{
	char value[256];

	is(tune_edit_flags("", "isolcpus", "isolcpus=1"), "isolcpus=1");
	is(tune_edit_flags(" quiet  isolcpus=1 isolcpusx=1 ", "nohz isolcpus", "isolcpus=2"),
	   "quiet isolcpusx=1 isolcpus=2");
	is(tune_edit_flags("a b", "a b", ""), "");
	cr_expect(tune_edit_flag("quiet isolcpus=1,2 x", "isolcpus", value));
	cr_expect_str_eq(value, "1,2");
	cr_expect(tune_edit_flag("rcu_nocb_poll", "rcu_nocb_poll", value));
	cr_expect_str_eq(value, "");
	cr_expect_not(tune_edit_flag("isolcpus=1", "iso", value));
}

Test(tune_edit, grubs_file)
{
	static const char with[] =
		"A=1\nGRUB_CMDLINE_LINUX=\"${GRUB_CMDLINE_LINUX} x=1\" # daqiri-tune\n";

	is(tune_edit_grub("A=1", "x=1"), with);
	is(tune_edit_grub(with, ""), "A=1\n");
	is(tune_edit_grub(with, "x=2 y"),
	   "A=1\nGRUB_CMDLINE_LINUX=\"${GRUB_CMDLINE_LINUX} x=2 y\" # daqiri-tune\n");
	is(tune_edit_grub_flags(with, true), "x=1");
	is(tune_edit_grub_flags(with, false), "");
	is(tune_edit_grub_flags("GRUB_CMDLINE_LINUX='a b'\n#GRUB_CMDLINE_LINUX=c\n"
				"GRUB_CMDLINE_LINUX_DEFAULT=d\n",
				false),
	   "a b d");
	is(tune_edit_grub_flags("GRUB_CMDLINE_LINUX", false), "");
}

Test(tune_redact, the_same_word_is_hidden_the_same_way)
{
	struct tune_hidden h = {0};

	is(tune_redact(&h, "a b8:3f:d2:12:34:56,B8:3F:D2:12:34:56", NULL, true),
	   "a 02:00:00:00:00:01,02:00:00:00:00:01");
	is(tune_redact(&h, "enxb83fd2123456", NULL, false), "enx020000000001");
	is(tune_redact(&h, "80:00:00:00:fe:80:00:01", NULL, true), "02:00:00:00:00:00:00:02");
	is(tune_redact(&h, "10.1.2.3/24 10.1.2.4 10.1.2.3", NULL, true),
	   "198.18.3.5/24 198.18.3.6 198.18.3.5");
	is(tune_redact(&h, "my-host host my-host2 amy-host my-host-vg", "my-host", true),
	   "host host my-host2 amy-host host-vg");
	free(h.word);
}

Test(tune_redact, ipv6_too)
{
	struct tune_hidden h = {0};

	is(tune_redact(&h, "ip=[2001:db8:77::5]:[fd00:1::9]/64 2001:DB8:77:0::5. fe80::1%e,a::",
		       NULL, true),
	   "ip=[2001:db8:0:1::2]:[2001:db8:0:3::4]/64 2001:db8:0:1::2. 2001:db8:0:5::6%e,"
	   "2001:db8:0:7::7");
	is(tune_redact(&h, "::ffff:10.1.2.3", NULL, true), "2001:db8:0:8::9");
	free(h.word);
}

Test(tune_redact, what_only_looks_like_it_stays)
{
	static const char *const texts[] = {"28.38.1002",
					    "1.2.3.4.5",
					    "5.15.0-1010",
					    "127.0.0.1",
					    "300.1.1.1",
					    "0005:03:00.0",
					    "255.255",
					    "v1.2.3.4",
					    "0000:00:1f.2",
					    "",
					    "enxb83fd212345",
					    "12:30:45",
					    "::1",
					    "::",
					    "48b0:2d03:00f4:07fb",
					    "0:4,1:4",
					    "std::string",
					    "1:2:3:4:5:6:7:8x"};
	struct tune_hidden h = {0};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		is(tune_redact(&h, texts[i], "h", true), texts[i]);
	cr_expect_eq(h.n_words, 0u);
}

Test(tune_redact, a_cards_serial_number_is_zeroed)
{
	unsigned char c[512] = {
		[0x100] = 1, [0x103] = 0x15, [0x150] = 3, [0x154] = 7, [0x15b] = 7, [0x15c] = 9};

	tune_redact_config(c, sizeof(c));
	cr_expect(!c[0x154] && !c[0x15b] && c[0x15c] == 9 && c[0x100] == 1);
	c[0x102] = 0xf0; /* leads behind the end */
	c[0x103] = 0xff;
	tune_redact_config(c, sizeof(c));
	tune_redact_config(c, 0x10b);
}

/* ---- doing and taking back ---- */
static char dir[] = "/tmp/daqiri-tune.XXXXXX";
static struct tune_root root;
static struct tune_check check = {.id = "mtu"};
static struct tune_plan plan;
static struct tune_planner planner = {.check = &check, .value = "", .plan = &plan};
static struct tune_machine m;
static struct tune_doer d;
static struct tune_journal journal;

static void put(const char *name, const char *text)
{
	int fd;

	cr_assert_eq(chdir(dir), 0);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void holds(const char *name, const char *text)
{
	struct tune_content c;

	cr_assert_eq(tune_content(&root, name, &c), text ? 0 : -ENOENT, "%s", name);
	if (text)
		cr_expect(c.len == strlen(text) && !memcmp(c.bytes, text, c.len), "%s", name);
	free(c.bytes);
}

static void start(void)
{
	char err[256];

	cr_assert(mkdtemp(dir));
	cr_assert_eq(tune_root_open(&root, dir), 0);
	if (!tune_root_confined(&root)) {
		rmdir(dir);
		cr_skip_test("no openat2 here, as in qemu-user: a root other than / is only read");
	}
	m.root = &root;
	planner.m = &m;
	put("a", "one\n");
	put("b", "two");
	cr_assert_eq(tune_journal_open(&journal, &root, err), 0, "%s", err);
	d = (struct tune_doer){.root = &root, .journal = &journal, .out = fopen("/dev/null", "w")};
	tune_plan_write(&planner, "1", "a");
	tune_plan_file(&planner, "b", 0644, "new\n");
	tune_plan_file(&planner, "etc/x/y/c", 0600, "new\n");
}

static void end(void)
{
	char command[64];

	fclose(d.out);
	tune_plan_free(&plan);
	tune_root_close(&root);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	cr_expect_eq(system(command), 0);
}

static void as_before(void)
{
	struct stat st;

	cr_expect_eq(tune_undo(&d, 0), 0);
	tune_journal_close(&journal);
	holds("a", "one\n");
	holds("b", "two");
	cr_expect_not(tune_exists(&root, "etc"));
	cr_expect_not(tune_exists(&root, "var"));
	cr_expect_not(tune_exists(&root, ".b.daqiri-tune"));
	cr_expect(!tune_stat(&root, "b", &st) && (st.st_mode & 0777) == 0640);
}

Test(tune_do, is_done_and_taken_back, .init = start, .fini = end)
{
	char err[512];
	struct stat st;

	cr_expect_eq(tune_do(&d, &plan, err), 0);
	holds("a", "1\n");
	holds("b", "new\n");
	holds("etc/x/y/c", "new\n");
	cr_expect(!tune_stat(&root, "etc/x/y/c", &st) && (st.st_mode & 0777) == 0600);
	cr_expect(!tune_stat(&root, "b", &st) && (st.st_mode & 0777) == 0640);
	cr_expect_eq(d.odd, 0u);
	as_before();
}

static int die(const char *command)
{
	(void)command;
	_exit(7);
}

/* Killed by its own command after each step in turn. */
Test(tune_do, killed_half_way_it_is_taken_back, .init = start, .fini = end)
{
	for (unsigned at = 0; at <= 3; at++) {
		struct tune_step spare;
		char err[512];
		int status;
		pid_t pid;

		cr_assert(tune_plan_run(&planner, "", "die %u", at));
		spare = plan.step[3];
		memmove(&plan.step[at + 1], &plan.step[at], (3 - at) * sizeof(spare));
		plan.step[at] = spare;
		pid = fork();
		if (!pid) {
			d.run = die;
			tune_do(&d, &plan, err);
			_exit(0);
		}
		cr_assert(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
		free(plan.step[at].text);
		free(plan.step[at].back);
		memmove(&plan.step[at], &plan.step[at + 1], (3 - at) * sizeof(spare));
		plan.n_steps = 3;
		as_before();
		cr_assert_eq(tune_journal_open(&journal, &root, err), 0);
	}
	tune_journal_close(&journal);
}

static char ran[256];

static int note(const char *command)
{
	strcat(ran, command);
	strcat(ran, ";");
	return !strncmp(command, "fail", 4) ? 3 : 0;
}

Test(tune_do, commands_are_taken_back_last_first, .init = start, .fini = end)
{
	char err[512];

	d.run = note;
	tune_plan_run(&planner, "undo-one", "one");
	tune_plan_run(&planner, "rebuild", "%s", "");
	tune_plan_run(&planner, "", "rebuild");
	cr_expect_eq(tune_do(&d, &plan, err), 0);
	cr_expect_str_eq(ran, "one;rebuild;");
	*ran = 0;
	as_before();
	cr_expect_str_eq(ran, "rebuild;undo-one;");
}

Test(tune_do, a_command_that_fails_ends_it_unless_it_may, .init = start, .fini = end)
{
	char err[512];

	d.run = note;
	tune_plan_run(&planner, "", "fail")->may_fail = true;
	tune_plan_run(&planner, "", "more");
	cr_expect_eq(tune_do(&d, &plan, err), 0);
	cr_expect_str_eq(ran, "fail;more;");
	plan.step[3].may_fail = false;
	cr_expect_neq(tune_do(&d, &plan, err), 0);
	cr_expect(strstr(err, "\"fail\" failed with status 3"), "%s", err);
	as_before();
}

Test(tune_do, what_may_fail_and_did_is_not_taken_back, .init = start, .fini = end)
{
	char err[512];

	d.run = note;
	tune_plan_run(&planner, "undo-fail", "fail")->may_fail = true;
	cr_expect_eq(tune_do(&d, &plan, err), 0);
	*ran = 0;
	as_before();
	cr_expect_str_eq(ran, "");
}

Test(tune_do, what_an_earlier_one_did_is_its_to_take_back, .init = start, .fini = end)
{
	char err[512];
	off_t before;

	d.run = note;
	tune_plan_run(&planner, "undo-one", "one");
	cr_expect_eq(tune_do(&d, &plan, err), 0);
	before = tune_journal_end(&journal);
	cr_expect_eq(tune_do(&d, &plan, err), 0);
	*ran = 0;
	cr_expect_eq(tune_undo(&d, before), 0);
	cr_expect_str_eq(ran, "");
	as_before();
	cr_expect_str_eq(ran, "undo-one;");
}

Test(tune_do, what_could_not_be_taken_back_keeps_its_place, .init = start, .fini = end)
{
	char err[512];

	d.run = note;
	tune_plan_run(&planner, "fail", "one");
	tune_plan_run(&planner, "fail too", "two");
	tune_plan_run(&planner, "back", "three");
	cr_expect_eq(tune_do(&d, &plan, err), 0);
	*ran = 0;
	cr_expect_neq(tune_undo(&d, 0), 0);
	cr_expect_str_eq(ran, "back;fail too;fail;");
	cr_expect_gt(tune_journal_end(&journal), 0);
	holds("a", "one\n");
	strcpy(journal.boot, "another"); /* keeps its own: gone with the reboot */
	as_before();
}

static int fail_then_die(const char *command)
{
	if (!strncmp(command, "fail", 4))
		return 3;
	_exit(7);
}

/* What failed is in the journal while the rest is tried. */
Test(tune_do, killed_after_a_failure_it_is_tried_again, .init = start, .fini = end)
{
	char err[512];
	int status;
	pid_t pid;

	d.run = note;
	tune_plan_run(&planner, "back", "one");
	tune_plan_run(&planner, "fail", "two");
	cr_expect_eq(tune_do(&d, &plan, err), 0);
	pid = fork();
	if (!pid) {
		d.run = fail_then_die;
		tune_undo(&d, 0);
		_exit(0);
	}
	cr_assert(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	*ran = 0;
	cr_expect_neq(tune_undo(&d, 0), 0);
	cr_expect_str_eq(ran, "fail;back;");
	strcpy(journal.boot, "another"); /* gone with the reboot */
	as_before();
}

static int repair(const char *command)
{
	(void)command;
	cr_assert(!rename("kept", "a"));
	return 0;
}

/* The later change of a file fails, and the earlier one could be taken back by then. */
Test(tune_do, changes_of_one_file_keep_their_order, .init = start, .fini = end)
{
	char err[512];

	cr_assert_eq(chdir(dir), 0);
	d.run = note;
	cr_expect_eq(tune_do(&d, &plan, err), 0);
	tune_plan_free(&plan);
	tune_plan_run(&planner, "repair", "one");
	tune_plan_write(&planner, "2", "a");
	cr_expect_eq(tune_do(&d, &plan, err), 0);
	holds("a", "2\n");
	cr_assert(!rename("a", "kept"));
	d.run = repair;
	cr_expect_neq(tune_undo(&d, 0), 0);
	holds("a", "2\n");
	as_before();
}

Test(tune_do, owner_and_group_come_back, .init = start, .fini = end)
{
	gid_t other = getegid() + 1;
	struct stat st;
	char err[512];

	cr_assert_eq(chdir(dir), 0);
	if (chown("b", (uid_t)-1, other))
		cr_skip_test("only root gives files to any group");
	cr_expect_eq(tune_do(&d, &plan, err), 0);
	cr_expect(!tune_stat(&root, "b", &st) && st.st_gid == other);
	as_before();
	cr_expect(!tune_stat(&root, "b", &st) && st.st_gid == other);
}

Test(tune_do, the_same_command_runs_once_and_last, .init = start, .fini = end)
{
	char err[512];

	d.run = note;
	tune_plan_run(&planner, "", "rebuild");
	tune_plan_run(&planner, "", "other");
	tune_plan_run(&planner, "", "rebuild");
	cr_expect_eq(tune_do(&d, &plan, err), 0);
	cr_expect_str_eq(ran, "other;rebuild;");
	as_before();
}

Test(tune_do, a_link_is_not_followed_to_be_replaced, .init = start, .fini = end)
{
	char err[512];

	cr_assert_eq(chdir(dir), 0);
	cr_assert_eq(unlink("b"), 0);
	cr_assert_eq(symlink("a", "b"), 0);
	cr_expect_neq(tune_do(&d, &plan, err), 0);
	cr_expect(strstr(err, "symbolic link"), "%s", err);
	holds("a", "1\n");
	cr_expect_eq(tune_undo(&d, 0), 0);
	holds("a", "one\n");
	tune_journal_close(&journal);
}

Test(tune_do, the_second_journal_is_refused, .init = start, .fini = end)
{
	struct tune_journal second;
	char err[256];

	cr_expect_eq(tune_journal_open(&second, &root, err), -EBUSY);
	cr_expect(strstr(err, "at work"));
	tune_journal_close(&journal);
	cr_expect_eq(tune_journal_open(&second, &root, err), 0);
	tune_journal_close(&second);
}

static bool lo_has(const char *address)
{
	struct ifaddrs *list, *a;
	char text[INET_ADDRSTRLEN];
	bool has = false;

	cr_assert_eq(getifaddrs(&list), 0);
	for (a = list; a; a = a->ifa_next)
		has |= a->ifa_addr && a->ifa_addr->sa_family == AF_INET &&
		       !strcmp(a->ifa_name, "lo") &&
		       inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr,
				 text, sizeof(text)) &&
		       !strcmp(text, address);
	freeifaddrs(list);
	return has;
}

/* In a network of its own. */
Test(tune_net, addresses_come_and_go)
{
	bool rx, tx;

	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		cr_skip_test("no network namespaces here");
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(tune_net_address("lo", "10.9.8.7/24", true), 0);
		cr_expect(lo_has("10.9.8.7"));
	}
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(tune_net_address("lo", "10.9.8.7/24", false), 0);
		cr_expect_not(lo_has("10.9.8.7"));
	}
	cr_expect_eq(tune_net_address("none", "10.9.8.7/24", true), -EINVAL);
	cr_expect_eq(tune_net_address("lo", "10.9.8.7", true), -EINVAL);
	/* EOPNOTSUPP and ENODEV; qemu-user knows no SIOCETHTOOL */
	cr_expect_lt(tune_net_pause_get("lo", &rx, &tx), 0);
	cr_expect_lt(tune_net_pause_set("lo", true, true), 0);
	cr_expect_lt(tune_net_pause_set("none", true, true), 0);
}

Test(tune_plan, addresses_are_ipv4_with_a_length)
{
	cr_expect(tune_is_address("1.1.1.1/24"));
	cr_expect_not(tune_is_address("1.1.1.1"));
	cr_expect_not(tune_is_address("1.1.1.1/33"));
	cr_expect_not(tune_is_address("1.1.1.1/"));
	cr_expect_not(tune_is_address("1.1.1/24"));
	cr_expect_not(tune_is_address("::1/64"));
}

Test(tune_plan, lists_of_cores_that_are_too_long_are_refused, .init = start, .fini = end)
{
	static struct tune_cpu cpu[1024];
	static struct tune_wanted w;

	m.cpu = cpu;
	m.n_cpus = 1024;
	planner.w = &w;
	for (unsigned i = 0; i < m.n_cpus; i++) {
		cpu[i].id = i;
		tune_cores_add(&m.online, i);
	}
	planner.value = "0-800:1/2";
	tune_plan_cmdline(&planner);
	cr_expect(strstr(plan.refused, "choose ranges"), "%s", plan.refused);
	*plan.refused = 0;
	tune_plan_irq(&planner);
	cr_expect(strstr(plan.refused, "choose ranges"), "%s", plan.refused);
	*plan.refused = 0;
	planner.value = "0-200:1/2";
	tune_plan_irq(&planner);
	cr_expect_str_eq(plan.refused, "");
	planner.persist = true;
	tune_plan_irq(&planner);
	cr_expect(strstr(plan.refused, "choose ranges"), "%s", plan.refused);
	planner.persist = false;
	tune_journal_close(&journal);
}

static void says(enum tune_step_kind kind, const char *path, const char *text, const char *want)
{
	struct tune_step s = {.kind = kind, .mode = 0644, .text = strdup(text)};
	char *got = NULL;
	size_t size;
	FILE *f = open_memstream(&got, &size);

	cr_assert(f && s.text);
	tune_put(s.path, sizeof(s.path), path);
	tune_say_step(f, &root, &s);
	fclose(f);
	free(s.text);
	is(got, want);
}

Test(tune_say, a_shell_takes_it_as_it_is, .init = start, .fini = end)
{
	says(TUNE_STEP_WRITE, "sys/a-b", "0-3,8", "echo 0-3,8 > /sys/a-b\n");
	says(TUNE_STEP_WRITE, "sys/a b", "x;y", "echo 'x;y' > '/sys/a b'\n");
	says(TUNE_STEP_WRITE, "sys/class/net/e$0/mtu", "9000", "ip link set 'e$0' mtu 9000\n");
	says(TUNE_STEP_FILE, "b", "x\n", "cat > /b << 'EOF'\nx\nEOF\n");
	says(TUNE_STEP_FILE, "b", "x", "cat > /b << 'EOF'\nx\nEOF\n");
	says(TUNE_STEP_FILE, "it's/b", "",
	     "mkdir -p '/it'\\''s'\ncat > '/it'\\''s/b' << 'EOF'\nEOF\n");
	says(TUNE_STEP_ADDRESS, "`x`", "1.1.1.1/24", "ip address add 1.1.1.1/24 dev '`x`'\n");
	says(TUNE_STEP_PAUSE, "e&", "off", "ethtool -A 'e&' rx off tx off\n");
	tune_journal_close(&journal);
}

Test(tune_run, a_command_is_words_and_no_shell)
{
	cr_expect_eq(tune_run("true"), 0);
	cr_expect_eq(tune_run("false"), 1);
	cr_expect_eq(tune_run("test ;exit = ;exit"), 0);
	cr_expect_lt(tune_run("no-such-program-at-all"), 0);
	cr_expect_lt(tune_run(""), 0);
}

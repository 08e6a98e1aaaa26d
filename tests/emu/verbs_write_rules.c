/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's ib_uverbs_write() refuses, one rule a test. */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "write_kit.h"

TestSuite(rules, .init = wk_open, .fini = wk_close);

static uint64_t answer[64];

/* QUERY_DEVICE as it is right; the test makes one thing wrong. */
static struct wk_raw device(void)
{
	return (struct wk_raw){.hdr = {IB_USER_VERBS_CMD_QUERY_DEVICE, 4,
				       sizeof(struct ib_uverbs_query_device_resp) / 4},
			       .body = {(uintptr_t)answer}};
}

/* The extended one: 8 bytes of request, all of the answer. */
static struct wk_raw device_ex(void)
{
	return (struct wk_raw){.hdr = {IB_USER_VERBS_EX_CMD_QUERY_DEVICE | EX, 1,
				       sizeof(struct ib_uverbs_ex_query_device_resp) / 8},
			       .ex = {.response = (uintptr_t)answer}};
}

#define PLAIN	 16u
#define EXTENDED 32u

Test(rules, the_right_ones_pass)
{
	const struct ib_uverbs_query_device_resp *resp = (const void *)answer;
	struct wk_raw raw = device(), ex = device_ex();

	wk_context();
	cr_assert_eq(wk_write(&raw, PLAIN), 0);
	cr_assert_eq(resp->vendor_id, 0x02c9u);
	memset(answer, 0, sizeof(answer));
	cr_assert_eq(wk_write(&ex, EXTENDED), 0);
	cr_assert_eq(resp->vendor_id, 0x02c9u);
}

/* The driver knows write() only: the kernel calls it for one part after the other. */
Test(rules, each_part_of_a_vector_is_a_command)
{
	struct wk_raw raw = device(), ex = device_ex(), bad = device();
	struct iovec two[] = {{&raw, PLAIN}, {NULL, 0}, {&ex, EXTENDED}, {&bad, PLAIN}};
	struct iovec split[] = {{&raw, 8}, {(uint8_t *)&raw + 8, PLAIN - 8}};

	wk_context();
	cr_expect_eq(writev(wk_fd, two, 3), (ssize_t)(PLAIN + EXTENDED));
	bad.hdr.in_words++;
	cr_expect_eq(writev(wk_fd, two, 4), (ssize_t)(PLAIN + EXTENDED), "those that were right");
	cr_expect_eq(writev(wk_fd, two + 3, 1), -1);
	cr_expect_eq(errno, EINVAL);
	cr_expect_eq(writev(wk_fd, split, 2), -1);
	cr_expect_eq(errno, EINVAL);
}

Test(rules, a_vector_that_is_none)
{
	struct wk_raw raw = device();
	struct iovec hollow[] = {{NULL, 0}, {&raw, PLAIN}};
	const struct iovec *volatile nowhere = (const struct iovec *)(uintptr_t)64;
	volatile int less_than_none = -1;

	wk_context();
	cr_expect_eq(writev(wk_fd, hollow, 0), 0);
	cr_expect_eq(writev(wk_fd, hollow, 1), 0);
	cr_expect_eq(writev(wk_fd, hollow, 2), -1, "a command without a byte");
	cr_expect_eq(errno, EINVAL);
	cr_expect_eq(writev(wk_fd, hollow, less_than_none), -1);
	cr_expect_eq(errno, EINVAL);
	cr_expect_eq(writev(wk_fd, nowhere, 1), -1);
	cr_expect_eq(errno, EFAULT);
}

ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);

Test(rules, nothing_can_be_read)
{
	char byte;
	struct iovec part = {&byte, 1};

	wk_context();
	cr_expect_eq(read(wk_fd, &byte, 1), -1);
	cr_expect_eq(errno, EINVAL);
	errno = 0;
	cr_expect_eq(readv(wk_fd, &part, 1), -1);
	cr_expect_eq(errno, EINVAL);
	errno = 0;
	cr_expect_eq(__read_chk(wk_fd, &byte, 1, 1), -1, "in a fortified program");
	cr_expect_eq(errno, EINVAL);
}

Test(rules, less_than_a_header)
{
	struct wk_raw raw = device();

	wk_context();
	cr_assert_eq(wk_write(&raw, 0), EINVAL);
	cr_assert_eq(wk_write(&raw, 7), EINVAL);
}

Test(rules, a_header_that_is_not_there)
{
	wk_context();
	cr_assert_eq(wk_write(NULL, PLAIN), EFAULT);
}

Test(rules, a_request_that_is_not_there)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *two =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct wk_raw raw = device();

	wk_context();
	cr_assert_neq(two, MAP_FAILED);
	cr_assert_eq(munmap(two + page, page), 0);
	memcpy(two + page - 8, &raw, 8);
	cr_assert_eq(wk_write(two + page - 8, PLAIN), EFAULT);
}

Test(rules, the_words_are_what_is_written)
{
	struct wk_raw raw = device();

	wk_context();
	cr_assert_eq(wk_write(&raw, PLAIN + 4), EINVAL);
	cr_assert_eq(wk_write(&raw, PLAIN - 4), EINVAL);
	raw.hdr.in_words = 3;
	cr_assert_eq(wk_write(&raw, PLAIN), EINVAL);
}

Test(rules, a_request_shorter_than_its_command)
{
	struct wk_raw raw = device();

	wk_context();
	raw.hdr.in_words = 3;
	cr_assert_eq(wk_write(&raw, 12), ENOSPC);
}

Test(rules, room_for_less_than_the_answer)
{
	struct wk_raw raw = device();

	wk_context();
	raw.hdr.out_words--;
	cr_assert_eq(wk_write(&raw, PLAIN), ENOSPC);
}

Test(rules, more_room_than_the_answer_is_zero)
{
	const size_t size = sizeof(struct ib_uverbs_query_device_resp);
	struct wk_raw raw = device();

	wk_context();
	memset(answer, 0xa5, sizeof(answer));
	raw.hdr.out_words = (uint16_t)(raw.hdr.out_words + 4);
	cr_assert_eq(wk_write(&raw, PLAIN), 0);
	for (size_t i = size; i < size + 16; i++)
		cr_assert_eq(((uint8_t *)answer)[i], 0);
	cr_assert_eq(((uint8_t *)answer)[size + 16], 0xa5);
}

Test(rules, more_request_than_the_command_must_be_zero)
{
	struct wk_raw raw = device();

	wk_context();
	raw.hdr.in_words = 6;
	cr_assert_eq(wk_write(&raw, PLAIN + 8), 0);
	raw.body[1] = 1;
	cr_assert_eq(wk_write(&raw, PLAIN + 8), EOPNOTSUPP);
}

Test(rules, an_answer_to_nowhere)
{
	struct wk_raw raw = device();

	wk_context();
	raw.body[0] = 8;
	cr_assert_eq(wk_write(&raw, PLAIN), EFAULT);
	raw.body[0] = 0xffff800000000000ULL;
	cr_assert_eq(wk_write(&raw, PLAIN), EFAULT);
}

Test(rules, a_number_that_no_command_has)
{
	struct wk_raw raw = device();

	wk_context();
	raw.hdr.command = IB_USER_VERBS_CMD_OPEN_QP + 1;
	cr_assert_eq(wk_write(&raw, PLAIN), EINVAL);
	raw.hdr.command = IB_USER_VERBS_CMD_QUERY_DEVICE | 0x100;
	cr_assert_eq(wk_write(&raw, PLAIN), EINVAL);
	raw.hdr.command = (IB_USER_VERBS_EX_CMD_MODIFY_CQ + 1) | EX;
	cr_assert_eq(wk_write(&raw, PLAIN), EOPNOTSUPP);
}

/* uverbs_cmd_mask without what only drivers with a queue in the kernel have. */
Test(rules, a_command_that_the_driver_lacks)
{
	struct wk_raw raw = device();

	wk_context();
	raw.hdr.command = IB_USER_VERBS_CMD_REQ_NOTIFY_CQ;
	cr_assert_eq(wk_write(&raw, PLAIN), EOPNOTSUPP);
	cr_assert_eq(wk_write(&raw, PLAIN + 4), EINVAL);
	raw.hdr.command = IB_USER_VERBS_CMD_POST_SEND;
	cr_assert_eq(wk_write(&raw, PLAIN), EOPNOTSUPP);
}

/* ---- extended ------------------------------------------------------------------------------- */

Test(rules, less_than_both_headers)
{
	struct wk_raw raw = device_ex();

	wk_context();
	cr_assert_eq(wk_write(&raw, 8), EINVAL);
	cr_assert_eq(wk_write(&raw, 23), EINVAL);
}

Test(rules, both_parts_are_what_is_written)
{
	struct wk_raw raw = device_ex();

	wk_context();
	cr_assert_eq(wk_write(&raw, EXTENDED + 8), EINVAL);
	raw.ex.provider_in_words = 1;
	cr_assert_eq(wk_write(&raw, EXTENDED), EINVAL);
	cr_assert_eq(wk_write(&raw, EXTENDED + 8), 0);
}

Test(rules, an_extended_request_shorter_than_its_command)
{
	struct wk_raw raw = device_ex();

	wk_context();
	raw.hdr.in_words = 0;
	cr_assert_eq(wk_write(&raw, EXTENDED - 8), ENOSPC);
}

Test(rules, the_reserved_word_is_zero)
{
	struct wk_raw raw = device_ex();

	wk_context();
	raw.ex.cmd_hdr_reserved = 1;
	cr_assert_eq(wk_write(&raw, EXTENDED), EINVAL);
}

Test(rules, an_answer_has_a_place_and_room)
{
	struct wk_raw raw = device_ex();

	wk_context();
	raw.ex.response = 0;
	cr_assert_eq(wk_write(&raw, EXTENDED), EINVAL);
	raw = device_ex();
	raw.hdr.out_words = 0;
	cr_assert_eq(wk_write(&raw, EXTENDED), EINVAL);
	raw.hdr.out_words = 2;
	cr_assert_eq(wk_write(&raw, EXTENDED), ENOSPC);
}

Test(rules, an_extended_answer_to_nowhere)
{
	struct wk_raw raw = device_ex();

	wk_context();
	raw.ex.response = 8;
	cr_assert_eq(wk_write(&raw, EXTENDED), EFAULT);
}

Test(rules, an_extension_that_is_not_known)
{
	struct wk_raw raw = device_ex();

	wk_context();
	raw.ex_body[0] = 1; /* comp_mask */
	cr_assert_eq(wk_write(&raw, EXTENDED), EINVAL);
	raw = device_ex();
	raw.hdr.in_words = 2;
	cr_assert_eq(wk_write(&raw, EXTENDED + 8), 0);
	raw.ex_body[1] = 1;
	cr_assert_eq(wk_write(&raw, EXTENDED + 8), EOPNOTSUPP);
}

/* ---- the order of things -------------------------------------------------------------------- */

Test(rules, before_the_context)
{
	struct ib_uverbs_alloc_pd pd = {0};
	struct ib_uverbs_alloc_pd_resp pd_resp;
	struct ib_uverbs_query_port port = {.port_num = 1};
	struct ib_uverbs_query_port_resp port_resp;
	struct ib_uverbs_create_comp_channel channel = {0};
	struct ib_uverbs_create_comp_channel_resp channel_resp;
	struct wk_raw raw = device(), ex = device_ex();

	cr_assert_eq(wk_write(&raw, PLAIN), EINVAL);
	cr_assert_eq(wk_write(&ex, EXTENDED), EINVAL);
	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_ALLOC_PD, WK_IO(pd, pd_resp), WK_NONE), EINVAL);
	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_QUERY_PORT, WK_IO(port, port_resp), WK_NONE),
		     EINVAL);
	cr_assert_eq(wk_command(IB_USER_VERBS_CMD_CREATE_COMP_CHANNEL, WK_IO(channel, channel_resp),
				WK_NONE),
		     EINVAL);
	/* nothing can be there to be destroyed */
	cr_assert_eq(wk_dealloc_pd(0), ENOENT);
	cr_assert_eq(wk_destroy_qp(0), ENOENT);
}

static int again(uint64_t where)
{
	struct wk_raw raw = {.hdr = {IB_USER_VERBS_CMD_GET_CONTEXT, 4 + 8, 2 + 32},
			     .body = {where, 16ULL | 4ULL << 32, 0, 0,
				      MLX5_LIB_CAP_4K_UAR | MLX5_LIB_CAP_DYN_UAR}};

	return wk_write(&raw, 48);
}

Test(rules, a_context_is_had_once)
{
	wk_context();
	cr_assert_eq(again((uintptr_t)answer), EINVAL);
}

Test(rules, a_context_whose_answer_goes_nowhere_is_none)
{
	struct wk_raw raw = device();

	cr_assert_eq(again(8), EFAULT);
	cr_assert_eq(wk_write(&raw, PLAIN), EINVAL);
	wk_context();
	cr_assert_eq(wk_write(&raw, PLAIN), 0);
}

/* No descriptor is left for the events: there is no context either. */
Test(rules, a_context_without_its_event_file_is_none)
{
	struct wk_raw raw = device();
	struct rlimit limit, none;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_assert_eq(again((uintptr_t)answer), EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(wk_write(&raw, PLAIN), EINVAL);
	wk_context();
}

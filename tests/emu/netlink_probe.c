/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks RDMA netlink by hand, for cli/emu-netlink.test: netlink_probe CASE. It says what is wrong
 * and ends with 1.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/rdma_netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ATTR_HEAD sizeof(struct nlattr)
#define ALIGN4(n) (((n) + 3u) & ~3u)

#define must(that)                                                                                 \
	do {                                                                                       \
		if (!(that)) {                                                                     \
			printf("line %d: not %s (errno %d)\n", __LINE__, #that, errno);            \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static int fd;
static struct sockaddr_nl me;
static _Alignas(8) char got[8192];
static ssize_t n_got;

static int netlink_socket(struct sockaddr_nl *name)
{
	struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	socklen_t len = sizeof(*name);
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_RDMA);

	must(s >= 0);
	must(!bind(s, (struct sockaddr *)&any, sizeof(any)));
	must(!getsockname(s, (struct sockaddr *)name, &len));
	must(len == sizeof(*name) && name->nl_family == AF_NETLINK && name->nl_pid);
	return s;
}

/* ---- asking --------------------------------------------------------------------------------- */

struct question {
	struct nlmsghdr hdr;
	char attrs[256];
};

static struct question question(unsigned op, unsigned flags)
{
	return (struct question){
		.hdr = {.nlmsg_len = NLMSG_HDRLEN,
			.nlmsg_type = (uint16_t)RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, op),
			.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
			.nlmsg_seq = 1000 + op}};
}

static void add(struct question *q, uint16_t type, const void *value, size_t len)
{
	struct nlattr attr = {(uint16_t)(ATTR_HEAD + len), type};
	char *at = (char *)q + q->hdr.nlmsg_len;

	memcpy(at, &attr, sizeof(attr));
	memcpy(at + ATTR_HEAD, value, len);
	q->hdr.nlmsg_len += (uint32_t)(ATTR_HEAD + ALIGN4(len));
}

static void add_index(struct question *q, uint32_t index)
{
	add(q, RDMA_NLDEV_ATTR_DEV_INDEX, &index, sizeof(index));
}

static void add_port(struct question *q, uint32_t port)
{
	add(q, RDMA_NLDEV_ATTR_PORT_INDEX, &port, sizeof(port));
}

static void ask(const struct question *q)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	must(sendto(fd, q, q->hdr.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) ==
	     q->hdr.nlmsg_len);
}

static const struct nlmsghdr *next(void)
{
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);

	memset(&from, 0xa5, sizeof(from));
	n_got = recvfrom(fd, got, sizeof(got), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
	must(n_got >= (ssize_t)NLMSG_HDRLEN);
	must(len == sizeof(from) && from.nl_family == AF_NETLINK && !from.nl_pid);
	return (const void *)got;
}

static int nothing_more(void)
{
	return recv(fd, got, sizeof(got), MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* The number in the answer that is an error, or an acknowledgement. */
static int error(const struct question *q)
{
	const struct nlmsghdr *msg;
	const struct nlmsgerr *err;

	ask(q);
	msg = next();
	err = NLMSG_DATA(msg);
	must(msg->nlmsg_type == NLMSG_ERROR && msg->nlmsg_seq == q->hdr.nlmsg_seq);
	must(err->msg.nlmsg_type == q->hdr.nlmsg_type);
	must(nothing_more());
	return -err->error;
}

static const void *find(const struct nlmsghdr *msg, unsigned type, size_t len)
{
	const char *at = NLMSG_DATA(msg), *end = (const char *)msg + msg->nlmsg_len;
	struct nlattr attr;

	while (at + sizeof(attr) <= end) {
		memcpy(&attr, at, sizeof(attr));
		must(attr.nla_len >= sizeof(attr) && at + attr.nla_len <= end);
		if (attr.nla_type == type && (!len || attr.nla_len == ATTR_HEAD + len))
			return at + ATTR_HEAD;
		at += ALIGN4(attr.nla_len);
	}
	printf("no attribute %u\n", type);
	exit(1);
}

static uint64_t number(const struct nlmsghdr *msg, unsigned type, size_t len)
{
	uint8_t byte;
	uint32_t word;
	uint64_t all;
	const void *at = find(msg, type, len);

	memcpy(&byte, at, 1);
	memcpy(&word, at, len < 4 ? 1 : 4);
	memcpy(&all, at, len);
	return len == 1 ? byte : len == 4 ? word : all;
}

/* ---- cases ---------------------------------------------------------------------------------- */

/* Both devices in one datagram, and the end in another. */
static void dump(void)
{
	struct question q = question(RDMA_NLDEV_CMD_GET, NLM_F_DUMP);
	const struct nlmsghdr *msg;
	const char *end;

	ask(&q);
	msg = next();
	end = got + n_got;
	for (unsigned i = 0; i < 2; i++) {
		must((const char *)msg + NLMSG_HDRLEN < end && msg->nlmsg_len > NLMSG_HDRLEN);
		must(msg->nlmsg_type == q.hdr.nlmsg_type && (msg->nlmsg_flags & NLM_F_MULTI));
		must(msg->nlmsg_pid == me.nl_pid && msg->nlmsg_seq == q.hdr.nlmsg_seq);
		must(number(msg, RDMA_NLDEV_ATTR_DEV_INDEX, 4) == i);
		must(number(msg, RDMA_NLDEV_ATTR_PORT_INDEX, 4) == 1);
		must(number(msg, RDMA_NLDEV_ATTR_NODE_GUID, 8) == 0x02da010300000001ULL + i);
		must(number(msg, RDMA_NLDEV_ATTR_SYS_IMAGE_GUID, 8) == 0x02da010300000001ULL);
		must(number(msg, RDMA_NLDEV_ATTR_DEV_NODE_TYPE, 1) == 1);
		must(!strcmp(find(msg, RDMA_NLDEV_ATTR_DEV_PROTOCOL, 0), "roce"));
		msg = (const void *)((const char *)msg + ALIGN4(msg->nlmsg_len));
	}
	must((const char *)msg == end);
	msg = next();
	must(msg->nlmsg_type == NLMSG_DONE && msg->nlmsg_len == NLMSG_HDRLEN + 4);
	must(msg->nlmsg_flags & NLM_F_MULTI);
	must(nothing_more());
}

static void device(void)
{
	struct question q = question(RDMA_NLDEV_CMD_GET, NLM_F_ACK);
	const struct nlmsghdr *msg;

	add_index(&q, 1);
	ask(&q);
	msg = next();
	must(!strcmp(find(msg, RDMA_NLDEV_ATTR_DEV_NAME, 0), "mlx5_1"));
	must(!(msg->nlmsg_flags & NLM_F_MULTI));
	msg = next();
	must(msg->nlmsg_type == NLMSG_ERROR);
	must(((const struct nlmsgerr *)NLMSG_DATA(msg))->error == 0);
	must(nothing_more());
}

static void port(void)
{
	struct question q = question(RDMA_NLDEV_CMD_PORT_GET, 0);
	const struct nlmsghdr *msg;

	add_index(&q, 1);
	add_port(&q, 1);
	ask(&q);
	msg = next();
	/* as nldev_port_get_doit() has it */
	must(msg->nlmsg_type == RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, RDMA_NLDEV_CMD_GET));
	must(number(msg, RDMA_NLDEV_ATTR_PORT_STATE, 1) == 4);
	must(number(msg, RDMA_NLDEV_ATTR_PORT_PHYS_STATE, 1) == 5);
	must(!strcmp(find(msg, RDMA_NLDEV_ATTR_NDEV_NAME, 0), "emu1"));
	q = question(RDMA_NLDEV_CMD_PORT_GET, NLM_F_DUMP);
	add_index(&q, 1);
	ask(&q);
	msg = next();
	must(msg->nlmsg_type == q.hdr.nlmsg_type);
	must(next()->nlmsg_type == NLMSG_DONE);
}

static void chardev(void)
{
	struct question q = question(RDMA_NLDEV_CMD_GET_CHARDEV, 0);
	const struct nlmsghdr *msg;

	add_index(&q, 1);
	add(&q, RDMA_NLDEV_ATTR_CHARDEV_TYPE, "uverbs", 7);
	ask(&q);
	msg = next();
	must(number(msg, RDMA_NLDEV_ATTR_UVERBS_DRIVER_ID, 4) == RDMA_DRIVER_MLX5);
	must(number(msg, RDMA_NLDEV_ATTR_CHARDEV, 8) == (231 << 8 | 193));
	must(number(msg, RDMA_NLDEV_ATTR_CHARDEV_ABI, 8) == 1);
	must(!strcmp(find(msg, RDMA_NLDEV_ATTR_CHARDEV_NAME, 0), "uverbs1"));
	q = question(RDMA_NLDEV_CMD_GET_CHARDEV, 0);
	add_index(&q, 1);
	add(&q, RDMA_NLDEV_ATTR_CHARDEV_TYPE, "umad", 5);
	must(error(&q) == EOPNOTSUPP);
	q = question(RDMA_NLDEV_CMD_GET_CHARDEV, 0);
	add_index(&q, 1);
	must(error(&q) == EINVAL);
}

static void refused(void)
{
	struct question q = question(RDMA_NLDEV_CMD_GET, 0);

	must(error(&q) == EINVAL); /* which device? */
	add_index(&q, 2);
	must(error(&q) == EINVAL);
	q = question(RDMA_NLDEV_CMD_GET, 0);
	add(&q, RDMA_NLDEV_ATTR_DEV_INDEX, "", 1);
	must(error(&q) == EINVAL);
	q = question(RDMA_NLDEV_CMD_PORT_GET, 0);
	add_index(&q, 0);
	must(error(&q) == EINVAL);
	add_port(&q, 2);
	must(error(&q) == EINVAL);
	q = question(RDMA_NLDEV_CMD_PORT_GET, NLM_F_DUMP);
	must(error(&q) == EINVAL);
	q = question(RDMA_NLDEV_CMD_SYS_GET, NLM_F_DUMP);
	must(error(&q) == EINVAL);
	q = question(200, 0);
	must(error(&q) == EINVAL);
	q = question(RDMA_NLDEV_CMD_GET, NLM_F_DUMP);
	q.hdr.nlmsg_type = RDMA_NL_GET_TYPE(RDMA_NL_LS, 0);
	must(error(&q) == EINVAL);
}

/* With the request, and without. */
static void errors(void)
{
	struct question q = question(RDMA_NLDEV_CMD_GET, 0);
	int on = 1;

	add_index(&q, 77);
	must(error(&q) == EINVAL);
	ask(&q);
	must(next()->nlmsg_len == NLMSG_HDRLEN + 4 + q.hdr.nlmsg_len);
	must(!setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)));
	ask(&q);
	must(next()->nlmsg_len == NLMSG_HDRLEN + 4 + NLMSG_HDRLEN);
	must(((const struct nlmsghdr *)(const void *)got)->nlmsg_flags & NLM_F_CAPPED);
	must(setsockopt(fd, SOL_NETLINK, 999, &on, sizeof(on)) && errno == ENOPROTOOPT);
}

/* What is no request is not answered; two requests in one datagram both are. */
static void datagrams(void)
{
	struct question q = question(RDMA_NLDEV_CMD_SYS_GET, 0);
	char two[2 * NLMSG_HDRLEN];

	memcpy(two, &q, NLMSG_HDRLEN);
	memcpy(two + NLMSG_HDRLEN, &q, NLMSG_HDRLEN);
	must(send(fd, two, sizeof(two), 0) == sizeof(two));
	must(next()->nlmsg_type == q.hdr.nlmsg_type);
	must(next()->nlmsg_type == q.hdr.nlmsg_type);
	q.hdr.nlmsg_flags = 0;
	ask(&q);
	must(nothing_more());
	must(write(fd, two, NLMSG_HDRLEN - 1) == NLMSG_HDRLEN - 1);
	must(nothing_more());
	must(send(fd, NULL, 16, 0) < 0 && errno == EFAULT);
}

/* A look at the length first, as libnl does it; what has no room is gone. */
static void truncation(void)
{
	struct question q = question(RDMA_NLDEV_CMD_GET, 0);
	struct sockaddr_nl from;
	struct iovec part = {got, 8};
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1};
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	ssize_t whole;

	add_index(&q, 0);
	must(poll(&ready, 1, 0) == 0);
	ask(&q);
	must(poll(&ready, 1, 0) == 1);
	whole = recvmsg(fd, &msg, MSG_PEEK | MSG_TRUNC);
	must(whole > 100 && (msg.msg_flags & MSG_TRUNC));
	must(msg.msg_namelen == sizeof(from) && from.nl_family == AF_NETLINK);
	must(recvmsg(fd, &msg, 0) == 8 && (msg.msg_flags & MSG_TRUNC));
	must(nothing_more());
	ask(&q);
	must(next() && n_got == whole);
}

static void names(void)
{
	struct sockaddr_nl other = {.nl_family = AF_NETLINK, .nl_pid = me.nl_pid}, second;
	int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_RDMA);

	must(me.nl_pid == (uint32_t)getpid());
	must(s >= 0);
	must(bind(s, (struct sockaddr *)&other, sizeof(other)) && errno == EADDRINUSE);
	other.nl_pid = 4711;
	must(!bind(s, (struct sockaddr *)&other, sizeof(other)));
	other.nl_pid = 4712;
	must(bind(s, (struct sockaddr *)&other, sizeof(other)) && errno == EINVAL);
	must(bind(s, (struct sockaddr *)&other, 4) && errno == EINVAL);
	must(!close(s));
	s = netlink_socket(&second);
	must((int32_t)second.nl_pid < 0);
	must(!close(fd));
	fd = netlink_socket(&me);
	must(me.nl_pid == (uint32_t)getpid());
	must(sendto(fd, "", 1, 0, (struct sockaddr *)&other, sizeof(other)) < 0 &&
	     errno == ECONNREFUSED);
	must(socket(AF_NETLINK, SOCK_STREAM, NETLINK_RDMA) < 0 && errno == ESOCKTNOSUPPORT);
}

/* A copy of the descriptor, and a child's: one socket. */
static void copies(void)
{
	int copy = dup(fd), status;

	must(copy >= 0 && !close(fd));
	fd = copy;
	dump();
	if (!fork()) {
		dump();
		_exit(0);
	}
	must(wait(&status) > 0 && status == 0);
	dump();
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{"dump", dump},	      {"device", device},	{"port", port},
	{"chardev", chardev}, {"refused", refused},	{"errors", errors},
	{"names", names},     {"datagrams", datagrams}, {"truncation", truncation},
	{"copies", copies},
};

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (!strcmp(argv[1], "none")) {
		must(socket(AF_NETLINK, SOCK_RAW, NETLINK_RDMA) < 0 && errno == EPROTONOSUPPORT);
		return 0;
	}
	fd = netlink_socket(&me);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!strcmp(argv[1], cases[i].name)) {
			cases[i].run();
			return 0;
		}
	}
	return 2;
}

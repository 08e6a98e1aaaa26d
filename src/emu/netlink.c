/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RDMA netlink sockets. What the program reads lies in a real socket, so that waiting, peeking and
 * truncation are the kernel's own; addresses are put right here, and what it sends is answered
 * before the call returns, as in the kernel.
 */
/* With it the addresses of socket calls are unions of pointers, which is not what is exported. */
#undef _GNU_SOURCE

#include "netlink.h"
#include "preload.h"
#include "uverbs_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static LIST_HEAD(, emu_netlink) sockets = LIST_HEAD_INITIALIZER(sockets);

static int fail(int err)
{
	errno = -err;
	return -1;
}

/* ---- one socket ----------------------------------------------------------------------------- */

int emu_netlink_send(const struct emu_netlink *nl, const void *bytes, size_t n)
{
	/* a program that reads nothing is told of it by the next call */
	return EMU_REAL(send)(nl->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n
		       ? 0
		       : -ENOBUFS;
}

void emu_netlink_release(struct emu_netlink *nl)
{
	LIST_REMOVE(nl, link);
	emu_file_private_close(nl->fd);
	free(nl);
}

static struct emu_netlink *netlink_of(int fd)
{
	struct emu_file *file = emu_file_peek(fd);

	return file && file->kind == EMU_FILE_NETLINK ? file->netlink : NULL;
}

/* our_fd is taken, whatever comes of it. */
static int attach(int program_fd, int our_fd)
{
	struct emu_netlink *nl = calloc(1, sizeof(*nl));
	struct emu_file *file = calloc(1, sizeof(*file));
	int ret = nl && file ? 0 : -ENOMEM;

	pthread_mutex_lock(&emu_lock);
	our_fd = emu_file_private(our_fd);
	if (!ret) {
		nl->fd = our_fd;
		*file = (struct emu_file){.kind = EMU_FILE_NETLINK, .netlink = nl};
		ret = emu_file_attach(program_fd, file);
	}
	if (!ret)
		LIST_INSERT_HEAD(&sockets, nl, link);
	else
		emu_file_private_close(our_fd);
	pthread_mutex_unlock(&emu_lock);
	if (ret) {
		free(nl);
		free(file);
	}
	return ret;
}

static int open_socket(int type)
{
	int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK), ends[2], ret;

	if (kind != SOCK_RAW && kind != SOCK_DGRAM)
		return fail(-ESOCKTNOSUPPORT);
	if (socketpair(AF_UNIX, SOCK_DGRAM | (type & (SOCK_CLOEXEC | SOCK_NONBLOCK)), 0, ends))
		return -1;
	ret = attach(ends[0], ends[1]);
	if (!ret)
		return ends[0];
	EMU_REAL(close)(ends[0]);
	return fail(ret);
}

/*
 * libibverbs asks the kernel for its devices by netlink, and by sysfs where that fails. The real
 * ones must not be found.
 */
EMU_EXPORT int socket(int domain, int type, int protocol)
{
	if (domain != AF_NETLINK || protocol != NETLINK_RDMA || !emu_active())
		return EMU_REAL(socket)(domain, type, protocol);
	return emu_settings.netlink ? open_socket(type) : fail(-EPROTONOSUPPORT);
}

/* ---- its name ------------------------------------------------------------------------------- */

static bool in_use(uint32_t portid)
{
	const struct emu_netlink *nl;

	LIST_FOREACH (nl, &sockets, link) {
		if (nl->portid == portid)
			return true;
	}
	return false;
}

/* netlink_autobind(): the process's number, then negative ones */
static void autobind(struct emu_netlink *nl)
{
	uint32_t portid = (uint32_t)getpid();

	for (uint32_t n = 4096; in_use(portid); n++)
		portid = -n;
	nl->portid = portid;
}

/* netlink_bind() */
static int bind_to(struct emu_netlink *nl, const struct sockaddr_nl *to, socklen_t len)
{
	if (len < sizeof(*to) || to->nl_family != AF_NETLINK)
		return -EINVAL;
	if (nl->portid && to->nl_pid && nl->portid != to->nl_pid)
		return -EINVAL;
	if (!nl->portid && to->nl_pid && in_use(to->nl_pid))
		return -EADDRINUSE;
	if (!nl->portid && to->nl_pid)
		nl->portid = to->nl_pid;
	if (!nl->portid)
		autobind(nl);
	nl->groups = to->nl_groups; /* nothing is ever sent to them */
	return 0;
}

EMU_EXPORT int bind(int fd, const struct sockaddr *to, socklen_t len)
{
	struct emu_netlink *nl = netlink_of(fd);
	int ret;

	if (!nl)
		return EMU_REAL(bind)(fd, to, len);
	pthread_mutex_lock(&emu_lock);
	ret = bind_to(nl, (const void *)to, len);
	pthread_mutex_unlock(&emu_lock);
	return ret ? fail(ret) : 0;
}

/* As far as the program's room goes, and how long it is. */
static void put_name(struct sockaddr *to, socklen_t *len, const struct sockaddr_nl *name)
{
	size_t room = *len;

	memcpy(to, name, room < sizeof(*name) ? room : sizeof(*name));
	*len = sizeof(*name);
}

EMU_EXPORT int getsockname(int fd, struct sockaddr *restrict to, socklen_t *restrict len)
{
	const struct emu_netlink *nl = netlink_of(fd);
	struct sockaddr_nl name = {.nl_family = AF_NETLINK};

	if (!nl)
		return EMU_REAL(getsockname)(fd, to, len);
	name.nl_pid = nl->portid;
	name.nl_groups = nl->groups;
	put_name(to, len, &name);
	return 0;
}

/* netlink_setsockopt() */
static int set_option(struct emu_netlink *nl, int name, const void *value, socklen_t len)
{
	unsigned n = 0;

	if (len >= sizeof(n))
		memcpy(&n, value, sizeof(n));
	switch (name) {
	case NETLINK_CAP_ACK:
		nl->cap_ack = n;
		return 0;
	case NETLINK_ADD_MEMBERSHIP:
	case NETLINK_DROP_MEMBERSHIP:
		return n ? 0 : -EINVAL;
	case NETLINK_PKTINFO:
	case NETLINK_BROADCAST_ERROR:
	case NETLINK_NO_ENOBUFS:
	case NETLINK_EXT_ACK:
	case NETLINK_GET_STRICT_CHK:
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

EMU_EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct emu_netlink *nl = netlink_of(fd);
	int ret;

	if (!nl || level != SOL_NETLINK)
		return EMU_REAL(setsockopt)(fd, level, name, value, len);
	ret = set_option(nl, name, value, len);
	return ret ? fail(ret) : 0;
}

/* ---- to the kernel -------------------------------------------------------------------------- */

/* netlink_sendmsg(): to the kernel, which is number 0, or to nobody */
static int check_target(const struct sockaddr_nl *to, socklen_t len)
{
	if (!to)
		return 0;
	if (len < sizeof(*to) || to->nl_family != AF_NETLINK)
		return -EINVAL;
	return to->nl_pid || to->nl_groups ? -ECONNREFUSED : 0;
}

#define MAX_REQUEST 212960u /* net.core.wmem_default, less what the kernel keeps for itself */

static int copy_parts(uint8_t *bytes, const struct iovec *parts, size_t n)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++) {
		ret = emu_user_read(bytes, (uintptr_t)parts[i].iov_base, parts[i].iov_len);
		bytes += parts[i].iov_len;
	}
	return ret;
}

static int answer(struct emu_netlink *nl, const struct iovec *parts, size_t n, size_t len)
{
	uint8_t *bytes = malloc(len + 1);
	int ret = bytes ? copy_parts(bytes, parts, n) : -ENOMEM;

	if (!ret) {
		pthread_mutex_lock(&emu_lock);
		if (!nl->portid)
			autobind(nl);
		ret = emu_nldev(nl, bytes, len);
		pthread_mutex_unlock(&emu_lock);
	}
	free(bytes);
	return ret;
}

static ssize_t send_parts(struct emu_netlink *nl, const struct iovec *parts, size_t n)
{
	size_t len = 0;
	int ret = -EMSGSIZE;

	for (size_t i = 0; i < n; i++)
		len += parts[i].iov_len;
	if (len <= MAX_REQUEST)
		ret = answer(nl, parts, n, len);
	return ret ? fail(ret) : (ssize_t)len;
}

static ssize_t send_one(struct emu_netlink *nl, const void *bytes, size_t n)
{
	const struct iovec part = {(void *)(uintptr_t)bytes, n};

	return send_parts(nl, &part, 1);
}

ssize_t emu_netlink_write(int fd, const void *bytes, size_t n)
{
	return send_one(netlink_of(fd), bytes, n);
}

EMU_EXPORT ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
	struct emu_netlink *nl = netlink_of(fd);

	return nl ? send_one(nl, bytes, n) : EMU_REAL(send)(fd, bytes, n, flags);
}

EMU_EXPORT ssize_t sendto(int fd, const void *bytes, size_t n, int flags, const struct sockaddr *to,
			  socklen_t len)
{
	struct emu_netlink *nl = netlink_of(fd);
	int ret;

	if (!nl)
		return EMU_REAL(sendto)(fd, bytes, n, flags, to, len);
	ret = check_target((const void *)to, len);
	return ret ? fail(ret) : send_one(nl, bytes, n);
}

EMU_EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct emu_netlink *nl = netlink_of(fd);
	int ret;

	if (!nl)
		return EMU_REAL(sendmsg)(fd, msg, flags);
	ret = check_target(msg->msg_name, msg->msg_namelen);
	return ret ? fail(ret) : send_parts(nl, msg->msg_iov, msg->msg_iovlen);
}

/* ---- from the kernel ------------------------------------------------------------------------ */

static const struct sockaddr_nl kernel_name = {.nl_family = AF_NETLINK};

EMU_EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	socklen_t room = msg->msg_namelen;
	ssize_t ret = EMU_REAL(recvmsg)(fd, msg, flags);

	if (ret >= 0 && msg->msg_name && netlink_of(fd)) {
		msg->msg_namelen = room;
		put_name(msg->msg_name, &msg->msg_namelen, &kernel_name);
	}
	return ret;
}

static ssize_t from_kernel(int fd, ssize_t ret, struct sockaddr *from, socklen_t *len,
			   socklen_t room)
{
	if (ret < 0 || !from || !len || !netlink_of(fd))
		return ret;
	*len = room;
	put_name(from, len, &kernel_name);
	return ret;
}

EMU_EXPORT ssize_t recvfrom(int fd, void *restrict bytes, size_t n, int flags,
			    struct sockaddr *restrict from, socklen_t *restrict len)
{
	socklen_t room = len ? *len : 0;
	ssize_t ret = EMU_REAL(recvfrom)(fd, bytes, n, flags, from, len);

	return from_kernel(fd, ret, from, len, room);
}

/* What _FORTIFY_SOURCE makes of it. */
EMU_EXPORT ssize_t __recvfrom_chk(int fd, void *bytes, size_t n, size_t size, int flags,
				  struct sockaddr *from, socklen_t *len);

ssize_t __recvfrom_chk(int fd, void *bytes, size_t n, size_t size, int flags, struct sockaddr *from,
		       socklen_t *len)
{
	socklen_t room = len ? *len : 0;
	ssize_t ret = EMU_REAL(__recvfrom_chk)(fd, bytes, n, size, flags, from, len);

	return from_kernel(fd, ret, from, len, room);
}

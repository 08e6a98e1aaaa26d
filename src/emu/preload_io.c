/* SPDX-License-Identifier: Apache-2.0 */
/* writev() to a uverbs file, and read() from it, which has none. All other calls pass. */
#include "preload.h"
#include "uverbs_copy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_PARTS 1024 /* UIO_MAXIOV */

static bool is_uverbs(int fd)
{
	const struct emu_file *file = emu_file_peek(fd);

	return file && file->kind == EMU_FILE_UVERBS;
}

/* As the kernel leaves errno: alone, where all is well. */
static ssize_t answer(ssize_t ret, int saved)
{
	errno = ret < 0 ? (int)-ret : saved;
	return ret < 0 ? -1 : ret;
}

/* import_iovec(): all bytes together. */
static ssize_t count(const struct iovec *parts, int n)
{
	size_t sum = 0;

	for (int i = 0; i < n; i++) {
		if (parts[i].iov_len > SSIZE_MAX - sum)
			return -EINVAL;
		sum += parts[i].iov_len;
	}
	return (ssize_t)sum;
}

/* do_loop_readv_writev(): a write for each part; the first one also where it is empty. */
static ssize_t write_parts(int fd, const struct iovec *parts, int n)
{
	ssize_t done, sum = 0;

	for (int i = 0; i < n; i++) {
		if (i && !parts[i].iov_len)
			continue;
		done = emu_uverbs_write(fd, parts[i].iov_base, parts[i].iov_len);
		if (done < 0)
			return sum ? sum : done;
		sum += done;
	}
	return sum;
}

static ssize_t write_vector(int fd, const struct iovec *user, int n)
{
	struct iovec *parts;
	ssize_t ret;

	if (n < 0 || n > MAX_PARTS)
		return -EINVAL;
	parts = calloc((size_t)n + 1, sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	ret = emu_user_read(parts, (uintptr_t)user, (size_t)n * sizeof(*parts));
	if (!ret)
		ret = count(parts, n);
	if (ret > 0)
		ret = write_parts(fd, parts, n);
	free(parts);
	return ret;
}

EMU_EXPORT ssize_t writev(int fd, const struct iovec *parts, int n)
{
	int saved = errno;

	if (!is_uverbs(fd))
		return EMU_REAL(writev)(fd, parts, n);
	return answer(write_vector(fd, parts, n), saved);
}

/* vfs_read(): the driver has no such operation. */
EMU_EXPORT ssize_t read(int fd, void *buf, size_t n)
{
	return is_uverbs(fd) ? answer(-EINVAL, 0) : EMU_REAL(read)(fd, buf, n);
}

EMU_EXPORT ssize_t readv(int fd, const struct iovec *parts, int n)
{
	return is_uverbs(fd) ? answer(-EINVAL, 0) : EMU_REAL(readv)(fd, parts, n);
}

/* What fortified programs call for read(). */
EMU_EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
EMU_EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t room)
{
	return is_uverbs(fd) ? answer(-EINVAL, 0) : EMU_REAL(__read_chk)(fd, buf, n, room);
}

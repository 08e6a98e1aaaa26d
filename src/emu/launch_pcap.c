/* SPDX-License-Identifier: Apache-2.0 */
#include "launch.h"
#include "pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PCAP_FD 901 /* above what programs count on */

static int complain(const char *path, int err)
{
	launch_complain("--pcap %s: %s", path, strerror(err));
	return LAUNCH_USAGE;
}

static int begin_file(int fd)
{
	const struct emu_pcap_head head = {.magic = EMU_PCAP_MAGIC,
					   .major = 2,
					   .minor = 4,
					   .snap_len = EMU_PCAP_SNAP,
					   .link_type = EMU_PCAP_ETHERNET};

	if (ftruncate(fd, 0))
		return errno;
	if (write(fd, &head, sizeof(head)) != sizeof(head))
		return errno ? errno : EIO;
	return 0;
}

/*
 * A lock on the file, inherited by the program, tells that it is being recorded to: then this
 * program's frames are added. A file that nobody records to begins anew.
 */
int launch_pcap(const char *path)
{
	int fd, high, err = 0;
	struct stat st;

	if (!*path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return complain(path, errno);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return complain(path, EINVAL);
	}
	if (!flock(fd, LOCK_EX | LOCK_NB))
		err = begin_file(fd);
	if (!err && flock(fd, LOCK_SH))
		err = errno;
	high = err ? -1 : fcntl(fd, F_DUPFD, PCAP_FD);
	if (!err && high < 0)
		err = errno;
	close(fd);
	return err ? complain(path, err) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The interposed C library calls: what their files share. */
#ifndef EMU_PRELOAD_H
#define EMU_PRELOAD_H

#include "emu.h"

#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/types.h>

#define EMU_EXPORT __attribute__((visibility("default")))

/* The next definition of a C library function: what the program would have called without us. */
void *emu_real(void **slot, const char *name);
#define EMU_REAL(fn)                                                                               \
	({                                                                                         \
		static void *slot_##fn;                                                            \
		(__typeof__(&fn))emu_real(&slot_##fn, #fn);                                        \
	})

/* True in a program that daqiri-emu has started (or a descendant); reads the environment once. */
bool emu_active(void);

/* The lock of the control path: contexts, objects, files. Never taken by the engine. */
extern pthread_mutex_t emu_lock;

/* ---- vfs.c ---------------------------------------------------------------------------------- */

/* True: path (relative to dirfd) names something emulated and out says where that lies. */
bool emu_vfs_map(int dirfd, const char *path, char out[PATH_MAX]);
/* An empty name, which together with AT_EMPTY_PATH means the descriptor itself. */
bool emu_vfs_empty(const char *path);
/* The name that a program knows for something in the wire's tree; false: it is none. */
bool emu_vfs_unmap(const char *real, char out[PATH_MAX]);
/* Index of the device whose uverbs file this is, by its place in the tree; -1: no such file. */
int emu_vfs_uverbs(const char *mapped);
/* Absolute name of a place in the wire's tree. */
void emu_vfs_place(const char *name, char out[PATH_MAX]);

/* ---- live.c: files whose contents come from the wire ---------------------------------------- */

struct emu_live;
/* The live file at a place in the tree, or NULL where it is an ordinary one. */
const struct emu_live *emu_live_find(const char *mapped, struct emu_dev **dev);
/* Its contents now; -errno. */
int emu_live_read(const struct emu_live *live, struct emu_dev *dev, char *text, size_t size);
bool emu_live_writable(const struct emu_live *live);
/* A name for a descriptor of it that programs may inherit, and back; NULL: none of ours. */
#define EMU_LIVE_NAME 64
void emu_live_name(const struct emu_live *live, const struct emu_dev *dev,
		   char name[EMU_LIVE_NAME]);
const struct emu_live *emu_live_by_name(const char *name, struct emu_dev **dev);
/* What the kernel does with text written there: 0 or -errno. */
int emu_live_write(const struct emu_live *live, struct emu_dev *dev, const char *text, size_t n);

/* ---- netdev.c: the real interfaces of --netdev ----------------------------------------------- */

/* The interface's number: the real one's, or one that no interface of the machine has. */
unsigned emu_netdev_index(const struct emu_dev *dev);
/* Before the port's MTU or flags are shown: what the interface has now. The wire is attached. */
void emu_netdev_look(struct emu_dev *dev);
/* Of the interface, where there is one, and of the port: 0 or -errno. */
int emu_netdev_set_mtu(struct emu_dev *dev, uint32_t mtu);
int emu_netdev_set_flags(struct emu_dev *dev, uint32_t flags);
uint32_t emu_netdev_flags(const struct emu_dev *dev);
/* After the program's SIOCSIFMTU or SIOCSIFFLAGS, with its struct ifreq. */
void emu_netdev_changed(const void *arg);

/* ---- ethtool.c ------------------------------------------------------------------------------- */

/* SIOCETHTOOL with this struct ifreq: 0 or -errno as of mlx5_core; 1: nothing that we answer. */
int emu_ethtool(const void *arg);

/* ---- file.c: descriptors that are ours ------------------------------------------------------ */

enum emu_file_kind {
	EMU_FILE_UVERBS,
	EMU_FILE_CHANNEL, /* completion channel: the read end of a pipe */
	EMU_FILE_ASYNC,
	EMU_FILE_DEVX,    /* answers of asynchronous commands, or events of DevX objects */
	EMU_FILE_LIVE,    /* live sysfs file open for writing */
	EMU_FILE_NETLINK, /* socket of RDMA netlink */
	EMU_FILE_PRIVATE  /* our own: the program must neither close nor replace it */
};

struct emu_file {
	enum emu_file_kind kind;
	unsigned fds;                /* descriptors of this process that refer to it */
	bool dead;                   /* inherited by a child: EIO */
	struct emu_dev *dev;
	struct emu_ctx *ctx;         /* UVERBS; the maker's of CHANNEL */
	struct emu_object *channel;  /* CHANNEL; what a DEVX one belongs to */
	const struct emu_live *live; /* LIVE */
	struct emu_netlink *netlink; /* NETLINK */
};

/* No lock needed: NULL for a descriptor that is not ours, which is what nearly all calls ask. */
struct emu_file *emu_file_peek(int fd);
/* With emu_lock: makes fd refer to file (one more descriptor); -EMFILE where fd is too large. */
int emu_file_attach(int fd, struct emu_file *file);
/* With emu_lock: fd refers to nothing of ours any more; the last one releases the file. */
void emu_file_detach(int fd);
/* Moves fd out of the program's way, closed at exec, and hides it; returns the new number. */
int emu_file_private(int fd);
void emu_file_private_close(int fd);
/* Hides fd where it is, and leaves it open for programs that this one becomes. */
void emu_file_keep(int fd);
/*
 * True in a child that runs on our memory (vfork) or was made behind the C library's back: it
 * closes and copies its own descriptors, and the table is its parent's.
 */
bool emu_file_foreign(void);
/* After fork, in the child: what was inherited is dead. */
void emu_file_fork_child(void);

/*
 * stdio and the C library's own code write past our write(): what they have put into a live file
 * takes effect when its last descriptor goes, or the process ends. Without emu_lock.
 */
void emu_live_flush(int fd);
void emu_live_flush_all(void);
/* At the start: standard descriptors that are live files of the shell that started us. */
void emu_live_inherit(void);

/* Opens an emulated uverbs file: a descriptor or -1 with errno. */
int emu_uverbs_open(unsigned port, int flags);
/* With emu_lock, when the last descriptor is gone. */
void emu_uverbs_release(struct emu_ctx *ctx);
void emu_channel_release(struct emu_object *channel);
void emu_devx_fd_release(struct emu_object *obj);
void emu_netlink_release(struct emu_netlink *nl);
/* RDMA_VERBS_IOCTL on an emulated file: 0 or -errno. */
int emu_uverbs_ioctl(int fd, void *arg);
/* A command written to one: n or -errno. */
ssize_t emu_uverbs_write(int fd, const void *buf, size_t n);
/* May the program map this of one? 0 or -errno. */
struct emu_mapping {
	size_t len;
	int prot, flags;
	uint64_t offset;
};
int emu_uverbs_mmap(int fd, const struct emu_mapping *m);
/* A request written to a netlink socket: n, or -1 with errno. */
ssize_t emu_netlink_write(int fd, const void *bytes, size_t n);
void emu_uverbs_fork_child(void);
/* The first use of the wire in this process; 0 or -errno. */
int emu_wire_need(void);

#endif

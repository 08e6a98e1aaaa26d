/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which instructions the library executes: the child is stepped through its calls, one instruction
 * at a time, by ptrace(2). Slow, exact, and sees what valgrind does not tell apart: fences, locked
 * instructions, divisions, stores to the doorbell register.
 */
#include "dp.h"

#include <stdio.h>
#include <sys/wait.h>

bool dp_stepping;

const char *const dp_step_names[DP_N_STEPS] = {
	"library", "elsewhere", "sfence", "lfence", "mfence", "lock", "div", "syscall", "mmio"};

#ifdef __x86_64__

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <unistd.h>

enum {
	INT3 = 0xcc,
	REGISTER = 1024,
	LINE = 64
}; /* bytes from the register on; both halves are in them */

void dp_step_mark(void)
{
	if (dp_stepping)
		__asm__ volatile("int3" ::: "memory");
}

/* ---- one instruction ------------------------------------------------------------------------- */

static bool is_prefix(uint8_t byte)
{
	static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
					   0x66, 0x67, 0xf0, 0xf2, 0xf3};

	return memchr(prefixes, byte, sizeof(prefixes)) || (byte & 0xf0) == 0x40; /* REX */
}

static void note_two_byte(struct dp_steps *steps, const uint8_t *op)
{
	steps->n[DP_SYSCALL] += op[0] == 0x05;
	if (op[0] != 0xae)
		return;
	steps->n[DP_SFENCE] += op[1] >= 0xf8;
	steps->n[DP_MFENCE] += op[1] >= 0xf0 && op[1] < 0xf8;
	steps->n[DP_LFENCE] += op[1] >= 0xe8 && op[1] < 0xf0;
}

/* The bytes of an instruction (Intel SDM, volume 2, appendix A). */
static void note_instruction(struct dp_steps *steps, const uint8_t *code)
{
	bool lock = false, memory;

	for (; is_prefix(*code); code++)
		lock = lock || *code == 0xf0;
	memory = code[1] >> 6 != 3;
	if (code[0] == 0x0f)
		note_two_byte(steps, code + 1);
	/* XCHG with memory is locked without a prefix. */
	steps->n[DP_LOCK] += lock || ((code[0] & 0xfe) == 0x86 && memory);
	/* DIV and IDIV: /6 and /7 of F6 and F7 */
	steps->n[DP_DIV] += (code[0] & 0xfe) == 0xf6 && (code[1] >> 3 & 7) >= 6;
}

/* ---- the parent ------------------------------------------------------------------------------ */

struct tracer {
	struct dp_rig *rig;
	int pid;
	const void *library, *program; /* where their files are mapped */
	uint8_t seen[REGISTER];
	size_t line;	 /* of the register's 64 bytes, which was stored to last, */
	uint64_t fences; /* after so many fences: more stores there are the same doorbell */
};

static const void *base_of(const void *addr)
{
	Dl_info info;

	return dladdr(addr, &info) ? info.dli_fbase : NULL;
}

static const uint8_t *doorbell(const struct tracer *t)
{
	uintptr_t offset = (uintptr_t)t->rig->tx.bf & (uintptr_t)(sysconf(_SC_PAGESIZE) - 1);

	return t->rig->doorbell + offset;
}

/* What the program itself executes between the library's functions is not counted. */
static void note(struct tracer *t, const void *rip)
{
	struct dp_steps *steps = &t->rig->shared->steps;
	const void *base = base_of(rip);

	if (base == t->program)
		return;
	if (base == t->library)
		steps->n[DP_LIBRARY]++;
	else
		steps->n[DP_ELSEWHERE]++;
	/* Both processes have it at the same address. */
	if (base)
		note_instruction(steps, rip);
}

static int wait_for(int pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		dp_fail("waiting for the measured process: %s", strerror(errno));
	return status;
}

/* Stores of one doorbell may be several: write-combining makes one of them until it is flushed. */
static void note_register(struct tracer *t)
{
	struct dp_steps *steps = &t->rig->shared->steps;
	const uint8_t *now = doorbell(t);
	size_t at = 0;

	while (t->seen[at] == now[at])
		at++;
	if (at / LINE != t->line || steps->n[DP_SFENCE] != t->fences)
		steps->n[DP_MMIO]++;
	t->line = at / LINE;
	t->fences = steps->n[DP_SFENCE];
	memcpy(t->seen, now, REGISTER);
}

/* From one mark to the next. */
static void step_through(struct tracer *t)
{
	struct user_regs_struct regs;
	bool stepped = true; /* not so where a signal came instead: SIGSTOP, for what it is worth */
	int status;

	memcpy(t->seen, doorbell(t), REGISTER);
	t->line = REGISTER;
	for (;;) {
		if (ptrace(PTRACE_GETREGS, t->pid, NULL, &regs))
			dp_fail("reading registers: %s", strerror(errno));
		if (*(const uint8_t *)(uintptr_t)regs.rip == INT3)
			return;
		if (stepped)
			note(t, (const void *)(uintptr_t)regs.rip);
		if (ptrace(PTRACE_SINGLESTEP, t->pid, NULL, NULL))
			dp_fail("stepping: %s", strerror(errno));
		status = wait_for(t->pid);
		if (!WIFSTOPPED(status))
			dp_fail("the measured process has ended while stepped: %#x", status);
		stepped = WSTOPSIG(status) == SIGTRAP;
		if (memcmp(t->seen, doorbell(t), REGISTER) != 0)
			note_register(t);
	}
}

int dp_step_trace(struct dp_rig *rig, int pid)
{
	struct tracer t = {.rig = rig,
			   .pid = pid,
			   .library = base_of(dlsym(RTLD_DEFAULT, "daqiri_rx_poll")),
			   .program = base_of(&dp_stepping)};
	bool inside = false;
	int status;

	for (;;) {
		status = wait_for(pid);
		if (!WIFSTOPPED(status))
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
		if (WSTOPSIG(status) == SIGTRAP && (inside = !inside))
			step_through(&t);
		/* The next is the mark that ends the burst: it stops once more. */
		if (ptrace(PTRACE_CONT, pid, NULL,
			   WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGSTOP
				   ? 0
				   : WSTOPSIG(status)))
			dp_fail("going on: %s", strerror(errno));
	}
}

void dp_step_me(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		dp_fail("this process may not be stepped: %s", strerror(errno));
	dp_stepping = true;
	raise(SIGSTOP);
}

#else

void dp_step_mark(void)
{
}

void dp_step_me(void)
{
	dp_fail("instructions are told apart on x86-64 only");
}

int dp_step_trace(struct dp_rig *rig, int pid)
{
	int status;

	(void)rig;
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records what libmlx5 writes into its rings, and what it makes of completions, on the emulated
 * device; knows nothing of libdaqiri. To make the headers anew, from the build directory:
 *   version=$(pkg-config --modversion libibverbs)
 *   for what in wqe cqe; do
 *       src/emu/daqiri-emu -- tests/golden_record $what $version > $what.h &&
 *       mv $what.h ../tests/golden/${what}_bytes.h
 *   done
 * "golden_record check" records again, compares with the committed bytes and prints TAP.
 */
#include "record.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cqe_bytes.h"
#include "wqe_bytes.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct record record;

void die(const char *what)
{
	fprintf(stderr, "golden_record: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- printing ------------------------------------------------------------------------------ */

static void print_bytes(const uint8_t *bytes, unsigned n)
{
	unsigned i;

	printf("\t  {");
	for (i = 0; i < n; i++)
		printf("%s0x%02x,", i % 16 ? " " : "\n\t    ", bytes[i]);
	printf("\n\t  } },\n");
}

static void print_sges(const struct golden_sge *sge)
{
	unsigned i;

	printf("{ ");
	for (i = 0; i < 2; i++)
		printf("{ 0x%llx, %u, 0x%x }%s", (unsigned long long)sge[i].addr, sge[i].len,
		       sge[i].lkey, i ? " }" : ", ");
}

static void print_head(const char *mode, const char *version)
{
	printf("/* SPDX-License-Identifier: Apache-2.0 */\n"
	       "/*\n * Made by tests/golden/record.c (its head tells how): golden_record %s, of\n"
	       " * libibverbs %s. Do not edit.\n */\n#include \"golden.h\"\n\n",
	       mode, version);
}

static void print_wqes(const char *version)
{
	unsigned i;

	print_head("wqe", version);
	printf("static const struct golden_wqe golden_wqes[] = {\n");
	for (i = 0; i < record.n_wqes; i++) {
		const struct golden_wqe *w = &record.wqes[i];

		printf("\t{ \"%s\",\n\t  0x%x, 0x%x, %u, %u, %u, ", w->what, w->index, w->qpn,
		       w->signalled, w->csum, w->n_sge);
		print_sges(w->sge);
		printf(", %u,\n", w->n_bytes);
		print_bytes(w->bytes, w->n_bytes);
	}
	printf("};\n\nstatic const struct golden_rwqe golden_rwqes[] = {\n");
	for (i = 0; i < record.n_rwqes; i++) {
		const struct golden_rwqe *w = &record.rwqes[i];

		printf("\t{ \"%s\",\n\t  %u, %u, ", w->what, w->max_sge, w->n_sge);
		print_sges(w->sge);
		printf(", %u,\n", w->n_bytes);
		print_bytes(w->bytes, w->n_bytes);
	}
	printf("};\n");
}

static void print_cqes(const char *version)
{
	unsigned i;

	print_head("cqe", version);
	printf("static const struct golden_cqe golden_cqes[] = {\n");
	for (i = 0; i < record.n_cqes; i++) {
		const struct golden_cqe *c = &record.cqes[i];

		printf("\t{ \"%s\",\n\t  %u, %u, %u, %u, %u, 0x%x, %u, 0x%x,\n", c->what,
		       c->entries, c->index, c->recv, c->wr_id, c->status, c->vendor_err,
		       c->byte_len, c->tag);
		print_bytes(c->bytes, 64);
	}
	printf("};\n");
}

/* ---- comparing: numbers that differ from run to run are blanked ------------------------------ */

static void blank_pointers(uint8_t *bytes, unsigned from, unsigned n_sge)
{
	for (; n_sge--; from += 16)
		memset(bytes + from + 4, 0, 12); /* lkey and address */
}

static int same_wqe(struct golden_wqe a, struct golden_wqe b)
{
	unsigned data = a.n_bytes - 16 * a.n_sge;

	memset(a.bytes + 4, 0, 3); /* number of the queue */
	memset(b.bytes + 4, 0, 3);
	blank_pointers(a.bytes, data, a.n_sge);
	blank_pointers(b.bytes, data, a.n_sge);
	return a.n_bytes == b.n_bytes && !memcmp(a.bytes, b.bytes, sizeof(a.bytes)) &&
	       a.n_sge == b.n_sge && a.index == b.index && a.signalled == b.signalled &&
	       a.csum == b.csum && a.sge[0].len == b.sge[0].len && a.sge[1].len == b.sge[1].len;
}

static int same_rwqe(struct golden_rwqe a, struct golden_rwqe b)
{
	blank_pointers(a.bytes, 0, a.n_sge);
	blank_pointers(b.bytes, 0, a.n_sge);
	return a.n_bytes == b.n_bytes && !memcmp(a.bytes, b.bytes, sizeof(a.bytes)) &&
	       a.n_sge == b.n_sge && a.max_sge == b.max_sge;
}

static void blank_cqe(struct golden_cqe *c)
{
	memset(c->bytes + 32, 0, 4); /* srqn_uidx: a handle of libmlx5 */
	if (c->status) {
		memset(c->bytes + 57, 0, 3); /* s_wqe_opcode_qpn: the queue */
	} else {
		memset(c->bytes + 48, 0, 8); /* timestamp */
		if (!c->recv)
			memset(c->bytes + 57, 0, 3);
	}
}

static int same_cqe(struct golden_cqe a, struct golden_cqe b)
{
	blank_cqe(&a);
	blank_cqe(&b);
	return !memcmp(a.bytes, b.bytes, sizeof(a.bytes)) && a.status == b.status &&
	       a.vendor_err == b.vendor_err && a.byte_len == b.byte_len && a.tag == b.tag &&
	       a.wr_id == b.wr_id && a.index == b.index;
}

static unsigned n_tests, n_failed;

static void ok(int good, const char *kind, const char *what)
{
	n_tests++;
	n_failed += !good;
	printf("%sok %u - %s is as recorded: %s\n", good ? "" : "not ", n_tests, kind, what);
}

#define CHECK_ALL(kind, golden, n, list, same)                                                     \
	do {                                                                                       \
		unsigned it;                                                                       \
		ok((n) == COUNT(golden), kind, "number of records");                               \
		for (it = 0; it < (n) && it < COUNT(golden); it++)                                 \
			ok(same((list)[it], (golden)[it]), kind, (list)[it].what);                 \
	} while (0)

static int check(void)
{
	CHECK_ALL("a send WQE", golden_wqes, record.n_wqes, record.wqes, same_wqe);
	CHECK_ALL("a receive WQE", golden_rwqes, record.n_rwqes, record.rwqes, same_rwqe);
	CHECK_ALL("a CQE", golden_cqes, record.n_cqes, record.cqes, same_cqe);
	printf("1..%u\n", n_tests);
	return n_failed != 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (!(argc == 2 && !strcmp(mode, "check")) &&
	    !(argc == 3 && (!strcmp(mode, "wqe") || !strcmp(mode, "cqe")))) {
		fprintf(stderr, "usage: golden_record check | golden_record wqe|cqe VERSION\n");
		return 2;
	}
	record_open();
	record_wqes();
	record_cqes();
	record_close();
	if (!strcmp(mode, "check"))
		return check();
	if (!strcmp(mode, "wqe"))
		print_wqes(argv[2]);
	else
		print_cqes(argv[2]);
	return 0;
}

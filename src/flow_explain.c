/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel that refuses a rule does not say: by which keys, which limit, and what would help.
 */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "flow_table.h"

/* Of many keys a message shows the first. */
enum { KEYS = 160 };

static int no_right(const char *where, int err)
{
	return dq_error(err,
			"%s: receive rules need CAP_NET_RAW: run as root, with setpriv "
			"--ambient-caps +net_raw, or with AmbientCapabilities=CAP_NET_RAW in "
			"its systemd unit",
			where);
}

static int exists(const char *where, int err)
{
	return dq_error(err,
			"%s: a rule with this match and another flow id, of another program, "
			"exists already: end that program, or change the match or the tag",
			where);
}

/* mlx5_ib, fs.c: tables of 64 Ki rules; mlx5_core, fs_core.c: six groups of a seventh each, then
 * groups of one. */
static int no_room(const char *where, const char *what, int priority, int err)
{
	return dq_error(err,
			"%s: %s refused: no room at priority %d (%s). The kernel has there six "
			"groups of 9362 rules, each of one combination of keys and masks, then "
			"9364 single rules, for all programs together: end others, use fewer "
			"combinations, or give another priority",
			where, what, priority, strerror(err));
}

/* What the device or the kernel does not know of what is asked for. */
static int unknown(const struct dq_placed *rule, const char *what, int err)
{
	const struct dq_conf_flow *conf = rule->flow;
	const char *why = strerror(err);
	char keys[KEYS];

	if (conf->decap || conf->encap)
		return dq_error(err,
				"%s: %s refused: %s. Where the device is in switchdev mode: "
				"devlink dev eswitch set DEVICE encap-mode none",
				conf->where, conf->encap ? "encap" : "decap", why);
	if (dq_match_words(&rule->match))
		return dq_error(
			err,
			"%s: %s refused: %s. Does the kernel know matches of the "
			"programmable parser (misc_parameters_4), and the device words that "
			"are matched in part? A ConnectX-7 may take flex_mask = 0xffffffff "
			"alone, and then neither ipv4_len nor ecpri_type",
			conf->where, what, why);
	dq_match_keys(keys, sizeof(keys), &conf->match);
	if (dq_match_criteria(&rule->match) > 1u << DQ_SECTION_OUTER)
		return dq_error(err,
				"%s: %s, which matches by %s, refused: %s. Does the device match "
				"tunnels and their inner headers? Leave vni, tni, gre_key and "
				"inner_ keys out",
				conf->where, what, keys, why);
	return dq_error(err,
			"%s: %s, which matches by %s, refused: %s. The kernel, or the device's "
			"firmware, does not know one of these keys, or not together: leave one "
			"out",
			conf->where, what, keys[0] ? keys : "nothing", why);
}

int dq_rule_explain(const struct dq_placed *rule, const char *what, int err)
{
	const char *where = rule->flow->where;

	switch (err) {
	case EPERM:
		return no_right(where, err);
	case EEXIST:
		return exists(where, err);
	case ENOSPC:
	case ENOMEM:
		return no_room(where, what, rule->priority, err);
	case EINVAL:
	case EOPNOTSUPP:
		return unknown(rule, what, err);
	default:
		return dq_error(err, "%s: %s refused: %s", where, what, strerror(err));
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "launch.h"
#include "script.h"

int launch_script(const char *path)
{
	static struct emu_script script;
	char err[512];

	if (!*path || !emu_script_read(path, &script, err, sizeof(err)))
		return 0;
	launch_complain("--faults %s", err);
	return LAUNCH_USAGE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <daqiri.h>

#define STRING(x)  #x
#define EXPAND(x)  STRING(x)

const char *daqiri_version(void)
{
	return EXPAND(DAQIRI_VERSION_MAJOR) "." EXPAND(DAQIRI_VERSION_MINOR) "." EXPAND(
		DAQIRI_VERSION_PATCH);
}

/* A plugin for an interface that evd does not have. */
#include "evd/plugin.h"

static const evd_plugin plugin = {EVD_PLUGIN_ABI + 1, 0, 0, 0};

const evd_plugin* evd_plugin_entry(void) { return &plugin; }

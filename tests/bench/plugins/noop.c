/* A handler that does nothing: what is measured is evd. */
#include "evd/plugin.h"

static int state;

static void* noop_open(const char* handler, char* error, size_t error_size) {
  (void)handler, (void)error, (void)error_size;
  return &state;
}

static void noop_run(void* self, const evd_event* events, size_t count, const evd_call* call) {
  (void)self, (void)events, (void)count, (void)call;
}

static void noop_close(void* self) { (void)self; }

static const evd_plugin plugin = {EVD_PLUGIN_ABI, noop_open, noop_run, noop_close};

const evd_plugin* evd_plugin_entry(void) { return &plugin; }

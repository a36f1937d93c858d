/* A plugin in C: each purchase is a ticket in a lottery, drawn by lot. args is ["buyer", amount].
 *
 *   cc -shared -fPIC -o lottery.so lottery.c
 *
 *   [handlers.lottery]
 *   plugin = "/usr/local/lib/evd/lottery.so" */
#include <stdlib.h>
#include <string.h>

#include "evd/plugin.h"

struct lottery {
  unsigned draws; /* how many tickets win: one in so many */
};

static void* lottery_open(const char* handler, char* error, size_t error_size) {
  struct lottery* lottery = malloc(sizeof *lottery);
  (void)handler;
  if (lottery == NULL) {
    strncpy(error, "out of memory", error_size);
    return NULL;
  }
  lottery->draws = 100;
  return lottery;
}

static void lottery_run(void* state, const evd_event* events, size_t count, const evd_call* call) {
  const struct lottery* lottery = state;
  for (size_t i = 0; i < count; i++) {
    if (events[i].args.size == 0 || events[i].args.data[0] != '[') {
      call->fail(call->context, i, EVD_FAILED, "args must be [buyer, amount]", -1);
      continue;
    }
    /* By the event's id, so that another attempt draws the same. */
    const int has_won = (uint64_t)events[i].id % lottery->draws == 0;
    (void)has_won; /* … and tells the buyer, under call->idempotency_key(call->context, i) */
  }
}

static void lottery_close(void* state) { free(state); }

static const evd_plugin plugin = {EVD_PLUGIN_ABI, lottery_open, lottery_run, lottery_close};

const evd_plugin* evd_plugin_entry(void) { return &plugin; }

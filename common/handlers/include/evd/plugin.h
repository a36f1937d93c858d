/* What a plugin implements: a handler as a shared object, loaded into evd and evrecover.
 * Experimental: the interface may change with a minor version, and then EVD_PLUGIN_ABI does.
 *
 * A plugin exports one function, evd_plugin_entry, which returns a table that lives as long as the
 * object is loaded (it is never unloaded). evd calls open() once for each handler that is
 * configured with it, then run() with batches of events, from up to `concurrency` threads at once
 * for one handler, then close() when no call is running.
 *
 * A plugin shares its process with evd. It must not change what belongs to the process (signal
 * handlers, locale, working directory, environment), must not let a C++ exception leave its
 * functions, and cannot be interrupted: a call that does not return keeps evd from stopping. Where
 * it crashes, evd crashes; what was running is then run again alone, each event in a process of its
 * own, so that the one to blame is found. An effect happens at least once. */
#ifndef EVD_PLUGIN_H
#define EVD_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EVD_PLUGIN_ABI 1

/* Bytes of UTF-8 without a terminating zero. data is NULL where there is no text at all. */
typedef struct evd_text {
  const char* data;
  size_t size;
} evd_text;

/* One event, as every handler gets it. All of it is borrowed until run() returns. */
typedef struct evd_event {
  int64_t id;
  int64_t created_at_us; /* microseconds since 1970-01-01 UTC */
  evd_text event_name;
  evd_text args;    /* a JSON value, PostgreSQL's own text of it */
  evd_text key;     /* data may be NULL */
  evd_text headers; /* a JSON object */
  int32_t attempt;  /* from 1 */
  int32_t round;    /* new idempotency keys that a person asked for; 0 at first */
} evd_event;

typedef enum evd_outcome {
  EVD_DONE = 0,
  EVD_RETRY = 1, /* failed; run again after the handler's backoff, while attempts are left */
  EVD_FAILED = 2 /* failed for good */
} evd_outcome;

/* What evd offers during one call of run(); only in the thread that was called, and only until it
 * returns. */
typedef struct evd_call {
  void* context; /* evd's */
  /* Says that an event of the batch, by its index, was not done. What is not named is done. The
   * text is copied. retry_after_ms: EVD_RETRY, not before; negative: as the backoff says. */
  void (*fail)(void* context, size_t index, evd_outcome outcome, const char* error,
               int64_t retry_after_ms);
  /* The event's idempotency key, the same in every attempt; valid until the next call of this
   * function. */
  const char* (*idempotency_key)(void* context, size_t index);
} evd_call;

typedef struct evd_plugin {
  uint32_t abi; /* EVD_PLUGIN_ABI */
  /* handler: its name. Returns what the other functions are given, or NULL after writing why not
   * into error, which has room for error_size bytes with the terminating zero. */
  void* (*open)(const char* handler, char* error, size_t error_size);
  void (*run)(void* state, const evd_event* events, size_t count, const evd_call* call);
  void (*close)(void* state);
} evd_plugin;

/* The one symbol that is looked up. */
const evd_plugin* evd_plugin_entry(void);

#ifdef __cplusplus
}
#endif

#endif

// The plugin's interface for C++: a class with one function, and a line that makes a plugin of it.
//
//   class Score : public evd::Plugin {
//     void run(const evd::Event& event) override { … }   // returns: done; throws: retry
//   };
//   EVD_PLUGIN(Score)
//
// run() is called from up to `concurrency` threads at once. Header only; see evd/plugin.h for what
// a plugin must not do.
#pragma once

#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "evd/plugin.h"

namespace evd {

// Borrowed: nothing of it outlives run().
class Event {
 public:
  Event(const evd_event& event, const evd_call& call, std::size_t index)
      : event_(event), call_(call), index_(index) {}

  std::int64_t id() const { return event_.id; }
  std::int64_t created_at_us() const { return event_.created_at_us; }
  std::string_view event_name() const { return view(event_.event_name); }
  std::string_view args() const { return view(event_.args); }
  std::optional<std::string_view> key() const {
    return event_.key.data == nullptr ? std::nullopt : std::optional(view(event_.key));
  }
  std::string_view headers() const { return view(event_.headers); }
  int attempt() const { return event_.attempt; }
  std::string_view idempotency_key() const { return call_.idempotency_key(call_.context, index_); }

 private:
  static std::string_view view(const evd_text& text) { return {text.data, text.size}; }

  const evd_event& event_;
  const evd_call& call_;
  std::size_t index_;
};

// Thrown by run(): not before so many milliseconds.
class RetryAfter : public std::runtime_error {
 public:
  RetryAfter(const char* what, std::int64_t milliseconds)
      : std::runtime_error(what), milliseconds_(milliseconds) {}
  std::int64_t milliseconds() const { return milliseconds_; }

 private:
  std::int64_t milliseconds_;
};

// Thrown by run(): no other attempt will do better.
class Permanent : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Plugin {
 public:
  virtual ~Plugin() = default;
  virtual void run(const Event& event) = 0;
};

// What EVD_PLUGIN fills the table with.
template <typename T>
struct PluginEntry {
  static void* open(const char*, char* error, std::size_t error_size) {
    try {
      return new T();
    } catch (const std::exception& thrown) {
      std::snprintf(error, error_size, "%s", thrown.what());
    } catch (...) {
      std::snprintf(error, error_size, "it threw something");
    }
    return nullptr;
  }

  static void run(void* state, const evd_event* events, std::size_t count, const evd_call* call) {
    for (std::size_t i = 0; i < count; ++i) {
      try {
        static_cast<T*>(state)->run(Event(events[i], *call, i));
      } catch (const RetryAfter& thrown) {
        call->fail(call->context, i, EVD_RETRY, thrown.what(), thrown.milliseconds());
      } catch (const Permanent& thrown) {
        call->fail(call->context, i, EVD_FAILED, thrown.what(), -1);
      } catch (const std::exception& thrown) {
        call->fail(call->context, i, EVD_RETRY, thrown.what(), -1);
      } catch (...) {
        call->fail(call->context, i, EVD_RETRY, "it threw something", -1);
      }
    }
  }

  static void close(void* state) { delete static_cast<T*>(state); }

  static constexpr evd_plugin table{EVD_PLUGIN_ABI, &open, &run, &close};
};

}  // namespace evd

#define EVD_PLUGIN(Class) \
  extern "C" const evd_plugin* evd_plugin_entry(void) { return &evd::PluginEntry<Class>::table; }

// A plugin's event run in a process of its own, because its pair is a suspect: it was running when
// a node died, and may take this process with it as well. The program that hosts the plugin starts
// itself with k_plugin_child_flag.
#pragma once

#include <string>

#include "common/handlers/handler.hpp"

namespace evd::handlers {

inline constexpr const char* k_plugin_child_flag = "--run-plugin";

struct PluginChild {
  std::string program = "/proc/self/exe";  // takes the flag
  std::string plugin;                      // path of the shared object
  std::string handler;
  std::string instance;
  Milliseconds timeout{60'000};
};

// Waits for it, in the calling thread. A child that crashes, or takes too long, is a failure like
// any other.
journal::Outcome run_in_child(const PluginChild& child, const Attempt& attempt);

// The child's side: for a main that was given the flag and nothing else. Reads stdin, writes
// stderr; returns the exit code.
int run_plugin_child();

}  // namespace evd::handlers

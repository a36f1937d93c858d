// Runs one program to its end, without a shell: in a process group and an environment of its own,
// its input in a file that has no name (no pipe that could fill up or break), its stdout dropped.
// Any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/clock.hpp"

namespace evd {

struct Subprocess {
  std::vector<std::string> command;        // the program's path first; sought in the caller's PATH
  std::string input;                       // on its stdin
  std::map<std::string, std::string> env;  // besides PATH and LANG; nothing is inherited
  Milliseconds timeout{30'000};            // then SIGTERM to the group, and SIGKILL 2 s later
};

struct SubprocessResult {
  int exit_code = -1;
  int signal = 0;  // that ended it; 0: none
  bool timed_out = false;
  std::string error_output;  // the end of its stderr, 4 KiB at most

  bool succeeded() const { return exit_code == 0 && !timed_out; }
};

// Throws evd::Error when it cannot be started.
SubprocessResult run_subprocess(const Subprocess& process);

}  // namespace evd

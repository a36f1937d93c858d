// Starts programs without a shell, and signals and reaps them. A child leads a process group of its
// own, so that what it starts is signalled with it. It is not told when evd itself is killed:
// posix_spawn, several times faster than fork in a large process, cannot ask for that; the attempt
// then counts as a suspect and may run again beside it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/unique_fd.hpp"

namespace evd::handlers {

// What the environment of every handler begins with, the same under systemd and cron.
inline constexpr std::string_view k_handler_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
inline constexpr std::string_view k_handler_lang = "C.UTF-8";

struct Program {
  std::vector<std::string> command;
  std::string cwd;           // empty: /
  std::string path;          // where a command without a slash is looked for
  bool keeps_stdin = false;  // otherwise it is closed where `input` was written whole
};

// A running child. The descriptors are its stdin's writing end and the reading ends of its stdout
// and stderr, none of which blocks, and a pidfd, readable when it has ended. Whoever holds a Child
// reaps it.
struct Child {
  pid_t pid = 0;
  UniqueFd pidfd;
  UniqueFd in;
  UniqueFd out;
  UniqueFd err;

  void signal_group(int number) const;  // only before it is reaped
  int reap() const;                     // waits for its end; a status as of waitpid()
};

// Throws evd::Error, "cannot start /x/y: No such file or directory". The child has exactly the
// environment given, default signal dispositions, no signal blocked, and no descriptors but its
// three. `input` is what fits of its stdin before it starts; it is cut by what was written.
Child spawn(const Program& program, const std::vector<std::string>& environment,
            std::string_view& input);

// Reads what a pipe of a child's holds now, in pieces, but no more than 1 MiB: others have their
// turn, and whoever a program left behind may write on for ever. False: its end was reached.
bool read_available(const UniqueFd& fd, const std::function<void(std::string_view)>& take);

// For the thread that writes to children: signals are the main thread's, and a closed stdin is an
// error of write(), not the end of evd.
void block_signals();

}  // namespace evd::handlers

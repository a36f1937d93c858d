// What the end of a program says about its attempt. Pure functions.
#pragma once

#include "common/base/clock.hpp"
#include "common/handlers/output_tail.hpp"
#include "common/journal/types.hpp"

namespace evd::handlers {

inline constexpr std::size_t k_stderr_kept = 2048;  // bytes: of the error
inline constexpr std::size_t k_stdout_kept = 4096;  // enough for a last line of JSON

enum class ExecEnd {
  k_by_itself,
  k_timed_out,
  k_interrupted,  // evd ended it
};

struct ExecEnding {
  ExecEnd end = ExecEnd::k_by_itself;
  int status = 0;  // as of waitpid()
  Milliseconds timeout{0};
};

// "exit status 3", "killed by signal 9 (Killed)"; of a status as of waitpid().
std::string describe_status(int status);

// 0 is done, 65 (EX_DATAERR) fails for good, all else is to be tried again.
journal::Outcome exec_outcome(const ExecEnding& ending, const OutputTail& out,
                              const OutputTail& err);

}  // namespace evd::handlers

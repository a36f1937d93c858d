#include "common/handlers/exec_outcome.hpp"

#include <sys/wait.h>
#include <sysexits.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "common/base/duration.hpp"
#include "common/handlers/retry_after.hpp"

namespace evd::handlers {

namespace {

std::optional<Milliseconds> said_to_wait(std::string_view last_line) {
  if (last_line.empty() || last_line.front() != '{') return std::nullopt;
  const auto json = nlohmann::json::parse(last_line, nullptr, false);
  return json.is_object() ? retry_after(json) : std::nullopt;
}

std::string describe(const ExecEnding& ending) {
  if (ending.end == ExecEnd::k_timed_out)
    return "timed out after " + format_duration(ending.timeout);
  if (ending.end == ExecEnd::k_interrupted) return "interrupted";
  return describe_status(ending.status);
}

}  // namespace

std::string describe_status(int status) {
  if (!WIFSIGNALED(status)) return "exit status " + std::to_string(WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  const char* name = ::sigdescr_np(number);
  return "killed by signal " + std::to_string(number) +
         (name == nullptr ? std::string() : " (" + std::string(name) + ")");
}

journal::Outcome exec_outcome(const ExecEnding& ending, const OutputTail& out,
                              const OutputTail& err) {
  journal::Outcome outcome;
  const bool exited = ending.end == ExecEnd::k_by_itself && WIFEXITED(ending.status);
  if (exited && WEXITSTATUS(ending.status) == 0) return outcome;
  outcome.kind = journal::OutcomeKind::k_retry;
  outcome.error = describe(ending);
  const std::string text = err.text();
  if (!text.empty()) outcome.error += ": " + text;
  outcome.is_transport = ending.end == ExecEnd::k_timed_out;
  if (ending.end == ExecEnd::k_interrupted) {
    outcome.kind = journal::OutcomeKind::k_handed_back;
  } else if (exited && WEXITSTATUS(ending.status) == EX_DATAERR) {
    outcome.kind = journal::OutcomeKind::k_failed;
  } else if (exited) {
    outcome.retry_after = said_to_wait(out.last_line());
  }
  return outcome;
}

}  // namespace evd::handlers

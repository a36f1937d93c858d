#include "common/handlers/exec_outcome.hpp"

#include <sys/wait.h>
#include <sysexits.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "common/base/duration.hpp"

namespace evd::handlers {

namespace {

constexpr double k_longest_wait = 366.0 * 24 * 3600;  // seconds; whatever is longer is a mistake

std::optional<Milliseconds> retry_after(std::string_view last_line) {
  if (last_line.empty() || last_line.front() != '{') return std::nullopt;
  const auto json = nlohmann::json::parse(last_line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto found = json.find("retry_after");
  if (found == json.end() || !found->is_number()) return std::nullopt;
  const double seconds = std::clamp(found->get<double>(), 0.0, k_longest_wait);
  return std::chrono::round<Milliseconds>(std::chrono::duration<double>(seconds));
}

std::string describe(const ExecEnding& ending) {
  if (ending.end == ExecEnd::k_timed_out)
    return "timed out after " + format_duration(ending.timeout);
  if (ending.end == ExecEnd::k_interrupted) return "interrupted";
  if (WIFSIGNALED(ending.status)) {
    const int number = WTERMSIG(ending.status);
    const char* name = ::sigdescr_np(number);
    return "killed by signal " + std::to_string(number) +
           (name == nullptr ? std::string() : " (" + std::string(name) + ")");
  }
  return "exit status " + std::to_string(WEXITSTATUS(ending.status));
}

}  // namespace

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
    outcome.retry_after = retry_after(out.last_line());
  }
  return outcome;
}

}  // namespace evd::handlers

#include "common/alert/exec_channel.hpp"

#include <exception>

#include "common/base/subprocess.hpp"
#include "common/base/text.hpp"

namespace evd::alert {
namespace {

constexpr std::size_t k_max_shown_error = 500;

std::string reason(const std::string& program, const SubprocessResult& result) {
  std::string text = program;
  if (result.timed_out) {
    text += " took too long and was killed";
  } else if (result.signal != 0) {
    text += " was killed by signal " + std::to_string(result.signal);
  } else {
    text += " exited with " + std::to_string(result.exit_code);
  }
  const std::string end = trim(truncate_utf8(result.error_output, k_max_shown_error));
  return end.empty() ? text : text + ": " + end;
}

}  // namespace

std::optional<std::string> ExecChannel::send(const Alert& alert) {
  try {
    Subprocess process;
    process.command = config_.command;
    process.input = to_json(alert).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    process.input += '\n';
    process.env = {{"EVD_ALERT_ID", alert.id}, {"EVD_ALERT_KIND", alert.kind}};
    process.timeout = timeout_;
    const SubprocessResult result = run_subprocess(process);
    if (result.succeeded()) return std::nullopt;
    return reason(config_.command.front(), result);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace evd::alert

#include "common/handlers/worker_reply.hpp"

#include <nlohmann/json.hpp>

#include "common/base/text.hpp"
#include "common/handlers/retry_after.hpp"

namespace evd::handlers {

namespace {

using nlohmann::json;

constexpr std::size_t k_shown = 200;    // bytes of a line that is refused
constexpr std::size_t k_error = 2'048;  // bytes of an error that is kept

std::string refused(const std::string& why, std::string_view line) {
  return "the worker's reply " + why + ": " + truncate_utf8(line, k_shown);
}

// Empty: it is neither ok nor an error.
std::optional<journal::Outcome> outcome_of(const json& reply) {
  journal::Outcome outcome;
  if (const auto error = reply.find("error"); error != reply.end() && !error->is_null()) {
    const bool is_permanent = reply.value("permanent", json(false)) == true;
    outcome.kind = is_permanent ? journal::OutcomeKind::k_failed : journal::OutcomeKind::k_retry;
    outcome.error = truncate_utf8(error->is_string()
                                      ? error->get_ref<const std::string&>()
                                      : error->dump(-1, ' ', false, json::error_handler_t::replace),
                                  k_error);
    if (outcome.error.empty()) outcome.error = "the worker gave an empty error";
    outcome.retry_after = retry_after(reply);
    return outcome;
  }
  if (reply.value("ok", json(false)) != true) return std::nullopt;
  return outcome;
}

}  // namespace

bool is_reply(std::string_view line) { return !line.empty() && line.front() == '{'; }

std::variant<WorkerReply, std::string> parse_reply(std::string_view line) {
  const json reply = json::parse(line, nullptr, false);
  if (!reply.is_object()) return refused("is not JSON", line);
  const auto id = reply.find("id");
  const auto handler = reply.find("handler");
  if (id == reply.end() || !id->is_number_integer()) return refused("has no \"id\"", line);
  if (handler == reply.end() || !handler->is_string()) return refused("has no \"handler\"", line);
  const auto outcome = outcome_of(reply);
  if (!outcome) return refused("has neither \"ok\": true nor an \"error\"", line);
  return WorkerReply{id->get<std::int64_t>(), handler->get<std::string>(), *outcome};
}

}  // namespace evd::handlers

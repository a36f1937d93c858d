#include "common/handlers/http_outcome.hpp"

#include <algorithm>

#include "common/base/curl.hpp"

namespace evd::handlers {

namespace {

constexpr long k_gone = 410;
constexpr long k_too_many_requests = 429;
constexpr long k_unavailable = 503;

bool is_permanent(const HttpTarget& target, long status) {
  const auto& listed = target.permanent_status;
  return status == k_gone || std::find(listed.begin(), listed.end(), status) != listed.end();
}

}  // namespace

journal::Outcome http_outcome(const HttpTarget& target, const HttpEnding& ending) {
  journal::Outcome outcome;
  if (ending.status >= 200 && ending.status < 300) return outcome;
  outcome.kind = journal::OutcomeKind::k_retry;
  if (ending.status == 0) {
    outcome.error = ending.problem;
    outcome.is_transport = true;
    return outcome;
  }
  outcome.error = refusal(ending.status, ending.answer, target.url);
  if (is_permanent(target, ending.status)) {
    outcome.kind = journal::OutcomeKind::k_failed;
  } else if (ending.status == k_too_many_requests || ending.status == k_unavailable) {
    outcome.retry_after = ending.retry_after;
    outcome.is_transport = ending.status == k_unavailable;
  }
  return outcome;
}

}  // namespace evd::handlers

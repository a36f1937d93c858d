// What came of a person's act on pairs, and waiting for what re-emitted pairs come to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/evctl/output.hpp"
#include "common/base/clock.hpp"
#include "common/pg/connection.hpp"

namespace evd::evctl {

struct PairResult {
  std::int64_t event_id = 0;
  std::string handler;
  std::string result;  // "re-emitted", "resolved", "already done", "still running: …"
};

// From columns event_id, handler, result.
std::vector<PairResult> read_pairs(const pg::Result& result);

std::string pairs_json(const std::vector<PairResult>& pairs);
std::string pairs_table(const std::vector<PairResult>& pairs, const Style& style);

// The same; but of many, those with the usual result are left out, and of the others only the
// first are shown.
std::string short_pairs_table(const std::vector<PairResult>& pairs, std::string_view usual,
                              const Style& style);

// Waits until none of the pairs is under way any more. Their results become "done", "resolved",
// "failed: …", "escalated: …", or "still waiting" when the time is up.
void wait_for_pairs(pg::Connection& connection, std::vector<PairResult>& pairs,
                    Milliseconds timeout);

}  // namespace evd::evctl

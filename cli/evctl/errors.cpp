#include "cli/evctl/errors.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/base/text.hpp"
#include "common/pg/error.hpp"

namespace evd::evctl {
namespace {

struct Meaning {
  std::string_view sqlstate;
  ExitCode code;
  std::string_view says;  // before the server's own words
};

// What people type reaches the server as it is, since only the server knows all that it takes.
constexpr std::array<Meaning, 8> k_meanings{{
    {"22P02", ExitCode::k_usage, "not valid JSON: "},
    {"22P05", ExitCode::k_usage, "not valid JSON: "},
    {"22003", ExitCode::k_usage, "out of range: "},
    {"22007", ExitCode::k_usage, "not a time: "},
    {"22008", ExitCode::k_usage, "not a time: "},
    {"22021", ExitCode::k_usage, "not valid text: "},
    {"42501", ExitCode::k_failed, "the database role may not do this: "},
    {"55P03", ExitCode::k_failed, "a lock could not be had; try again: "},
}};

Verdict judge_database(const pg::Error& error) {
  if (error.connection_lost()) {
    return {ExitCode::k_database_away, std::string("database out of reach: ") + error.what()};
  }
  const auto* const meaning =
      std::find_if(k_meanings.begin(), k_meanings.end(),
                   [&](const Meaning& each) { return each.sqlstate == error.sqlstate(); });
  if (meaning == k_meanings.end()) return {ExitCode::k_failed, error.what()};
  return {meaning->code, std::string(meaning->says) + error.what()};
}

Verdict judge_kind(const std::exception& error) {
  if (const auto* database = dynamic_cast<const pg::Error*>(&error)) {
    return judge_database(*database);
  }
  if (dynamic_cast<const ConfigError*>(&error) != nullptr) return {ExitCode::k_usage, error.what()};
  if (dynamic_cast<const SchemaError*>(&error) != nullptr)
    return {ExitCode::k_schema, error.what()};
  return {ExitCode::k_failed, error.what()};
}

}  // namespace

Verdict judge(const std::exception& error) {
  Verdict verdict = judge_kind(error);
  verdict.message = pg::one_line(redact_url_password(verdict.message));
  return verdict;
}

}  // namespace evd::evctl

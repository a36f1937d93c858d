// doctor: everything that can be wrong, and how to mend it.
#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>

#include "cli/evctl/doctor_checks.hpp"
#include "cli/evctl/errors.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"

namespace evd::evctl {
namespace {

// A check that throws has found something: that is the finding, and the other checks go on. False:
// it threw.
bool guarded(Findings& findings, const char* name, const char* mend,
             const std::function<Findings()>& check) {
  try {
    Findings found = check();
    std::move(found.begin(), found.end(), std::back_inserter(findings));
    return true;
  } catch (const Error& error) {
    findings.push_back({Level::k_fail, name, judge(error).message, mend});
    return false;
  }
}

Findings describe_file(const Config& config) {
  if (config.path.empty()) {
    return {{Level::k_warn, "config", "no file is read: only the database was looked at",
             "--config FILE"}};
  }
  return {{Level::k_ok, "config", config.path, ""}};
}

void examine_database(Findings& findings, Context& context, const Config& config) {
  std::optional<pg::Connection> connection;
  guarded(findings, "connection", "is it running, and does pg_hba.conf let you in?", [&] {
    connection = context.open();
    return Findings{{Level::k_ok, "connection", "the database answers", ""}};
  });
  if (!connection) return;
  for (const auto& check : database_checks()) {
    const bool is_fine =
        guarded(findings, check.name, "", [&] { return check.run(*connection, config); });
    const bool is_first = check.name == database_checks().front().name;
    if (!is_fine && (is_first || !connection->is_open())) return;
  }
}

Findings examine(Context& context) {
  Findings findings;
  const bool has_config = guarded(findings, "config", "correct the file; evd --check-config",
                                  [&] { return describe_file(context.config()); });
  if (!has_config) return findings;
  const Config config = context.config();
  guarded(findings, "programs", "", [&] { return check_programs(config); });
  examine_database(findings, context, config);
  return findings;
}

std::string as_json(const Findings& findings, bool is_healthy) {
  Json checks = Json::array();
  for (const auto& finding : findings) {
    checks.push_back({{"check", finding.check},
                      {"result", to_string(finding.level)},
                      {"text", finding.text},
                      {"mend", finding.mend.empty() ? Json() : Json(finding.mend)}});
  }
  return Json{{"ok", is_healthy}, {"checks", checks}}.dump(-1, ' ', false,
                                                           Json::error_handler_t::replace);
}

std::string as_text(const Findings& findings, const Style& style) {
  std::string text;
  for (const auto& finding : findings) {
    const std::string word(to_string(finding.level));
    const std::string padding(4 - word.size(), ' ');
    text += painted(word, tone_of(word), style) + padding + "  " + finding.check + ": " +
            printable(finding.text) + "\n";
    if (!finding.mend.empty()) text += "      -> " + finding.mend + "\n";
  }
  return text;
}

ExitCode doctor(Context& context) {
  const Findings findings = examine(context);
  const bool is_healthy = std::none_of(findings.begin(), findings.end(),
                                       [](const auto& f) { return f.level == Level::k_fail; });
  Output& out = context.out();
  if (context.json()) {
    out.line(as_json(findings, is_healthy));
  } else {
    out.add(as_text(findings, out.style()));
  }
  return is_healthy ? ExitCode::k_ok : ExitCode::k_failed;
}

}  // namespace

Action declare_doctor(CLI::App& /*command*/) { return doctor; }

}  // namespace evd::evctl

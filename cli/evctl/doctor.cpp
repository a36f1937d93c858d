// doctor: everything that can be wrong, and how to mend it.
#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>

#include "cli/evctl/doctor_checks.hpp"
#include "cli/evctl/doctor_machine.hpp"
#include "cli/evctl/errors.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/base/text.hpp"

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
  } catch (const std::exception& error) {
    findings.push_back({Level::k_fail, name, judge(error).message, mend});
    return false;
  }
}

Findings describe_file(const Config& config) {
  if (config.path.empty()) {
    return {{Level::k_ok, "config", "no file is read: only the database is looked at", ""}};
  }
  return {{Level::k_ok, "config", config.path, ""}};
}

struct DoctorFlags {
  bool send_test = false;
  bool check = false;
};

struct Examination {
  Findings findings;
  std::string figures;  // for whoever draws them: "escalated=0 unread=12 lag=0.4s"

  Level worst() const {
    Level level = Level::k_ok;
    for (const Finding& finding : findings) level = std::max(level, finding.level);
    return level;
  }
};

void examine_database(Examination& examination, Context& context, const Config& config) {
  Findings& findings = examination.findings;
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
  guarded(findings, "figures", "", [&] {
    examination.figures = describe_figures(*connection);
    return Findings{};
  });
}

Examination examine(Context& context, const DoctorFlags& flags) {
  Examination examination;
  Findings& findings = examination.findings;
  const bool has_config = guarded(findings, "config", "correct the file; evd --check-config",
                                  [&] { return describe_file(context.config()); });
  if (!has_config) return examination;
  const Config config = context.config();
  if (!config.path.empty()) {
    guarded(findings, "programs", "", [&] { return check_programs(config); });
    guarded(findings, "state_dir", "", [&] { return check_state_dir(config); });
    guarded(findings, "schedule", "", [] { return check_schedules(recovery_schedules("/")); });
    guarded(findings, "channels", "", [&] { return check_channels(config, flags.send_test); });
  }
  examine_database(examination, context, config);
  return examination;
}

// As monitoring plugins do: https://www.monitoring-plugins.org/doc/guidelines.html
enum class PluginState { k_ok = 0, k_warning = 1, k_critical = 2, k_unknown = 3 };

PluginState plugin_state(const Examination& examination) {
  const Finding& first = examination.findings.front();
  if (first.check == "config" && first.level == Level::k_fail) return PluginState::k_unknown;
  const Level worst = examination.worst();
  return worst == Level::k_fail   ? PluginState::k_critical
         : worst == Level::k_warn ? PluginState::k_warning
                                  : PluginState::k_ok;
}

std::string as_plugin_line(const Examination& examination, PluginState state) {
  constexpr std::array<const char*, 4> k_words{"OK", "WARNING", "CRITICAL", "UNKNOWN"};
  constexpr std::size_t k_length = 400;
  std::vector<std::string> wrong;
  for (const Level level : {Level::k_fail, Level::k_warn}) {
    for (const Finding& finding : examination.findings) {
      if (finding.level == level) wrong.push_back(finding.check + ": " + finding.text);
    }
  }
  std::string text = wrong.empty() ? std::to_string(examination.findings.size()) + " checks"
                                   : truncate_utf8(printable(join(wrong, "; ")), k_length);
  std::replace(text.begin(), text.end(), '|', '/');
  return std::string("EVD ") + k_words.at(static_cast<std::size_t>(state)) + " - " + text +
         (examination.figures.empty() ? "" : " | " + examination.figures);
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

ExitCode doctor(Context& context, const DoctorFlags& flags) {
  const Examination examination = examine(context, flags);
  Output& out = context.out();
  if (flags.check) {
    const PluginState state = plugin_state(examination);
    out.line(as_plugin_line(examination, state));
    return static_cast<ExitCode>(state);  // by that convention, and not by evctl's own
  }
  const bool is_healthy = examination.worst() != Level::k_fail;
  if (context.json()) {
    out.line(as_json(examination.findings, is_healthy));
  } else {
    out.add(as_text(examination.findings, out.style()));
  }
  return is_healthy ? ExitCode::k_ok : ExitCode::k_failed;
}

}  // namespace

Action declare_doctor(CLI::App& command) {
  auto flags = std::make_shared<DoctorFlags>();
  command.add_flag("--send-test", flags->send_test, "Send a message on each alert channel");
  command.add_flag("--check", flags->check,
                   "One line and an exit code as monitoring plugins have them: 0 ok, 1 warning, "
                   "2 critical, 3 unknown");
  return [flags](Context& context) { return doctor(context, *flags); };
}

}  // namespace evd::evctl

#include "cli/evctl/doctor_machine.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <system_error>

#include "common/alert/channel.hpp"
#include "common/base/duration.hpp"
#include "common/base/host_name.hpp"
#include "common/base/text.hpp"
#include "common/handlers/child.hpp"

namespace evd::evctl {
namespace {

namespace fs = std::filesystem;

// What evd cannot have written to the database by then, it cannot write.
constexpr std::chrono::minutes k_spool_patience{1};

bool is_executable(const std::string& program) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0;
  std::string_view path = handlers::k_handler_path;
  while (!path.empty()) {
    const std::string_view directory = path.substr(0, path.find(':'));
    if (::access((std::string(directory) + "/" + program).c_str(), X_OK) == 0) return true;
    path.remove_prefix(std::min(path.size(), directory.size() + 1));
  }
  return false;
}

void check_program(Findings& findings, const std::string& what,
                   const std::vector<std::string>& command) {
  if (command.empty() || is_executable(command.front())) return;
  findings.push_back({Level::k_fail, "programs", what + ": cannot execute " + command.front(),
                      "install it, or chmod +x"});
}

std::uintmax_t size_of(const fs::path& file) {
  std::error_code missing;
  const auto size = fs::file_size(file, missing);
  return missing ? 0 : size;
}

Milliseconds age_of(const fs::path& file) {
  std::error_code missing;
  const auto written = fs::last_write_time(file, missing);
  if (missing) return Milliseconds{0};
  return std::chrono::duration_cast<std::chrono::seconds>(fs::file_time_type::clock::now() -
                                                          written);
}

void check_spool(Findings& findings, const fs::path& directory) {
  const fs::path spool = directory / "spool";
  if (const auto bytes = size_of(spool); bytes > 0 && age_of(spool) > k_spool_patience) {
    findings.push_back({Level::k_warn, "spool",
                        std::to_string(bytes) + " bytes of events wait on disk, the last for " +
                            format_duration(age_of(spool)),
                        "start evd, or let evrecover run here: either writes them"});
  }
  if (size_of(directory / "rejected.ndjson") > 0) {
    findings.push_back(
        {Level::k_warn, "spool",
         "events that the database refused are kept in " + (directory / "rejected.ndjson").string(),
         "emit them corrected, then remove the file"});
  }
}

// Whether a line of the file starts evrecover.
bool starts_evrecover(const fs::path& crontab) {
  std::ifstream file(crontab);
  for (std::string line; std::getline(file, line);) {
    if (!trim(line).starts_with('#') && line.find("evrecover") != std::string::npos) return true;
  }
  return false;
}

std::vector<fs::path> files_in(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    files.push_back(at->path());
  std::sort(files.begin(), files.end());
  return files;
}

bool reaches_nobody(const Config& config, const std::string& owner) {
  const auto names = config.channels_of(owner);
  return std::none_of(names.begin(), names.end(),
                      [&](const auto& name) { return config.channels.contains(name); });
}

alert::Alert trial_alert(const Config& config) {
  alert::Alert trial;
  trial.instance = config.database.instance;
  trial.kind = "test";
  trial.last_error = "evctl doctor --send-test on " + host_name() + ": nothing is wrong";
  return trial;
}

}  // namespace

Findings check_programs(const Config& config) {
  Findings findings;
  for (const auto& [name, handler] : config.handlers) {
    if (!config.hosts_handler(name)) continue;
    check_program(findings, "handler " + name, handler.command);
    const bool is_plugin = handler.kind == HandlerKind::k_plugin;
    if (is_plugin && ::access(handler.plugin.c_str(), R_OK) != 0) {
      findings.push_back({Level::k_fail, "programs",
                          "handler " + name + ": cannot read " + handler.plugin, "install it"});
    }
  }
  for (const auto& [name, channel] : config.channels) {
    check_program(findings, "alert channel " + name, channel.command);
  }
  if (findings.empty()) return one(Level::k_ok, "programs", "all can be executed");
  return findings;
}

Findings check_state_dir(const Config& config) {
  const fs::path directory = config.daemon.state_dir;
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return one(Level::k_warn, "state_dir",
               directory.string() +
                   (error && error != std::errc::no_such_file_or_directory
                        ? ": " + error.message()
                        : " is not there: no event can be kept while the database is away"),
               "make it, owned by the user that runs evd; systemd-tmpfiles --create does");
  }
  if (::access(directory.c_str(), R_OK | X_OK) != 0)
    return one(Level::k_ok, "state_dir", directory.string() + " is not for this user to look at");
  Findings findings;
  check_spool(findings, directory / "spool");
  if (const auto lost = files_in(directory / "lost"); !lost.empty()) {
    findings.push_back({Level::k_warn, "lost",
                        "untracked events that failed are kept in " +
                            (directory / "lost").string() + ": " + std::to_string(lost.size()) +
                            (lost.size() == 1 ? " file" : " files"),
                        "evctl emit --file FILE, then remove it"});
  }
  if (findings.empty()) return one(Level::k_ok, "state_dir", directory.string());
  return findings;
}

std::vector<std::string> recovery_schedules(const fs::path& root) {
  std::vector<fs::path> crontabs{root / "etc/crontab"};
  for (const char* directory : {"etc/cron.d", "var/spool/cron/crontabs"}) {
    for (const fs::path& file : files_in(root / directory)) {
      // cron reads no file with a dot in its name, such as one that an upgrade left.
      if (file.filename().string().find('.') == std::string::npos) crontabs.push_back(file);
    }
  }
  std::vector<std::string> found;
  for (const auto& crontab : crontabs) {
    if (starts_evrecover(crontab)) found.push_back("/" + fs::relative(crontab, root).string());
  }
  std::error_code missing;
  if (fs::exists(fs::symlink_status(root / "etc/systemd/system/timers.target.wants/evrecover.timer",
                                    missing)))
    found.emplace_back("evrecover.timer");
  return found;
}

Findings check_schedules(const std::vector<std::string>& schedules) {
  // Whether one runs at all, the database tells.
  if (schedules.empty()) return one(Level::k_ok, "schedule", "no evrecover is started here");
  const std::string text = "evrecover is started by " + join(schedules, ", ");
  if (schedules.size() == 1) return one(Level::k_ok, "schedule", text);
  return one(Level::k_warn, "schedule", text, "keep one of them");
}

Findings check_channels(const Config& config, bool sends) {
  Findings findings;
  if (!config.path.empty() && reaches_nobody(config, "default")) {
    findings.push_back({Level::k_warn, "channels",
                        "what has no owner with a channel is only logged: nobody is told",
                        "[owners.default] with alerts = [\"CHANNEL\"]"});
  }
  if (!sends) {
    if (findings.empty() && !config.path.empty()) {
      findings = one(Level::k_ok, "channels",
                     std::to_string(config.channels.size()) +
                         " configured (--send-test sends a message on each)");
    }
    return findings;
  }
  const auto logger = logging::make_logger({logging::Level::k_error, logging::Format::k_text});
  const alert::Channels channels = alert::make_channels(config, *logger);
  for (const auto& [name, channel] : channels) {
    if (name == alert::k_log_channel) continue;
    const auto failure = channel->send(trial_alert(config));
    findings.push_back(failure
                           ? Finding{Level::k_fail, "channel " + name, *failure,
                                     "correct [alerts." + name + "], or mend what it posts to"}
                           : Finding{Level::k_ok, "channel " + name, "took the test message", ""});
  }
  return findings;
}

}  // namespace evd::evctl

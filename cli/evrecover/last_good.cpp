#include "cli/evrecover/last_good.hpp"

#include <chrono>
#include <filesystem>
#include <iostream>
#include <regex>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/config/load.hpp"

namespace evd::evrecover {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::hours k_complain_every{1};
constexpr unsigned k_private = 0600;  // a configuration may hold secrets

fs::path last_good_path(const std::string& state_dir) {
  return fs::path(state_dir) / "last-good.toml";
}
fs::path absence_path(const Config& config) {
  return fs::path(config.daemon.state_dir) / "database-away";
}

// state_dir of a file that cannot be parsed as a whole.
std::string guess_state_dir(const std::string& text) {
  static const std::regex k_line(R"re((?:^|\n)\s*state_dir\s*=\s*["']([^"'\n]+)["'])re");
  std::smatch match;
  return std::regex_search(text, match, k_line) ? match[1].str() : DaemonConfig{}.state_dir;
}

void keep(const Config& config) {
  const fs::path path = last_good_path(config.daemon.state_dir);
  try {
    if (fs::exists(path) && read_file(path.string()) == config.text) return;
    write_file_atomically(path.string(), config.text, k_private);
  } catch (const std::exception&) {
    // Not kept: a bad file would then stop the passes, which cron reports.
  }
}

}  // namespace

LoadedConfig load_or_last_good(const Options& options) {
  const std::string path = find_config_path(options.config);
  LoadedConfig loaded;
  try {
    loaded.config = load_config(path);
    keep(loaded.config);
  } catch (const ConfigError& error) {
    std::string kept;
    try {
      kept = read_file(last_good_path(guess_state_dir(read_file(path))).string());
    } catch (const Error&) {
      throw error;
    }
    std::cerr << "evrecover: " << error.what() << "; going on with the last good configuration\n";
    loaded.config = parse_config(kept, path);
    loaded.is_bad = true;
    loaded.problem = error.what();
  }
  override_database(loaded.config, options.database);
  return loaded;
}

bool note_absence(const Config& config) {
  const fs::path path = absence_path(config);
  std::error_code error;
  const fs::file_time_type told_at = fs::last_write_time(path, error);
  if (!error && fs::file_time_type::clock::now() - told_at < k_complain_every) return false;
  try {
    write_file_atomically(path.string(), "the last complaint about it is as old as this file\n");
  } catch (const Error&) {
    // It is told again in a minute.
  }
  return true;
}

void forget_absence(const Config& config) {
  std::error_code ignored;
  fs::remove(absence_path(config), ignored);
}

}  // namespace evd::evrecover

#include "cli/evctl/context.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "common/config/load.hpp"
#include "common/schema/check.hpp"

namespace evd::evctl {
namespace {

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

}  // namespace

bool Context::has_database() const {
  static constexpr std::array k_variables = {"EVD_DATABASE_URL", "PGHOST", "PGHOSTADDR", "PGPORT",
                                             "PGDATABASE",       "PGUSER", "PGSERVICE"};
  return globals_.database || std::any_of(k_variables.begin(), k_variables.end(), is_set);
}

const Config& Context::file_config() {
  if (!config_ || config_->path.empty()) {
    config_ = load_config(find_config_path(globals_.config));
    override_database(*config_, globals_.database);
  }
  return *config_;
}

const Config& Context::config_if_any() {
  if (config_) return *config_;
  // A file that nobody named is needed only by verbs that are about the file.
  const bool is_named = globals_.config || is_set("EVD_CONFIG");
  if (is_named || ::access(find_config_path({}).c_str(), R_OK) == 0) return file_config();
  config_ = default_config();
  override_database(*config_, globals_.database);
  return *config_;
}

const Config& Context::config() {
  if (!knows_database()) {
    throw ConfigError("no database: give --config FILE or --database URL (" + find_config_path({}) +
                      " cannot be read)");
  }
  return *config_;
}

bool Context::knows_database() { return !config_if_any().path.empty() || has_database(); }

pg::Connection Context::open() {
  pg::ConnectOptions options;
  options.url = config().database.url;
  options.application_name = "evctl";
  // Compiling a plan takes longer than any of evctl's statements.
  options.settings = {{"datestyle", "ISO"}, {"intervalstyle", "postgres"}, {"jit", "off"}};
  return pg::Connection::open(options);
}

pg::Connection Context::connect() {
  pg::Connection connection = open();
  schema::check_schema(connection, config().database.instance);
  return connection;
}

std::string Context::actor() {
  if (is_set("SUDO_USER")) return std::getenv("SUDO_USER");
  std::vector<char> buffer(16'384);
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->pw_name : std::to_string(::geteuid());
}

}  // namespace evd::evctl

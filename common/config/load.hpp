// Reads the configuration file. Everything that can be wrong in it is one ConfigError, of the form
// `FILE:LINE: message; did you mean "x"?`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/config.hpp"

namespace evd {

// --config, else $EVD_CONFIG, else /etc/evd/evd.toml.
std::string find_config_path(const std::optional<std::string>& flag);

Config load_config(const std::string& path);

// The same from text, e.g. a kept copy. `path` names it in errors, and its directory is the one
// that relative *_file paths start from.
Config parse_config(std::string_view text, const std::string& path);

// No file: no handlers and no events, the database that libpq finds by itself.
Config default_config();

// --database, else $EVD_DATABASE_URL, else what the file says.
void override_database(Config& config, const std::optional<std::string>& flag);

// Every key that the loader knows, sorted: "database.url", "events.*.deadline",
// "handlers.*.backoff.base", "daemon.tokens.role".
std::vector<std::string> config_keys();

}  // namespace evd

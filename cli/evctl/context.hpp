// What every verb works with: the global options, the configuration (read when a verb first asks
// for it), and ways to the database. One thread.
#pragma once

#include <optional>
#include <string>

#include "cli/evctl/output.hpp"
#include "common/config/config.hpp"
#include "common/pg/connection.hpp"

namespace evd::evctl {

struct Globals {
  std::optional<std::string> config;
  std::optional<std::string> database;
  bool json = false;
};

class Context {
 public:
  Context(const Globals& globals, Output& output) : globals_(globals), output_(output) {}

  bool json() const { return globals_.json; }
  Output& out() { return output_; }

  // For verbs that are about the file. Throws ConfigError when there is none, or it is wrong.
  const Config& file_config();

  // For all others: without a file, but given a database, it is the default one.
  const Config& config();

  // The same, also where nothing says which database.
  const Config& config_if_any();

  bool knows_database();  // whether anything says which one

  pg::Connection open();     // throws pg::Error
  pg::Connection connect();  // throws SchemaError too, when the schema is not this program's

  // Who acts, besides the database role: $SUDO_USER, or the system's user.
  static std::string actor();

 private:
  bool has_database() const;

  const Globals& globals_;
  Output& output_;
  std::optional<Config> config_;
};

}  // namespace evd::evctl

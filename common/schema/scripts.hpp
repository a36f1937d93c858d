// The SQL that makes the schema, built into the library. Needs no file at run time.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace evd::schema {

struct Script {
  std::string_view name;  // "migrations/0001_log", "functions/emit"
  std::string_view text;
};

// Numbered and forward only; the last one's number is the schema's version.
std::span<const Script> migrations();
std::span<const Script> migrations_after(int version);
std::span<const Script> functions();
std::span<const Script> views();
const Script& grants();

struct ScriptOptions {
  bool with_roles = true;
  std::string instance = {};  // empty: none is stored
};

// What `evctl migrate --sql` prints: `psql -f` of it alone installs, in one transaction, a schema
// to emit into. It refuses a database that has one.
std::string full_script(const ScriptOptions& options);

}  // namespace evd::schema

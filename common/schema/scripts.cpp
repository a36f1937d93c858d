#include "common/schema/scripts.hpp"

#include <algorithm>
#include <charconv>

#include "common/schema/steps.hpp"
#include "common/schema/version.hpp"

namespace evd::schema {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char character : text) result += character == '\'' ? "''" : std::string(1, character);
  return result + "'";
}

void append(std::string& script, const Script& part) {
  script += "\n-- " + std::string(part.name) + "\n";
  script += part.text;
}

int number_of(const Script& migration) {
  int number = 0;
  const auto digits = migration.name.substr(migration.name.find('/') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

}  // namespace

std::span<const Script> migrations_after(int version) {
  const auto all = migrations();
  const auto first = std::find_if(all.begin(), all.end(), [version](const Script& migration) {
    return number_of(migration) > version;
  });
  return {first, all.end()};
}

std::string full_script(const ScriptOptions& options) {
  std::string script = "-- The schema of evd, version " + std::to_string(k_schema_version) +
                       ": psql -f installs it into a database that has none.\n"
                       "\\set ON_ERROR_STOP on\n"
                       "begin;\n"
                       "set local client_min_messages = warning;\n"
                       "set local check_function_bodies = off;\n"
                       "set local standard_conforming_strings = on;\n";
  if (options.with_roles) script += create_roles_sql();
  script += "create schema evd;\n";
  for (const auto& migration : migrations()) append(script, migration);
  for (const auto& function : functions()) append(script, function);
  for (const auto& view : views()) append(script, view);
  script += "\ninsert into evd.meta (schema_version, instance, cluster)\n  select " +
            std::to_string(k_schema_version) + ", " +
            (options.instance.empty() ? "null" : quoted(options.instance)) +
            ", system_identifier from pg_control_system();\n"
            "do $$ begin perform evd.make_partitions(7); end $$;\n";
  if (options.with_roles) {
    script += "alter schema evd owner to evd_owner;\n" + take_ownership_sql();
    append(script, grants());
  }
  return script + "commit;\n";
}

}  // namespace evd::schema

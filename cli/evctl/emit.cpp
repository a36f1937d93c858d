// emit: one event from the shell, or a file of them.
#include <memory>
#include <optional>
#include <string>

#include "cli/evctl/emit_file.hpp"
#include "cli/evctl/filter.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"

namespace evd::evctl {
namespace {

struct EmitFlags {
  std::string name;
  std::string args = "[]";
  std::optional<std::string> key;
  std::optional<std::string> dedup_key;
  std::string deliver_at;
  EmitFileFlags file;
};

ExitCode emit(Context& context, const EmitFlags& flags) {
  if (!flags.file.file.empty()) return emit_file(context, flags.file);
  if (flags.name.empty()) throw ConfigError("emit needs an event's NAME, or --file F");
  pg::Params params = pg::params(flags.name, flags.args, flags.key, flags.dedup_key);
  const std::string when = flags.deliver_at.empty() ? "null" : time_ahead(flags.deliver_at, params);
  pg::Connection connection = context.connect();
  const std::int64_t id =
      connection.query("select evd.emit($1, $2::jsonb, $3, $4, " + when + ")", params).int64(0, 0);
  context.out().line(context.json() ? Json{{"id", id}}.dump() : std::to_string(id));
  return ExitCode::k_ok;
}

}  // namespace

Action declare_emit(CLI::App& command) {
  auto flags = std::make_shared<EmitFlags>();
  auto* name = command.add_option("NAME", flags->name, "The event's name");
  command.add_option("ARGS", flags->args, "Any JSON value; [] without it");
  auto* file = command.add_option("--file", flags->file.file, "An event on each line; - is stdin")
                   ->type_name("F")
                   ->excludes(name);
  auto* again =
      command.add_flag("--again", flags->file.again, "Load the file once more")->needs(file);
  command.add_flag("--resume", flags->file.resume, "Skip what was loaded before")
      ->needs(file)
      ->excludes(again);
  command.add_option("--key", flags->key, "A label")->type_name("K");
  command.add_option("--dedup-key", flags->dedup_key, "The same key again gives the first id")
      ->type_name("K");
  command.add_option("--deliver-at", flags->deliver_at, "Not before: 10m from now, or a time")
      ->type_name("T");
  return [flags](Context& context) { return emit(context, *flags); };
}

}  // namespace evd::evctl

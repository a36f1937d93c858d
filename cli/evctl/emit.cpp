// emit: one event from the shell.
#include <memory>
#include <optional>
#include <string>

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
};

ExitCode emit(Context& context, const EmitFlags& flags) {
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
  command.add_option("NAME", flags->name, "The event's name")->required();
  command.add_option("ARGS", flags->args, "Any JSON value; [] without it");
  command.add_option("--key", flags->key, "A label")->type_name("K");
  command.add_option("--dedup-key", flags->dedup_key, "The same key again gives the first id")
      ->type_name("K");
  command.add_option("--deliver-at", flags->deliver_at, "Not before: 10m from now, or a time")
      ->type_name("T");
  return [flags](Context& context) { return emit(context, *flags); };
}

}  // namespace evd::evctl

// adopt: takes up a log that was restored into another PostgreSQL, or as another installation.
#include <memory>

#include "cli/evctl/confirm.hpp"
#include "cli/evctl/json.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/base/text.hpp"
#include "common/pg/transaction.hpp"
#include "common/schema/check.hpp"

namespace evd::evctl {
namespace {

struct AdoptFlags {
  std::optional<std::string> instance;
  bool dry_run = false;
  bool yes = false;
};

struct Adopted {
  bool was_behind = false, is_renamed = false;
  std::int64_t emitted_since = 0, unread = 0;
};

// A copy that acts for the original would run everything a second time.
bool is_confirmed(const AdoptFlags& flags, const std::string& instance) {
  if (flags.yes || flags.dry_run) return true;
  const std::string name = instance.empty() ? "this installation" : "\"" + instance + "\"";
  const std::string what = "handlers will run here for " + name;
  return confirm(what + ", and must not run for the database that this was copied from. Go on?",
                 what + ": add --yes");
}

void tell(Context& context, const AdoptFlags& flags, const Adopted& adopted) {
  if (context.json()) {
    context.out().line(Json{
        {"dry_run", flags.dry_run},
        {"adopted", adopted.was_behind},
        {"renamed", adopted.is_renamed},
        {"emitted_since", adopted.emitted_since},
        {"unread",
         adopted.unread}}.dump());
    return;
  }
  if (adopted.is_renamed) {
    context.out().line("the installation " +
                       std::string(flags.dry_run ? "would be called" : "is called") + " \"" +
                       *flags.instance + "\"" + (flags.dry_run ? "" : " now"));
  }
  if (!adopted.was_behind) {
    if (!adopted.is_renamed)
      context.out().line("the log goes on by itself: nothing was to be done");
    return;
  }
  context.out().line(std::string(flags.dry_run ? "would be taken up" : "taken up") + ": " +
                     std::to_string(adopted.unread) + " events are to be run, " +
                     std::to_string(adopted.emitted_since) +
                     " of them emitted since the restore; what was under way is run again");
}

std::int64_t count_unread(pg::Connection& connection) {
  return connection.query("select count(*) from evd.unread()").int64(0, 0);
}

ExitCode adopt(Context& context, const AdoptFlags& flags) {
  pg::Connection connection = context.open();
  const std::string configured = context.config().database.instance;
  if (flags.instance && trim(*flags.instance).empty())
    throw ConfigError("--instance: an installation has a name");
  const auto status = schema::check_schema(connection, flags.instance ? "" : configured);
  if (flags.instance && !configured.empty() && *flags.instance != configured)
    throw ConfigError("--instance: the configuration calls it \"" + configured + "\"");
  Adopted adopted;
  adopted.is_renamed = flags.instance && *flags.instance != status.instance;
  if (adopted.is_renamed || schema::is_behind(connection)) {
    if (!is_confirmed(flags, flags.instance.value_or(status.instance))) return ExitCode::k_failed;
    pg::Transaction transaction(connection);
    const auto row = connection.query("select was_behind, emitted_since from evd.adopt($1, $2)",
                                      pg::params(flags.instance, Context::actor()));
    adopted.was_behind = row.boolean(0, 0);
    adopted.emitted_since = row.int64(0, 1);
    // Emitters need not wait for the counting, but where all of it is undone afterwards.
    if (!flags.dry_run) transaction.commit();
    adopted.unread = count_unread(connection);
  }
  tell(context, flags, adopted);
  return ExitCode::k_ok;
}

}  // namespace

Action declare_adopt(CLI::App& command) {
  const auto flags = std::make_shared<AdoptFlags>();
  command
      .add_option("--instance", flags->instance,
                  "What the copy is called from here on, where it is an installation of its own")
      ->type_name("NAME");
  command.add_flag("--dry-run", flags->dry_run, "Only say what would be done");
  command.add_flag("--yes", flags->yes, "Do not ask");
  return [flags](Context& context) { return adopt(context, *flags); };
}

}  // namespace evd::evctl

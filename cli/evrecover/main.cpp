// evrecover: one recovery pass, from cron. Flags, run.
#include <CLI/CLI.hpp>
#include <iostream>

#include "cli/evrecover/recover.hpp"
#include "common/base/duration.hpp"
#include "common/base/version.hpp"
#include "common/handlers/plugin_child.hpp"

namespace {

int complain(const std::string& message, evd::ExitCode code) {
  std::cerr << "evrecover: " << message << "\n";
  return static_cast<int>(code);
}

}  // namespace

int main(int argc, char** argv) {
  // How a plugin's suspect gets a process of its own; not for people.
  if (argc == 2 && std::string_view(argv[1]) == evd::handlers::k_plugin_child_flag) {
    return evd::handlers::run_plugin_child();
  }
  CLI::App app{
      "Finds events that are not done, for whatever reason, and runs what is missing: one pass."};
  evd::evrecover::Options options;
  std::string max_runtime;
  app.add_option("--config", options.config,
                 "configuration file, else $EVD_CONFIG, else /etc/evd/evd.toml");
  app.add_option("--database", options.database,
                 "connection URL, over $EVD_DATABASE_URL and the file's");
  app.add_option("--max-runtime", max_runtime, "start no attempt after this long, e.g. 50s");
  app.add_option("--limit", options.limit, "take at most this many events and retries")
      ->check(CLI::PositiveNumber);
  app.add_flag("--json", options.json, "print what was done as one JSON object");
  app.add_flag("--dry-run", options.dry_run, "say what there is to do, and do nothing");
  app.add_flag("--until-idle", options.until_idle,
               "wait for what becomes due, until nothing is left or max-runtime");
  app.add_flag("--fail-on-escalated", options.fail_on_escalated,
               "exit 5 when something was escalated");
  app.set_version_flag("--version", std::string("evrecover ") + evd::k_version);
  try {
    app.parse(argc, argv);
    if (!max_runtime.empty()) {
      options.max_runtime = evd::parse_duration(max_runtime);
      if (!options.max_runtime)
        throw evd::ConfigError("--max-runtime: \"" + max_runtime + "\" is not a duration");
    }
    return static_cast<int>(evd::evrecover::run(options));
  } catch (const CLI::ParseError& error) {
    return error.get_exit_code() == 0 ? app.exit(error)
                                      : complain(error.what(), evd::ExitCode::k_usage);
  } catch (const evd::ConfigError& error) {
    return complain(error.what(), evd::ExitCode::k_usage);
  } catch (const evd::SchemaError& error) {
    return complain(error.what(), evd::ExitCode::k_schema);
  } catch (const std::exception& error) {
    return complain(error.what(), evd::ExitCode::k_failed);
  }
}

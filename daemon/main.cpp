// evd, the daemon: hosts the handlers and runs them. Flags, configuration, construct, run.
#include <CLI/CLI.hpp>
#include <iostream>

#include "common/base/version.hpp"
#include "common/config/load.hpp"
#include "common/handlers/plugin_child.hpp"
#include "common/schema/check.hpp"
#include "daemon/daemon.hpp"

namespace {

int usage(const std::string& message) {
  std::cerr << "evd: " << message << "\n";
  return static_cast<int>(evd::ExitCode::k_usage);
}

}  // namespace

int main(int argc, char** argv) {
  // How a plugin's suspect gets a process of its own; not for people.
  if (argc == 2 && std::string_view(argv[1]) == evd::handlers::k_plugin_child_flag) {
    return evd::handlers::run_plugin_child();
  }
  CLI::App app{"Hosts the handlers of events in PostgreSQL and runs them."};
  evd::daemon::Options options;
  bool check_only = false;
  app.add_option("--config", options.config,
                 "configuration file, else $EVD_CONFIG, else /etc/evd/evd.toml");
  app.add_option("--database", options.database,
                 "connection URL, over $EVD_DATABASE_URL and the file's");
  CLI::Option* embedded =
      app.add_option(
             "--embedded", options.embedded,
             "run a private PostgreSQL in DIR (default: postgres in state_dir), ready to emit into")
          ->expected(0, 1)
          ->type_name("[=DIR]");
  app.add_flag("--check-config", check_only, "check the configuration file and exit");
  app.set_version_flag("--version", std::string("evd ") + evd::k_version);
  try {
    app.parse(argc, argv);
    if (embedded->count() > 0 && !options.embedded) options.embedded = "";
    return static_cast<int>(check_only ? evd::daemon::check_config(options)
                                       : evd::daemon::run(options));
  } catch (const CLI::ParseError& error) {
    return error.get_exit_code() == 0 ? app.exit(error) : usage(error.what());
  } catch (const evd::ConfigError& error) {
    return usage(error.what());
  } catch (const evd::SchemaError& error) {
    std::cerr << "evd: " << error.what() << "\n";
    return static_cast<int>(evd::ExitCode::k_schema);
  } catch (const std::exception& error) {
    std::cerr << "evd: " << error.what() << "\n";
    return static_cast<int>(evd::ExitCode::k_failed);
  }
}

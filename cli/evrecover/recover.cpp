#include "cli/evrecover/recover.hpp"

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/evrecover/last_good.hpp"
#include "cli/evrecover/pass_run.hpp"
#include "common/alert/direct_alert.hpp"
#include "common/base/duration.hpp"
#include "common/base/text.hpp"
#include "common/config/load.hpp"
#include "common/journal/session.hpp"
#include "common/schema/check.hpp"

namespace evd::evrecover {
namespace {

void print(const Report& report, bool json) {
  if (json) {
    const nlohmann::ordered_json object = {{"taken", report.taken},
                                           {"taken_over", report.taken_over},
                                           {"timed_out", report.timed_out},
                                           {"retried", report.retried},
                                           {"succeeded", report.succeeded},
                                           {"failed", report.failed},
                                           {"escalated", report.escalated},
                                           {"alerts_sent", report.alerts_sent},
                                           {"duration_ms", report.duration.count()}};
    std::cout << object.dump() << "\n";
  } else if (!report.is_quiet()) {
    std::cout << "took " << report.taken << " events, freed " << report.taken_over
              << " from dead nodes, retried " << report.retried << ": " << report.succeeded
              << " succeeded, " << report.failed << " failed, " << report.escalated
              << " escalated; " << report.timed_out << " past their deadline, "
              << report.alerts_sent << " alerts sent, in " << format_duration(report.duration)
              << "\n";
  }
}

pg::Connection connect(const Config& config) {
  return pg::Connection::open(journal::session_options(config, "evrecover"));
}

// "config_bad" goes out directly: the database that the bad file names is not known for sure.
void tell_of_bad_file(const LoadedConfig& loaded, logging::Logger& logger) {
  alert::Channels channels = alert::make_channels(loaded.config, logger);
  alert::DirectAlert direct(loaded.config.daemon.state_dir, logger);
  if (loaded.is_bad) {
    direct.raise(loaded.config, channels, "config_bad", loaded.problem);
  } else {
    direct.clear(loaded.config, channels, "config_bad");
  }
}

void tell_directly(const Config& config, std::string_view trouble, const std::string& error,
                   logging::Logger& logger) {
  alert::Channels channels = alert::make_channels(config, logger);
  alert::DirectAlert(config.daemon.state_dir, logger).raise(config, channels, trouble, error);
}

ExitCode pass(const Config& config, const Options& options, logging::Logger& logger) {
  StopSignals signals;
  pg::Connection connection = connect(config);
  forget_absence(config);
  const schema::SchemaStatus status = schema::check_log(connection, config.database.instance);
  if (!options.dry_run) {
    alert::Channels channels = alert::make_channels(config, logger);
    alert::DirectAlert direct(config.daemon.state_dir, logger);
    direct.clear(config, channels, "database_away");
    direct.clear(config, channels, alert::k_unfit_schema);
    schema::stamp_cluster(connection, status);
  }
  if (options.dry_run) {
    PassRun::print_dry_run(config, connection, options.json);
    return ExitCode::k_ok;
  }
  PassRun run(config, options, connection, status.instance.empty() ? "evd" : status.instance,
              signals, logger);
  const Report report = run.run();
  print(report, options.json);
  return options.fail_on_escalated && report.escalated > 0 ? ExitCode::k_escalated : ExitCode::k_ok;
}

}  // namespace

ExitCode run(const Options& options) {
  const LoadedConfig loaded = load_or_last_good(options);
  const std::shared_ptr<logging::Logger> logger =
      logging::make_logger({logging::Level::k_error, {}});
  tell_of_bad_file(loaded, *logger);
  ExitCode code = ExitCode::k_ok;
  try {
    code = pass(loaded.config, options, *logger);
  } catch (const pg::Error& error) {
    if (!error.connection_lost()) throw;
    if (note_absence(loaded.config)) {
      std::cerr << "evrecover: database is out of reach: " << error.what() << "\n";
    }
    tell_directly(loaded.config, "database_away", error.what(), *logger);
    code = ExitCode::k_database_away;
  } catch (const SchemaError& error) {
    tell_directly(loaded.config, alert::k_unfit_schema,
                  std::string("evrecover does nothing: ") + error.what(), *logger);
    throw;
  }
  return loaded.is_bad && code == ExitCode::k_ok ? ExitCode::k_usage : code;
}

}  // namespace evd::evrecover

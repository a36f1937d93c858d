#include "daemon/daemon.hpp"

#include <filesystem>
#include <iostream>

#include "common/alert/direct_alert.hpp"
#include "common/config/load.hpp"
#include "common/handlers/factory.hpp"
#include "common/journal/session.hpp"
#include "common/pg/cluster.hpp"
#include "common/schema/migrate.hpp"
#include "daemon/access.hpp"
#include "daemon/engine.hpp"
#include "daemon/events_route.hpp"
#include "daemon/http_server.hpp"
#include "daemon/keeper.hpp"
#include "daemon/metrics.hpp"
#include "daemon/signals.hpp"

namespace evd::daemon {
namespace {

Config read_config(const Options& options) {
  Config config = load_config(find_config_path(options.config));
  override_database(config, options.database);
  handlers::check_handlers(config);
  if (!config.daemon.tls_cert.empty()) {
    // Serving plain HTTP where TLS was asked for would be worse than not starting.
    throw ConfigError(config.path + ": daemon.tls_cert is not supported by this build yet");
  }
  return config;
}

std::shared_ptr<logging::Logger> logger_for(const Config& config) {
  return logging::make_logger(
      {logging::parse_level(config.daemon.log_level).value_or(logging::Level::k_info),
       logging::parse_format(config.daemon.log_format).value_or(logging::Format::k_text)});
}

// A PostgreSQL of its own, migrated; the engine applies the configuration to it when it has no
// routes yet.
std::unique_ptr<pg::Cluster> start_embedded(const std::string& directory, Config& config,
                                            logging::Logger& logger) {
  pg::ClusterOptions options;
  options.directory = directory.empty()
                          ? std::filesystem::path(config.daemon.state_dir) / "postgres"
                          : std::filesystem::path(directory);
  options.die_with_parent = true;
  auto cluster = std::make_unique<pg::Cluster>(options);
  cluster->start();
  config.database.url = cluster->url();
  pg::ConnectOptions connect;
  connect.url = config.database.url;
  pg::Connection connection = pg::Connection::open(connect);
  schema::MigrateOptions migrate;
  if (!config.database.instance.empty()) migrate.instance = config.database.instance;
  schema::migrate(connection, migrate);
  logger.info("embedded PostgreSQL runs", {{"url", config.database.url}});
  return cluster;
}

pg::ConnectOptions ingest_options(const Config& config) {
  pg::ConnectOptions options = journal::session_options(config, "evd ingest");
  // Whoever emits waits for no longer, and a lock that is never given must not stop all others.
  options.settings.emplace_back("statement_timeout", "10s");
  options.connect_timeout = std::chrono::seconds{3};
  return options;
}

std::string instance_of(const Config& config) {
  return config.database.instance.empty() ? "evd" : config.database.instance;
}

// None: events that come in while the database is away are refused.
std::optional<ingest::Spool> open_spool(const Config& config, logging::Logger& logger) {
  const std::filesystem::path directory = std::filesystem::path(config.daemon.state_dir) / "spool";
  try {
    auto spool = ingest::Spool::open(directory, config.daemon.spool_max);
    if (!spool) {
      logger.error("another process holds the spool", {{"path", directory.string()}});
    } else {
      if (spool->torn_bytes() > 0)
        logger.warn("the spool ended in a frame that nobody was told of; it is cut off",
                    {{"bytes", spool->torn_bytes()}});
      if (!spool->is_empty()) logger.info("the spool holds events", {{"bytes", spool->bytes()}});
    }
    return spool;
  } catch (const Error& error) {
    logger.error("no spool: events are refused while the database is away",
                 {{"error", error.what()}});
    return std::nullopt;
  }
}

std::map<std::string, HttpServer::Get> get_routes(Health& health,
                                                  const ingest::Committer& committer,
                                                  const UntrackedSlot& untracked) {
  return {
      {"/healthz",
       [] {
         return HttpResponse{200, "text/plain; charset=utf-8", "ok\n"};
       }},
      {"/readyz",
       [&health] {
         const bool ready = health.is_ready();
         return HttpResponse{ready ? 200 : 503, "text/plain; charset=utf-8",
                             ready ? "ready\n" : "not ready\n"};
       }},
      {"/metrics", [&health, &committer, &untracked] {
         health.spooled_bytes = committer.counts().spooled_bytes;
         if (const auto runner = untracked.get()) health.untracked_failed = runner->failed();
         return HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(health)};
       }}};
}

// The new configuration, or the old one where the file is bad. What was decided at start stays:
// where the database is, and what is listened on.
Config reread(const Options& options, const Config& old, logging::Logger& logger) {
  try {
    Config config = read_config(options);
    if (options.embedded) config.database.url = old.database.url;
    config.daemon.listen = old.daemon.listen;
    logger.info("configuration is read again", {{"path", config.path}});
    alert::Channels channels = alert::make_channels(config, logger);
    alert::DirectAlert(config.daemon.state_dir, logger).clear(config, channels, "config_bad");
    return config;
  } catch (const ConfigError& error) {
    logger.error("configuration is bad: the old one stays", {{"error", error.what()}});
    alert::Channels channels = alert::make_channels(old, logger);
    alert::DirectAlert(old.daemon.state_dir, logger)
        .raise(old, channels, "config_bad", error.what());
    return old;
  }
}

// Nothing runs until a person does something about it.
void tell_of_schema(const Config& config, const SchemaError& error, logging::Logger& logger) {
  alert::Channels channels = alert::make_channels(config, logger);
  alert::DirectAlert(config.daemon.state_dir, logger)
      .raise(config, channels, alert::k_unfit_schema,
             std::string("evd does not run: ") + error.what());
}

}  // namespace

ExitCode check_config(const Options& options) {
  const Config config = read_config(options);
  std::cout << config.path << ": fine, " << config.events.size() << " events, "
            << config.handlers.size() << " handlers\n";
  return ExitCode::k_ok;
}

ExitCode run(const Options& options) {
  Config config = read_config(options);
  Control control;
  const Signals signals(control);  // before any other thread
  Service service;
  const std::shared_ptr<logging::Logger> logger = logger_for(config);
  std::unique_ptr<pg::Cluster> cluster;
  if (options.embedded) cluster = start_embedded(*options.embedded, config, *logger);
  Health health;
  Published<std::shared_ptr<const Access>> access;
  access.set(std::make_shared<Access>(config.daemon));
  UntrackedSlot untracked;
  ingest::Committer committer(ingest_options(config), open_spool(config, *logger), {}, *logger);
  const HttpServer server(
      config.daemon.listen,
      {.get = get_routes(health, committer, untracked),
       .post = {{"/v1/events", events_route(committer, untracked)}},
       .guard = [&access](const HttpRequest& request) { return access.get()->refuse(request); }},
      *logger);
  while (!control.stop) {
    control.reload = false;
    {
      Engine engine(config, control, health, service, *logger);
      untracked.set(std::make_shared<dispatch::Untracked>(
          config,
          [&](const Config& wanted, handlers::Sink& sink) {
            return handlers::make_handlers(wanted, instance_of(config), sink, *logger);
          },
          *logger));
      const Keeper keeper(config, health, untracked, *logger);
      try {
        engine.run();
      } catch (const SchemaError& error) {
        tell_of_schema(config, error, *logger);
        throw;
      }
      untracked.set(nullptr);
    }
    if (control.stop) break;
    config = reread(options, config, *logger);
    access.set(std::make_shared<Access>(config.daemon));
  }
  return ExitCode::k_ok;
}

}  // namespace evd::daemon

#include "common/handlers/factory.hpp"

#include <algorithm>
#include <memory>

#include "common/base/error.hpp"
#include "common/handlers/exec_handler.hpp"
#include "common/handlers/http_handler.hpp"
#include "common/handlers/plugin_handler.hpp"
#include "common/handlers/sql_handler.hpp"
#include "common/handlers/worker_handler.hpp"
#include "common/pg/pool.hpp"

namespace evd::handlers {

namespace {

// How long the end of evd may have to wait for a server that does not answer.
constexpr Milliseconds k_connect_timeout{5'000};

// Sessions of sql handlers that stop amid a transaction end after at most so long.
constexpr Milliseconds k_idle_limit{10'000};

std::shared_ptr<pg::Pool> make_pool(const DatabaseConfig& database) {
  return std::make_shared<pg::Pool>(pg::ConnectOptions{.url = database.url,
                                                       .application_name = "evd/handlers",
                                                       .connect_timeout = k_connect_timeout,
                                                       .settings = {},
                                                       .on_notice = {}},
                                    database.pool_size);
}

}  // namespace

std::map<std::string, std::unique_ptr<Handler>> make_handlers(const Config& config,
                                                              const std::string& instance,
                                                              Sink& sink, logging::Logger& logger) {
  std::map<std::string, std::unique_ptr<Handler>> handlers;
  const std::shared_ptr<pg::Pool> pool = make_pool(config.database);
  const std::string key_instance = instance.empty() ? "evd" : instance;  // as evd.idempotency_key
  for (const auto& [name, handler] : config.handlers) {
    if (!config.hosts_handler(name)) continue;
    switch (handler.kind) {
      case HandlerKind::k_sql:
        handlers[name] = std::make_unique<SqlHandler>(
            handler, pool, sink, logger, std::min(k_idle_limit, config.recovery.node_timeout / 2));
        break;
      case HandlerKind::k_exec:
        handlers[name] = std::make_unique<ExecHandler>(handler, key_instance, sink);
        break;
      case HandlerKind::k_worker:
        handlers[name] = std::make_unique<WorkerHandler>(handler, key_instance, sink, logger);
        break;
      case HandlerKind::k_plugin:
        handlers[name] = std::make_unique<PluginHandler>(handler, key_instance, sink);
        break;
      case HandlerKind::k_http:
        handlers[name] = std::make_unique<HttpHandler>(handler, key_instance, sink);
        break;
    }
  }
  return handlers;
}

// An sql handler's effect and what is recorded of it are one transaction; without a record there is
// none.
void check_untracked(const Config& config) {
  for (const auto& [name, event] : config.events) {
    if (event.reliability == Reliability::k_tracked) continue;
    for (const std::string& handler : event.handlers) {
      const auto found = config.handlers.find(handler);
      if (found != config.handlers.end() && found->second.kind == HandlerKind::k_sql)
        throw ConfigError(config.path + ": events." + name + ".reliability: the handler \"" +
                          handler + "\" is sql, and runs only events that are tracked");
    }
  }
}

void check_handlers(const Config& config) {
  check_untracked(config);
  for (const auto& [name, handler] : config.handlers) {
    if (!config.hosts_handler(name)) continue;
    if (handler.kind == HandlerKind::k_plugin) check_plugin(handler.plugin);
  }
}

}  // namespace evd::handlers

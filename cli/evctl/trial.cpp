#include "cli/evctl/trial.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "common/handlers/event_json.hpp"
#include "common/handlers/factory.hpp"
#include "common/logging/logger.hpp"
#include "common/pg/transaction.hpp"

namespace evd::evctl {
namespace {

constexpr const char* k_columns =
    "(extract(epoch from e.created_at) * 1000000)::bigint, e.args::text, e.key, e.headers::text,"
    " e.event_name, coalesce((select m.instance from evd.meta m), 'evd')";

TrialEvent read_event(const pg::Result& result, std::int64_t id) {
  TrialEvent trial;
  trial.event.id = id;
  trial.event.created_at_us = result.int64(0, 0);
  trial.event.args = result.string(0, 1);
  trial.event.key = result.optional_string(0, 2);
  trial.event.headers = result.optional_string(0, 3).value_or("");
  trial.event_name = result.string(0, 4);
  trial.instance = result.string(0, 5);
  return trial;
}

// Keeps the one result that comes, from whatever thread brings it.
class OneResult : public handlers::Sink {
 public:
  void finished(std::vector<handlers::Result> results) override {
    if (!results.empty()) promise_.set_value(std::move(results.front().outcome));
  }
  void share_ended(handlers::ShareEnd /*end*/) override {}

  journal::Outcome wait() { return promise_.get_future().get(); }

 private:
  std::promise<journal::Outcome> promise_;
};

handlers::Attempt make_attempt(const HandlerConfig& handler, const TrialEvent& trial) {
  handlers::Attempt attempt;
  attempt.event = std::make_shared<journal::Event>(trial.event);
  attempt.route = std::make_shared<journal::Route>(
      journal::Route{trial.event.route_id, trial.event_name, {handler.name}});
  attempt.max_attempts = handler.max_attempts;
  return attempt;
}

Milliseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - start);
}

// What the statement raises is this trial's result; a lost connection is not.
journal::Outcome run_statement(pg::Connection& connection, const std::string& block) {
  try {
    connection.run_script(block);
    return {};
  } catch (const pg::Error& error) {
    if (error.connection_lost()) throw;
    journal::Outcome outcome;
    outcome.kind = error.sqlstate() == "VE010" ? journal::OutcomeKind::k_failed
                                               : journal::OutcomeKind::k_retry;
    outcome.error = error.what();
    return outcome;
  }
}

}  // namespace

TrialEvent load_event(pg::Connection& connection, std::int64_t id) {
  const auto result = connection.query(
      std::string("select ") + k_columns + " from evd.events e where e.id = $1", pg::params(id));
  if (result.empty()) throw Error("no such event: " + std::to_string(id));
  return read_event(result, id);
}

TrialEvent make_event(pg::Connection& connection, const std::string& event_name,
                      const std::string& args) {
  const auto result = connection.query(
      std::string("select ") + k_columns +
          " from (select clock_timestamp() as created_at, $1::jsonb as args, null::text as key,"
          " null::jsonb as headers, $2::text as event_name) e",
      pg::params(args, event_name));
  return read_event(result, 0);
}

TrialResult try_sql(pg::Connection& connection, const HandlerConfig& handler,
                    const TrialEvent& event) {
  std::string text;
  handlers::append_event_json(text, make_attempt(handler, event), handler.name, event.instance);
  // As evd runs it: by plpgsql, with the event as jsonb. Any other way would take other statements.
  const std::string block =
      "do " +
      connection.escape_literal("begin execute " + connection.escape_literal(handler.sql) +
                                " using " + connection.escape_literal(text) + "::jsonb; end");
  pg::Transaction transaction(connection);
  connection.query("select set_config('statement_timeout', $1, true)",
                   pg::params(std::to_string(handler.timeout.count())));
  TrialResult result;
  const auto start = std::chrono::steady_clock::now();
  result.outcome = run_statement(connection, block);
  result.duration = since(start);
  result.is_rolled_back = true;
  transaction.rollback();
  return result;
}

TrialResult try_program(const Config& config, const HandlerConfig& handler,
                        const TrialEvent& event) {
  Config only = config;
  only.handlers = {{handler.name, handler}};
  only.daemon.hosts = {handler.name};

  handlers::Batch batch;
  batch.attempts.push_back(make_attempt(handler, event));

  // Declared before the handlers, which use both until they are gone.
  OneResult sink;
  const auto logger = logging::make_logger({logging::Level::k_warn, logging::Format::k_text});
  const auto made = handlers::make_handlers(only, event.instance, sink, *logger);
  TrialResult result;
  const auto start = std::chrono::steady_clock::now();
  made.at(handler.name)->start(std::move(batch));
  result.outcome = sink.wait();
  result.duration = since(start);
  return result;
}

}  // namespace evd::evctl

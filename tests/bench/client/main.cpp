// evd_bench_client: what benchmarks do to a database, without an interpreter in between. Prints one
// line of JSON: {"events": …, "seconds": …}.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "tests/bench/client/baselines.hpp"
#include "tests/bench/client/emitter.hpp"
#include "tests/bench/client/http_emitter.hpp"
#include "tests/bench/client/pgq.hpp"
#include "tests/bench/client/window_reader.hpp"

namespace {

template <typename Done>
void print(const Done& done) {
  std::printf("{\"events\": %lld, \"seconds\": %.6f}\n", static_cast<long long>(done.events),
              done.seconds);
}

void add_emit(CLI::App& app, evd::bench::EmitOptions& options, int& seconds) {
  CLI::App* emit = app.add_subcommand("emit", "emits benched events, the last of a batch a probe");
  emit->add_option("--batch", options.batch)->check(CLI::PositiveNumber);
  emit->add_option("--rate", options.rate, "events a second; 0: as fast as it can");
  emit->add_option("--events", options.events);
  emit->add_option("--seconds", seconds);
  emit->add_option("--max-backlog", options.max_backlog);
  emit->add_option("--commits", options.commits, "a file for the probes' times of commit");
  emit->callback([&options, &seconds] {
    options.time = std::chrono::seconds{seconds};
    print(evd::bench::emit(options));
  });
}

struct PgqOptions {
  std::string queue = "benched";
  std::string consumer;
  std::int64_t events = 0;
  int batch = 1000;
};

void add_pgq(CLI::App& app, PgqOptions& options, const std::string& url) {
  CLI::App* write = app.add_subcommand("pgq-write", "writes events into a PgQ queue");
  write->add_option("--events", options.events)->required();
  write->add_option("--batch", options.batch)->check(CLI::PositiveNumber);
  write->callback(
      [&] { print(evd::bench::pgq_write(url, options.queue, options.events, options.batch)); });
  CLI::App* tick = app.add_subcommand("pgq-tick", "is PgQ's ticker, ten times a second");
  tick->callback([&] { evd::bench::pgq_tick(url, options.queue); });
  CLI::App* consume = app.add_subcommand("pgq-consume", "is one PgQ consumer");
  consume->add_option("--consumer", options.consumer)->required();
  consume->add_option("--events", options.events)->required();
  consume->callback([&] {
    print(evd::bench::pgq_consume(url, options.queue, options.consumer, options.events));
  });
}

void add_emit_http(CLI::App& app, evd::bench::HttpEmitOptions& options, int& seconds) {
  CLI::App* emit = app.add_subcommand("emit-http", "emits benched events over a daemon's socket");
  emit->add_option("--socket", options.socket)->required();
  emit->add_option("--connections", options.connections)->check(CLI::PositiveNumber);
  emit->add_option("--seconds", seconds)->required();
  emit->callback([&options, &seconds] {
    options.time = std::chrono::seconds{seconds};
    print(evd::bench::emit_http(options));
  });
}

struct SpawnOptions {
  std::string program;
  std::int64_t count = 0;
  int at_once = 4;
};

void add_baselines(CLI::App& app, SpawnOptions& options) {
  app.add_subcommand("serve-http", "answers every request with 200")->callback([] {
    evd::bench::serve_http();
  });
  CLI::App* spawn = app.add_subcommand("spawn", "starts a program and waits for it, many times");
  spawn->add_option("--program", options.program)->required();
  spawn->add_option("--count", options.count)->required();
  spawn->add_option("--at-once", options.at_once);
  spawn->callback([&options] {
    print(evd::bench::spawn_programs(options.program, options.count, options.at_once));
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("What benchmarks do to a database.", "evd_bench_client");
  app.require_subcommand(1);
  evd::bench::EmitOptions emit_options;
  PgqOptions pgq_options;
  int seconds = 0;
  std::int64_t after = 0;
  app.add_option("--database", emit_options.url)->required();
  add_emit(app, emit_options, seconds);
  add_pgq(app, pgq_options, emit_options.url);
  evd::bench::HttpEmitOptions http_options;
  add_emit_http(app, http_options, seconds);
  SpawnOptions spawn_options;
  add_baselines(app, spawn_options);
  CLI::App* read = app.add_subcommand("read-windows", "reads what evd took, and nothing else");
  read->add_option("--after", after, "a window's id");
  read->callback([&] { print(evd::bench::read_windows(emit_options.url, after)); });
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "evd_bench_client: %s\n", error.what());
    return 1;
  }
}

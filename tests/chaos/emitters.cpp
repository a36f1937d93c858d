#include "tests/chaos/emitters.hpp"

#include "common/pg/error.hpp"

namespace evd::test {
namespace {

using Ids = std::vector<std::int64_t>;

// A session that notifies cannot prepare a transaction.
pg::Connection open(const std::string& url, bool prepares) {
  return pg::Connection::open({.url = url,
                               .application_name = "emitter",
                               .connect_timeout = std::chrono::seconds{5},
                               .settings = {{"evd.notify", prepares ? "off" : "on"}},
                               .on_notice = {}});
}

Ids emit(pg::Connection& connection, int count) {
  Ids ids;
  for (int i = 0; i < count; ++i)
    ids.push_back(connection.query("select evd.emit('purchased')").int64(0, 0));
  return ids;
}

void append(Ids& to, const Ids& from) { to.insert(to.end(), from.begin(), from.end()); }

}  // namespace

Emitters::Emitters(const std::string& url, int count, unsigned seed, bool prepares,
                   std::chrono::milliseconds pause)
    : prepares_(prepares), pause_(pause) {
  for (int number = 0; number < count; ++number) {
    threads_.emplace_back(
        [this, url, number, seed](const std::stop_token& stop) { run(url, number, seed, stop); });
  }
}

Emitted Emitters::stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  for (std::jthread& thread : threads_) thread.join();
  return emitted_;
}

void Emitters::run(const std::string& url, int number, unsigned seed, const std::stop_token& stop) {
  std::mt19937 random(seed + static_cast<unsigned>(number));
  while (!stop.stop_requested()) {
    try {
      const bool prepares = prepares_ && number % 2 == 0;
      pg::Connection connection = open(url, prepares);
      while (!stop.stop_requested()) {
        transact(connection, random, prepares ? std::to_string(number) : "");
        std::this_thread::sleep_for(pause_);  // the load, not a wait for something
      }
    } catch (const pg::Error&) {
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
  }
}

void Emitters::transact(pg::Connection& connection, std::mt19937& random,
                        const std::string& prepared) {
  const auto die = [&](int sides) {
    return static_cast<int>(random() % static_cast<unsigned>(sides));
  };
  Emitted emitted;
  connection.query("begin");
  Ids ids = emit(connection, 1 + die(4));
  if (die(4) == 0) {
    connection.query("savepoint s");
    emitted.undone = emit(connection, 1 + die(3));
    connection.query("rollback to savepoint s");
    append(ids, emit(connection, 1));
  }
  // Others commit meanwhile: the order of commits is not that of ids.
  if (die(3) == 0) connection.query("select pg_sleep($1::float8)", pg::params(die(50) / 1000.0));
  const int end = die(10);
  if (end == 0) {
    connection.query("rollback");
    append(emitted.undone, ids);
  } else {
    try {
      if (!prepared.empty() && end <= 2) {
        connection.query("prepare transaction 'emitter " + prepared + "'");
        connection.query("commit prepared 'emitter " + prepared + "'");
      } else {
        connection.query("commit");
      }
    } catch (const pg::Error&) {
      emitted.in_doubt = ids;
      keep(emitted);
      throw;
    }
    emitted.committed = ids;
  }
  keep(emitted);
}

void Emitters::keep(const Emitted& emitted) {
  const std::lock_guard lock(mutex_);
  append(emitted_.committed, emitted.committed);
  append(emitted_.undone, emitted.undone);
  append(emitted_.in_doubt, emitted.in_doubt);
  committed_ += emitted.committed.size();
}

}  // namespace evd::test

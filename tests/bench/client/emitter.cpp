#include "tests/bench/client/emitter.hpp"

#include <fstream>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/error.hpp"
#include "common/pg/connection.hpp"

namespace evd::bench {

namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr milliseconds k_backlog_pause{2};

// The text that a client sends, made once: what it costs to make is not the database's.
std::string payload_of(int events) {
  std::string text = "[";
  for (int i = 1; i <= events; ++i) {
    const std::string number = std::to_string(i);
    text += i > 1 ? "," : "";
    text += R"({"event_name": ")" + std::string(i < events ? "benched" : "probed") +
            R"(", "args": ["user )" + number + "\", " + number + "]}";
  }
  return text + "]";
}

class Emitter {
 public:
  explicit Emitter(const EmitOptions& options)
      : options_(options),
        connection_(pg::Connection::open({options.url, "evd_bench", milliseconds{10'000}, {}, {}})),
        payload_(payload_of(options.batch)) {}

  Emitted run() {
    taken_before_ = taken();
    const auto began = steady_clock::now();
    while (!is_over(began)) {
      pace(began);
      emit_batch();
    }
    const double seconds = duration<double>(steady_clock::now() - began).count();
    write_commits();
    return {emitted_, seconds};
  }

 private:
  bool is_over(steady_clock::time_point began) const {
    return (options_.events > 0 && emitted_ >= options_.events) ||
           (options_.time.count() > 0 && steady_clock::now() - began >= options_.time);
  }

  // By the schedule and not by the last batch: what was late is made up for, so the load is the one
  // that was asked for.
  void pace(steady_clock::time_point began) {
    if (options_.rate > 0) {
      const duration<double> due{static_cast<double>(emitted_) / options_.rate};
      std::this_thread::sleep_until(began + duration_cast<steady_clock::duration>(due));
    }
    if (options_.max_backlog <= 0) return;
    while (emitted_ - (taken() - taken_before_) > options_.max_backlog) {
      std::this_thread::sleep_for(k_backlog_pause);
    }
  }

  std::int64_t taken() {
    return connection_.query("select total_events from evd.event_window order by id desc limit 1")
        .int64(0, 0);
  }

  void emit_batch() {
    const std::int64_t probe = options_.batch == 1 ? emit_one() : emit_many();
    const auto committed = system_clock::now().time_since_epoch();
    emitted_ += options_.batch;
    if (options_.commits.empty()) return;
    commits_.emplace_back(probe, duration_cast<microseconds>(committed).count());
  }

  std::int64_t emit_one() {
    return connection_.query("select evd.emit('probed', $1)", pg::params(R"(["user A", 5000])"))
        .int64(0, 0);
  }

  // The ids come back to the client, as to any caller; the probe's is the last.
  std::int64_t emit_many() {
    const pg::Result ids =
        connection_.query("select evd.emit_many($1)", pg::params(payload_), pg::Format::k_binary);
    return ids.int64_array(0, 0).back();
  }

  void write_commits() const {
    if (options_.commits.empty()) return;
    std::ofstream file(options_.commits);
    for (const auto& [id, at] : commits_) file << id << ' ' << at << '\n';
    if (!file.flush()) throw Error("cannot write " + options_.commits);
  }

  EmitOptions options_;
  pg::Connection connection_;
  std::string payload_;
  std::int64_t taken_before_ = 0;
  std::int64_t emitted_ = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> commits_;
};

}  // namespace

Emitted emit(const EmitOptions& options) { return Emitter(options).run(); }

}  // namespace evd::bench

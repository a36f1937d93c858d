#include "tests/support/daemon_fixture.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "common/base/error.hpp"
#include "common/config/load.hpp"
#include "common/schema/apply.hpp"
#include "common/schema/migrate.hpp"
#include "tests/support/unix_socket.hpp"

namespace evd::test {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// An event's args may say {"sleep": seconds}, {"error": text}; shop.slow makes all sleep,
// shop.broken makes all fail.
constexpr const char* k_shop = R"sql(
create schema shop;
create table shop.coupon (event_id bigint not null, at timestamptz not null default clock_timestamp());
create table shop.broken (why text not null);
create table shop.slow (seconds float8 not null);
create function shop.give_coupon(event jsonb) returns void language plpgsql as $$
begin
  perform pg_sleep(seconds) from shop.slow;
  if event->'args' ? 'sleep' then
    perform pg_sleep((event->'args'->>'sleep')::float8);
  end if;
  if event->'args' ? 'error' or exists (select from shop.broken) then
    raise 'no coupon today';
  end if;
  insert into shop.coupon (event_id) values ((event->>'id')::bigint);
end $$;
)sql";

std::string quoted(const std::string& text) { return json(text).dump(); }

pg::Connection open(const std::string& url) {
  return pg::Connection::open({.url = url,
                               .application_name = "evd e2e test",
                               .connect_timeout = std::chrono::seconds{5},
                               .settings = {},
                               .on_notice = {}});
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::vector<std::string> lines;
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Tally& tally) {
  return out << tally.lost << " lost, " << tally.repeated << " repeated, " << tally.early
             << " early, " << tally.alien << " alien";
}

std::string evd_binary(const std::string& name) {
  const char* directory = std::getenv("EVD_BIN_DIR");
  if (directory == nullptr) throw Error("EVD_BIN_DIR is not set");
  return std::string(directory) + "/" + name;
}

Shop::Shop(const std::string& url) : url_(url), connection_(open(url)) {
  schema::migrate(*connection_, {.instance = "test"});
  connection_->run_script(k_shop);
  write_config(settings());
}

void Shop::move_to(const std::string& url) {
  url_ = url;
  connection_ = open(url);
  write_config(settings());
}

Settings Shop::settings(const std::string& node) const {
  Settings all;
  all["database"] = {{"url", quoted(url_)}};
  all["daemon"] = {{"listen", "[" + quoted("unix:" + file(node + ".sock").string()) + "]"},
                   {"state_dir", quoted(file(node + ".state").string())},
                   {"spill_after", quoted("200ms")},
                   {"stop_timeout", quoted("10s")}};
  all["recovery"] = {
      {"every", quoted("1s")}, {"node_timeout", quoted("1s")}, {"max_runtime", quoted("15s")}};
  all["defaults"] = {{"max_attempts", "20"},
                     {"timeout", quoted("20s")},
                     {"backoff", R"({ base = "100ms", factor = 1.5, max = "400ms" })"}};
  all["events.purchased"] = {{"handlers", R"(["giveCoupon", "lottery"])"}};
  all["handlers.giveCoupon"] = {{"sql", quoted("select shop.give_coupon($1)")}};
  all["handlers.lottery"] = {{"exec", exec_line("lottery")}};
  all["owners.default"] = {{"alerts", R"(["pager"])"}};
  const json page = {"/bin/sh", "-c", "cat >> " + file("alerts.out").string()};
  all["alerts.pager"] = {{"exec", page.dump()}, {"group_wait", quoted("0s")}};
  return all;
}

std::string Shop::config_path(const std::string& node) const {
  return file(node + ".toml").string();
}

std::string Shop::write_config(const Settings& settings, const std::string& node) const {
  std::string text;
  for (const auto& [section, entries] : settings) {
    text += "[" + section + "]\n";
    for (const auto& [key, value] : entries) text.append(key).append(" = ").append(value) += "\n";
  }
  fs::create_directories(file(node + ".state"));
  write_file(config_path(node), text);
  return config_path(node);
}

void Shop::apply() const {
  pg::Connection connection = open(url_);
  schema::apply(connection, load_config(config_path()), {.prune = false, .actor = "test"});
}

Program Shop::launch(const std::string& program, std::vector<std::string> flags,
                     const std::string& node) const {
  std::vector<std::string> command = {evd_binary(program), "--config", config_path(node)};
  command.insert(command.end(), flags.begin(), flags.end());
  return std::make_unique<ChildProcess>(std::move(command));
}

Program Shop::start_evd(const std::string& node) const {
  Program evd = launch("evd", {}, node);
  if (!evd->wait_for_output("ready")) throw Error("evd did not become ready: " + evd->err());
  return evd;
}

RunResult Shop::evrecover(std::vector<std::string> flags) const {
  std::vector<std::string> command = {evd_binary("evrecover"), "--config", config_path()};
  command.insert(command.end(), flags.begin(), flags.end());
  return run(std::move(command));
}

Ids Shop::emit(int count, const std::string& event) {
  Ids ids;
  for (int i = 0; i < count; ++i) ids.push_back(emit_one("[]", event));
  return ids;
}

std::int64_t Shop::emit_one(const std::string& args, const std::string& event) {
  return std::stoll(value("select evd.emit($1, $2)", pg::params(event, args)));
}

void Shop::hold(const std::string& handler) const { write_file(file(handler + ".hold"), ""); }
void Shop::release(const std::string& handler) const { fs::remove(file(handler + ".hold")); }
void Shop::fail(const std::string& handler) const { write_file(file(handler + ".fail"), ""); }
void Shop::mend(const std::string& handler) const { fs::remove(file(handler + ".fail")); }

std::vector<std::string> Shop::exec_script(const std::string& handler) const {
  const std::string base = file(handler).string();
  const std::string say = R"s( $EVD_EVENT_ID $EVD_ATTEMPT $(date +%s%N)" >> )s" + base + ".out\n";
  return {"/bin/sh", "-c",
          "echo \"start" + say + "while [ -e " + base + ".hold ]; do sleep 0.02; done\n" +
              "if [ -e " + base + ".fail ]; then echo 'no luck' >&2; exit 1; fi\n" + "echo \"end" +
              say};
}

std::string Shop::exec_line(const std::string& handler) const {
  return json(exec_script(handler)).dump();
}

std::vector<std::string> Shop::output(const std::string& handler) const {
  return lines_of(file(handler + ".out"));
}

int Shop::count(const std::string& verb, const std::string& handler) const {
  int found = 0;
  for (const std::string& line : output(handler)) found += line.starts_with(verb + " ") ? 1 : 0;
  return found;
}

bool Shop::has_started(std::int64_t id, const std::string& handler) const {
  for (const std::string& line : output(handler)) {
    if (line.starts_with("start " + std::to_string(id) + " ")) return true;
  }
  return false;
}

Tally Shop::tally(const std::vector<std::pair<std::int64_t, double>>& ends, const Ids& ids) {
  std::map<std::int64_t, double> due;
  const pg::Result events = open(url_).query(
      "select id, extract(epoch from greatest(created_at, due_at))::float8::text from "
      "evd.event");
  for (int row = 0; row < events.rows(); ++row)
    due[events.int64(row, 0)] = std::stod(events.string(row, 1));
  Tally result;
  std::map<std::int64_t, int> seen;
  for (const auto& [id, at] : ends) {
    if (++seen[id] > 1) ++result.repeated;
    if (const auto event = due.find(id); event == due.end()) {
      ++result.alien;
    } else if (at < event->second) {
      ++result.early;
    }
  }
  for (const std::int64_t id : ids) result.lost += seen.contains(id) ? 0 : 1;
  return result;
}

Tally Shop::sql_tally(const Ids& ids) {
  const pg::Result rows =
      open(url_).query("select event_id, extract(epoch from at)::float8::text from shop.coupon");
  std::vector<std::pair<std::int64_t, double>> ends;
  for (int row = 0; row < rows.rows(); ++row)
    ends.emplace_back(rows.int64(row, 0), std::stod(rows.string(row, 1)));
  return tally(ends, ids);
}

Tally Shop::exec_tally(const Ids& ids, const std::string& handler) {
  std::vector<std::pair<std::int64_t, double>> ends;
  for (const std::string& line : output(handler)) {
    std::istringstream words(line);
    std::string verb;
    std::int64_t id = 0;
    int attempt = 0;
    double nanoseconds = 0;
    words >> verb >> id >> attempt >> nanoseconds;
    if (verb == "end") ends.emplace_back(id, nanoseconds / 1e9);
  }
  return tally(ends, ids);
}

bool Shop::all_processed(const Ids& ids) {
  return number(
             "select count(*) from unnest($1::bigint[]) i join evd.events e on e.id = i "
             "where e.status = 2",
             pg::params(ids)) == static_cast<int>(ids.size());
}

bool Shop::wait_processed(const Ids& ids, std::chrono::milliseconds timeout) {
  return eventually(
      [&] {
        const bool is_processed = all_processed(ids);
        // The view is not free, and the programs under test want the processor.
        if (!is_processed) std::this_thread::sleep_for(std::chrono::milliseconds{20});
        return is_processed;
      },
      timeout);
}

std::vector<json> Shop::alerts() const {
  std::vector<json> alerts;
  for (const std::string& line : lines_of(file("alerts.out"))) {
    if (json alert = json::parse(line, nullptr, false); !alert.is_discarded())
      alerts.push_back(std::move(alert));
  }
  return alerts;
}

std::optional<json> Shop::alert(const std::string& kind) const {
  for (json& alert : alerts()) {
    if (alert.value("kind", "") == kind) return alert;
  }
  return std::nullopt;
}

std::string Shop::value(const std::string& sql, const pg::Params& params) {
  try {
    if (!connection_) connection_.emplace(open(url_));
    const pg::Result result = connection_->query(sql, params);
    return result.empty() ? std::string() : result.optional_string(0, 0).value_or("");
  } catch (const pg::Error& error) {
    if (error.connection_lost()) connection_.reset();
    throw;
  }
}

int Shop::number(const std::string& sql, const pg::Params& params) {
  return std::stoi(value(sql, params));
}

// The whole answer; empty: none.
std::string Shop::http_get(const std::string& path, const std::string& node) const {
  const UniqueFd fd = connect_unix(file(node + ".sock"));
  if (!fd) return {};
  const std::string request =
      "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
  std::string answer;
  std::array<char, 4096> part{};
  for (;;) {
    const ssize_t got = ::recv(fd.get(), part.data(), part.size(), 0);
    if (got <= 0) return answer;
    answer.append(part.data(), static_cast<std::size_t>(got));
  }
}

int Shop::http_status(const std::string& path, const std::string& node) const {
  const std::string answer = http_get(path, node);
  return answer.size() < 12 ? 0 : std::atoi(answer.c_str() + 9);
}

std::string Shop::http_body(const std::string& path, const std::string& node) const {
  const std::string answer = http_get(path, node);
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

}  // namespace evd::test

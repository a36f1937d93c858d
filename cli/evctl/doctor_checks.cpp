#include "cli/evctl/doctor_checks.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>

#include "common/base/duration.hpp"
#include "common/base/text.hpp"
#include "common/schema/apply.hpp"
#include "common/schema/check.hpp"

namespace evd::evctl {
namespace {

constexpr int k_oldest_postgres = 140'000;
constexpr double k_skew_seconds = 2;
constexpr Milliseconds k_notify_wait{2'000};
constexpr int k_partitions_ahead = 2;

std::string interval_of(Milliseconds duration) {
  return std::to_string(duration.count()) + " milliseconds";
}

Findings check_schema(pg::Connection& connection, const Config& config) {
  const auto found = schema::check_schema(connection, config.database.instance);
  Findings findings = one(Level::k_ok, "schema",
                          "version " + std::to_string(found.version) +
                              (found.instance.empty() ? "" : ", instance " + found.instance));
  if (schema::is_behind(connection)) {
    findings.push_back({Level::k_fail, "cluster",
                        "the log is ahead of this server's transaction ids: it was restored here",
                        "evctl adopt"});
  } else if (found.is_other_cluster) {
    findings.push_back(
        {Level::k_warn, "cluster",
         "PostgreSQL's system identifier is not the one noted: an upgrade, or a copy",
         "if it is a copy, give it a name of its own: evctl adopt --instance NAME"});
  }
  return findings;
}

Findings check_server(pg::Connection& connection, const Config& /*config*/) {
  const auto row = connection.query(
      "select current_setting('server_version'), current_user, current_database()");
  const std::string text = "PostgreSQL " + row.string(0, 0) + ", database " + row.string(0, 2) +
                           ", role " + row.string(0, 1);
  if (connection.server_version() < k_oldest_postgres) {
    return one(Level::k_fail, "server", text, "evd needs PostgreSQL 14 or later");
  }
  return one(Level::k_ok, "server", text);
}

Findings check_roles(pg::Connection& connection, const Config& /*config*/) {
  const auto row = connection.query(
      "select array_to_string(array(select n from unnest(array['evd_owner', 'evd_worker',"
      " 'evd_operator', 'evd_reader', 'evd_emitter']) n"
      " where not exists (select from pg_roles r where r.rolname = n)), ', '),"
      " not exists (select from pg_roles r where r.rolname in ('evd_owner', 'evd_worker'))");
  const std::string missing = row.string(0, 0);
  if (row.boolean(0, 1)) return one(Level::k_ok, "roles", "none, as after migrate --no-roles");
  if (missing.empty()) return one(Level::k_ok, "roles", "all there");
  return one(Level::k_warn, "roles", "missing: " + missing,
             "evctl migrate, as a role that may create roles (not needed after --no-roles)");
}

Findings check_partitions(pg::Connection& connection, const Config& /*config*/) {
  const auto row = connection.query(
      "select count(*)::integer from pg_catalog.pg_inherits i"
      " join pg_catalog.pg_class c on c.oid = i.inhrelid"
      " where i.inhparent = 'evd.event'::regclass and c.relname > 'event_'"
      " || to_char(clock_timestamp() at time zone 'UTC', 'YYYYMMDD') and c.relname ~ '[0-9]{8}$'");
  const int ahead = row.int32(0, 0);
  const std::string text = std::to_string(ahead) + " days of the log are prepared";
  if (ahead >= k_partitions_ahead) return one(Level::k_ok, "partitions", text);
  return one(Level::k_warn, "partitions", text,
             "run evd, or evrecover by cron: each pass prepares a week (emits go on meanwhile)");
}

Findings check_clock(pg::Connection& connection, const Config& /*config*/) {
  using Seconds = std::chrono::duration<double>;
  const auto before = std::chrono::system_clock::now();
  const double server =
      connection.query("select extract(epoch from clock_timestamp())::double precision").real(0, 0);
  const auto after = std::chrono::system_clock::now();
  const double local = (Seconds(before.time_since_epoch()) + Seconds(after - before) / 2).count();
  const Milliseconds skew{std::llround(std::abs(server - local) * 1000)};
  const std::string text = format_duration(skew) + " between this machine and the database";
  if (std::abs(server - local) <= k_skew_seconds) return one(Level::k_ok, "clock", text);
  return one(Level::k_warn, "clock", text,
             "run NTP on both (evd goes by the database's clock alone; logs will not line up)");
}

Findings check_notify(pg::Connection& connection, const Config& /*config*/) {
  connection.query("listen evd_doctor");
  connection.query("notify evd_doctor");
  const bool is_heard = connection.wait_notification(k_notify_wait);
  connection.query("unlisten evd_doctor");
  if (is_heard) return one(Level::k_ok, "notify", "LISTEN works");
  return one(Level::k_warn, "notify", "LISTEN does not work: a pooler in between drops it",
             "let evd connect to PostgreSQL itself; otherwise it polls once a second");
}

Findings check_nodes(pg::Connection& connection, const Config& config) {
  const auto row = connection.query(
      "select count(*) filter (where n.kind = 'evd' and n.stopped_at is null"
      "   and n.heartbeat_at > clock_timestamp() - $1::interval)::integer,"
      " coalesce(bool_or(n.kind = 'evrecover'"
      "   and n.started_at > clock_timestamp() - interval '5 minutes'), false),"
      " evd.iso_time(max(n.started_at) filter (where n.kind = 'evrecover'))"
      " from evd.node n where n.fenced_at is null or n.kind = 'evrecover'",
      pg::params(interval_of(config.recovery.node_timeout)));
  const int living = row.int32(0, 0);
  const bool has_recovery = row.boolean(0, 1);
  const std::string last = row.optional_string(0, 2).value_or("never");

  Findings findings;
  if (living > 0) {
    findings = one(Level::k_ok, "evd", std::to_string(living) + " running");
  } else if (has_recovery) {
    findings = one(Level::k_warn, "evd", "none is running; events wait for the next evrecover",
                   "systemctl start evd");
  } else {
    findings = one(Level::k_fail, "evd", "none is running, and no evrecover: nobody reads the log",
                   "systemctl start evd");
  }
  findings.push_back({has_recovery ? Level::k_ok : Level::k_warn, "evrecover", "last pass: " + last,
                      has_recovery ? "" : "enable its crontab line or its systemd timer"});
  return findings;
}

Findings check_hosting(pg::Connection& connection, const Config& config) {
  const auto row = connection.query(
      "select coalesce(string_agg(distinct x.handler, ', '), '')"
      " from evd.route r cross join unnest(r.expected) x (handler)"
      " where r.is_current and not exists (select from evd.node n"
      "   where n.kind = 'evd' and n.stopped_at is null and n.fenced_at is null"
      "     and n.heartbeat_at > clock_timestamp() - $1::interval and x.handler = any "
      "(n.handlers))",
      pg::params(interval_of(config.recovery.node_timeout)));
  const std::string nowhere = row.string(0, 0);
  if (nowhere.empty()) return one(Level::k_ok, "hosting", "every expected handler runs somewhere");
  return one(Level::k_warn, "hosting", "hosted by no running evd: " + nowhere,
             "start an evd whose [daemon] hosts has them");
}

Findings check_breakers(pg::Connection& connection, const Config& /*config*/) {
  const pg::Result open = connection.query(
      "select name, breaker_error from evd.handler where breaker_opened_at is not null order by "
      "name");
  Findings findings;
  for (int row = 0; row < open.rows(); ++row) {
    findings.push_back({Level::k_warn, "breaker", open.string(row, 0) + ": " + open.string(row, 1),
                        "mend what it calls, then evctl resume " + open.string(row, 0)});
  }
  return findings;
}

Findings check_paused(pg::Connection& connection, const Config& /*config*/) {
  const auto row = connection.query(
      "select coalesce(string_agg(h.name || ' (by ' || coalesce(h.paused_by, 'somebody') || ')',"
      " ', ' order by h.name), '') from evd.handler h where h.paused_at is not null");
  const std::string paused = row.string(0, 0);
  if (paused.empty()) return {};
  return one(Level::k_warn, "paused", paused, "evctl resume HANDLER");
}

Findings check_escalated(pg::Connection& connection, const Config& /*config*/) {
  const auto pairs =
      connection.query("select count(*) from evd.deliveries d where d.state = 'escalated'")
          .int64(0, 0);
  if (pairs == 0) return one(Level::k_ok, "escalated", "nothing");
  return one(Level::k_warn, "escalated", std::to_string(pairs) + " pairs wait for a person",
             "evctl list --status escalated; then evctl re-emit, or evctl resolve");
}

Findings check_drift(pg::Connection& connection, const Config& config) {
  if (config.path.empty()) return {};
  Findings findings;
  for (const auto& line : schema::drift(connection, config)) {
    findings.push_back({Level::k_warn, "drift", line, "evctl apply"});
  }
  if (findings.empty()) return one(Level::k_ok, "drift", "file and database agree");
  return findings;
}

// Channels that have failed since they last took a message.
Findings check_sending(pg::Connection& connection, const Config& /*config*/) {
  const pg::Result failing =
      connection.query("select name, failures, error from evd.alert_channel order by name");
  Findings findings;
  for (int row = 0; row < failing.rows(); ++row) {
    findings.push_back({Level::k_warn, "sending",
                        failing.string(row, 0) + " failed " + failing.string(row, 1) +
                            " times in a row: " + failing.optional_string(row, 2).value_or(""),
                        "evctl doctor --send-test; what waits is kept, see evctl alerts"});
  }
  return findings;
}

// What was told of the installation as a whole and is not over.
Findings check_troubles(pg::Connection& connection, const Config& /*config*/) {
  const pg::Result troubles = connection.query(
      "select kind || case when subject = '' then '' else ' ' || subject end, error"
      " from evd.trouble where told_at is not null order by 1");
  Findings findings;
  for (int row = 0; row < troubles.rows(); ++row) {
    findings.push_back(
        {Level::k_warn, "trouble",
         troubles.string(row, 0) + ": " + troubles.optional_string(row, 1).value_or(""),
         "evctl status"});
  }
  return findings;
}

constexpr std::array<DatabaseCheck, 14> k_checks{{
    {"schema", check_schema},
    {"server", check_server},
    {"roles", check_roles},
    {"partitions", check_partitions},
    {"clock", check_clock},
    {"notify", check_notify},
    {"evd", check_nodes},
    {"hosting", check_hosting},
    {"paused", check_paused},
    {"breakers", check_breakers},
    {"drift", check_drift},
    {"troubles", check_troubles},
    {"sending", check_sending},
    {"escalated", check_escalated},
}};

}  // namespace

Findings one(Level level, std::string check, std::string text, std::string mend) {
  return {{level, std::move(check), std::move(text), std::move(mend)}};
}

std::string_view to_string(Level level) {
  switch (level) {
    case Level::k_ok:
      return "ok";
    case Level::k_warn:
      return "warn";
    case Level::k_fail:
      break;
  }
  return "fail";
}

std::span<const DatabaseCheck> database_checks() { return k_checks; }

std::string describe_figures(pg::Connection& connection) {
  return connection
      .query(
          "select format('escalated=%s unread=%s lag=%ss',"
          " (select count(*) from evd.deliveries d where d.state = 'escalated'),"
          " r.report -> 'log' ->> 'unread',"
          " round(coalesce((r.report -> 'log' ->> 'lag_ms')::numeric, 0) / 1000, 1))"
          " from (select evd.status_report() as report offset 0) r")
      .string(0, 0);
}

}  // namespace evd::evctl

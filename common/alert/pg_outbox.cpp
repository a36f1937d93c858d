#include "common/alert/pg_outbox.hpp"

#include "common/base/text.hpp"

namespace evd::alert {
namespace {

constexpr std::size_t k_max_stored_error = 1'000;

nlohmann::json channel_json(const ChannelConfig& channel, bool wait) {
  return {{"kinds", channel.kinds},
          {"group_wait_ms", wait ? channel.group_wait.count() : 0},
          {"repeat_ms", channel.repeat.count()}};
}

}  // namespace

std::string routes_json(const Config& config, bool wait) {
  nlohmann::json routes = {{"owners", nlohmann::json::object()},
                           {"channels", nlohmann::json::object()}};
  for (const auto& [name, owner] : config.owners) routes["owners"][name] = owner.alerts;
  for (const auto& [name, channel] : config.channels) {
    routes["channels"][name] = channel_json(channel, wait);
  }
  return routes.dump();
}

int PgOutbox::fold(const std::string& routes, int limit) {
  return connection_.query("select evd.alert_fold($1::jsonb, $2)", pg::params(routes, limit))
      .int32(0, 0);
}

std::optional<LeasedAlert> PgOutbox::take(const TakeAlert& request) {
  const auto result = connection_.query(
      "select id, message::text from evd.alert_take($1, $2, $3, 1, $4)",
      pg::params(request.token, request.channel, request.known, request.include_args));
  if (result.empty()) return std::nullopt;
  return LeasedAlert{result.int64(0, 0), parse_alert(result.text(0, 1))};
}

std::vector<Alert> PgOutbox::refresh(const std::string& channel,
                                     std::optional<Milliseconds> every) {
  std::optional<std::string> interval;
  if (every) interval = std::to_string(every->count()) + " milliseconds";
  const auto result =
      connection_.query("select message::text from evd.alert_refresh($1, $2::interval) message",
                        pg::params(channel, interval));
  std::vector<Alert> alerts;
  for (int row = 0; row < result.rows(); ++row) alerts.push_back(parse_alert(result.text(row, 0)));
  return alerts;
}

bool PgOutbox::sent(std::int64_t group, std::int64_t token) {
  return connection_.query("select evd.alert_sent($1, $2)", pg::params(group, token)).boolean(0, 0);
}

bool PgOutbox::failed(std::int64_t group, std::int64_t token, const std::string& error) {
  return connection_
      .query("select evd.alert_failed($1, $2, $3)",
             pg::params(group, token, truncate_utf8(error, k_max_stored_error)))
      .boolean(0, 0);
}

}  // namespace evd::alert

#include "common/alert/elasticsearch_channel.hpp"

#include <exception>

#include "common/alert/http_client.hpp"
#include "common/base/text.hpp"

namespace evd::alert {
namespace {

using nlohmann::json;

constexpr int k_exists = 409;
constexpr std::size_t k_max_reason = 300;

std::string line(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string bulk_body(const std::string& index, const Alert& alert) {
  const json action = {{"create", {{"_index", index}, {"_id", alert.message_id()}}}};
  json document = to_json(alert);
  document["@timestamp"] = alert.last_at;
  document["message"] = alert.headline();
  return line(action) + line(document);
}

std::optional<std::string> bulk_failure(const std::string& answer) {
  const json body = json::parse(answer, nullptr, false);
  if (!body.is_object() || !body.contains("errors") || !body["errors"].is_boolean())
    return "the answer is not that of Elasticsearch's _bulk";
  if (!body["errors"].get<bool>()) return std::nullopt;
  const json item = body.value("/items/0/create"_json_pointer, json::object());
  if (item.value("status", 0) == k_exists) return std::nullopt;
  return "Elasticsearch refused the document: " +
         truncate_utf8(item.value("/error/reason"_json_pointer, std::string("no reason given")),
                       k_max_reason);
}

std::optional<std::string> ElasticsearchChannel::send(const Alert& alert) {
  try {
    std::string url = config_.target.url;
    while (url.ends_with('/')) url.pop_back();
    std::string answer;
    const std::string body = bulk_body(config_.target.index, alert);
    if (const auto failure = post(url + "/_bulk", "application/x-ndjson", {}, body, &answer))
      return failure;
    return bulk_failure(answer);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace evd::alert

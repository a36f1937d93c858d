#include "common/ingest/request.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <numeric>

#include "common/base/random.hpp"
#include "common/base/text.hpp"
#include "common/ingest/json_text.hpp"

namespace evd::ingest {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 6> k_keys = {"event_name", "args",       "key",
                                                    "dedup_key",  "deliver_at", "headers"};

// An event as it is to be written, or why there is none.
struct Entry {
  std::string event;
  bool is_keyed = false;
  std::string problem;
};

// "application/json; charset=utf-8" without what follows the type, in lower case.
std::string media_type(std::string_view content_type) {
  std::string type = trim(content_type.substr(0, content_type.find(';')));
  std::transform(type.begin(), type.end(), type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return type;
}

Entry plain_entry(const json& event, std::string_view text) {
  Entry entry;
  if (const auto why = why_no_event(event)) {
    entry.problem = *why;
    return entry;
  }
  entry.event = text;
  entry.is_keyed = event.contains("dedup_key") && !event.at("dedup_key").is_null();
  return entry;
}

std::string why_no_cloud_event(const json& cloud) {
  if (!cloud.is_object()) return "a CloudEvent is a JSON object";
  for (const char* name : {"specversion", "id", "source", "type"}) {
    const auto attribute = cloud.find(name);
    if (attribute == cloud.end() || !attribute->is_string() || attribute->empty() ||
        attribute->get_ref<const std::string&>().empty())
      return std::string("a CloudEvent has a \"") + name + "\", a text that is not empty";
  }
  if (cloud.at("specversion") != "1.0") return "only version 1.0 of CloudEvents is understood";
  if (cloud.contains("data_base64")) return "\"data_base64\" is not taken: send \"data\" as JSON";
  return {};
}

// Whatever attribute has no place of its own goes into the headers.
Entry cloud_entry(const json& cloud, std::string_view text) {
  Entry entry;
  entry.problem = why_no_cloud_event(cloud);
  if (!entry.problem.empty()) return entry;
  const std::string dedup_key =
      cloud.at("source").get<std::string>() + " " + cloud.at("id").get<std::string>();
  std::string headers;
  entry.event = R"({"dedup_key":)" + json(dedup_key).dump();
  for (const Member& member : members_of(text)) {
    const std::string value(member.value);
    if (member.name == "type") {
      entry.event += ",\"event_name\":" + value;
    } else if (member.name == "data") {
      entry.event += ",\"args\":" + value;
    } else if (member.name == "subject") {
      entry.event += ",\"key\":" + value;
    } else if (member.name != "specversion" && member.name != "id" && member.name != "source") {
      headers += (headers.empty() ? "" : ",") + json(member.name).dump() + ":" + value;
    }
  }
  entry.event += (headers.empty() ? "" : ",\"headers\":{" + headers + "}") + "}";
  entry.is_keyed = true;
  return entry;
}

// Either all events of a request have a dedup key or none has, so that a repeat is told their ids.
void add_keys(std::vector<Entry>& entries, const std::optional<std::string>& idempotency_key) {
  const bool any =
      idempotency_key || std::any_of(entries.begin(), entries.end(),
                                     [](const Entry& entry) { return entry.is_keyed; });
  if (!any) return;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].is_keyed) continue;
    const std::string key = idempotency_key ? *idempotency_key : random_uuid();
    const std::string own = entries.size() == 1 ? key : key + "/" + std::to_string(i);
    entries[i].event = with_member(entries[i].event, "dedup_key", json(own).dump());
    entries[i].is_keyed = true;
  }
}

std::variant<std::vector<Entry>, Problem> entries_of(const json& document, std::string_view text,
                                                     bool is_cloud) {
  const auto entry_of = is_cloud ? cloud_entry : plain_entry;
  std::vector<Entry> entries;
  if (!document.is_array()) {
    entries.push_back(entry_of(document, text));
    if (!entries[0].problem.empty()) return Problem{400, "the event: " + entries[0].problem};
    return entries;
  }
  if (document.empty()) return Problem{400, "the array holds no event"};
  if (document.size() > k_max_events) {
    return Problem{413, "the array holds " + std::to_string(document.size()) +
                            " events, and a request takes at most " + std::to_string(k_max_events)};
  }
  const std::vector<std::string_view> elements = elements_of(text);
  for (std::size_t i = 0; i < document.size(); ++i) {
    entries.push_back(entry_of(document[i], elements.at(i)));
    if (!entries[i].problem.empty())
      return Problem{400, "events[" + std::to_string(i) + "]: " + entries[i].problem};
  }
  return entries;
}

}  // namespace

std::size_t Request::bytes() const {
  return std::accumulate(
      events.begin(), events.end(), std::size_t{0},
      [](std::size_t sum, const std::string& event) { return sum + event.size(); });
}

std::optional<std::string> why_no_event(const json& event) {
  if (!event.is_object()) return "is not a JSON object";
  if (!event.contains("event_name")) return "has no \"event_name\"";
  for (const auto& [key, value] : event.items()) {
    if (std::find(k_keys.begin(), k_keys.end(), key) == k_keys.end())
      return "has an unknown key \"" + truncate_utf8(key, 100) + "\"";
  }
  return std::nullopt;
}

std::variant<Request, Problem> parse_request(const Body& body) {
  const std::string type = media_type(body.content_type);
  const bool is_cloud =
      type == "application/cloudevents+json" || type == "application/cloudevents-batch+json";
  if (!is_cloud && !type.empty() && type != "application/json")
    return Problem{415, "the body is to be application/json or application/cloudevents+json"};
  // Deep ones take seconds to read, and more stack than PostgreSQL has.
  if (is_deeper(body.text, k_max_depth)) {
    return Problem{413, "arrays and objects lie more than " + std::to_string(k_max_depth) +
                            " deep within each other"};
  }
  const json document = json::parse(body.text, nullptr, false);
  // The parser takes a NUL for the end of the text, and nothing else does.
  if (document.is_discarded() || body.text.find('\0') != std::string_view::npos)
    return Problem{400, "the body is not JSON"};
  auto found = entries_of(document, body.text, is_cloud);
  if (const auto* problem = std::get_if<Problem>(&found)) return *problem;
  auto& entries = std::get<std::vector<Entry>>(found);
  add_keys(entries, is_cloud ? std::nullopt : body.idempotency_key);
  Request request;
  request.is_array = document.is_array();
  request.is_keyed = entries.front().is_keyed;
  for (Entry& entry : entries) request.events.push_back(std::move(entry.event));
  return request;
}

}  // namespace evd::ingest

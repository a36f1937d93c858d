#include "common/handlers/http_message.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/webhook_signature.hpp"
#include "common/handlers/event_json.hpp"

namespace evd::handlers {

namespace {

using nlohmann::json;

// What was emitted with the event; anything that is no header's value is left out.
void pass_on(const std::string& name, const json& from, std::vector<std::string>& headers) {
  const auto found = from.find(name);
  if (found == from.end() || !found->is_string()) return;
  const auto& value = found->get_ref<const std::string&>();
  const bool is_plain =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!value.empty() && is_plain) headers.push_back(name + ": " + value);
}

void add_trace(const journal::Event& event, std::vector<std::string>& headers) {
  if (event.headers.find("trace") == std::string::npos) return;  // spares decoding
  const json from = json::parse(event.headers, nullptr, false);
  if (!from.is_object()) return;
  pass_on("traceparent", from, headers);
  pass_on("tracestate", from, headers);
}

void add_cloudevent(const Attempt& attempt, std::string_view instance,
                    std::vector<std::string>& headers) {
  const journal::Event& event = *attempt.event;
  headers.push_back("ce-specversion: 1.0");
  headers.push_back("ce-id: " + std::to_string(event.id));
  headers.push_back("ce-source: /evd/" + cloudevents_value(instance));
  headers.push_back("ce-type: " + cloudevents_value(attempt.route->event_name));
  headers.push_back("ce-time: " + iso_time(event.created_at_us));
  if (event.key && !event.key->empty())
    headers.push_back("ce-subject: " + cloudevents_value(*event.key));
}

}  // namespace

std::string cloudevents_value(std::string_view text) {
  constexpr std::string_view k_hex = "0123456789ABCDEF";
  std::string value;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '"' && c != '%') {
      value += c;
    } else {
      value += '%';
      value += k_hex[byte >> 4U];
      value += k_hex[byte & 0xfU];
    }
  }
  return value;
}

HttpMessage http_message(const HttpTarget& target, const Attempt& attempt, std::string_view handler,
                         std::string_view instance, std::int64_t timestamp) {
  HttpMessage message;
  if (target.format == BodyFormat::k_cloudevents) {
    message.body = attempt.event->args;
  } else {
    append_event_json(message.body, attempt, handler, instance);
  }
  message.headers = webhook_headers(target.secrets, idempotency_key(attempt, handler, instance),
                                    timestamp, message.body);
  message.headers.emplace_back("Content-Type: application/json");
  message.headers.emplace_back("Expect:");  // a large body goes without asking first
  if (target.format == BodyFormat::k_cloudevents)
    add_cloudevent(attempt, instance, message.headers);
  add_trace(*attempt.event, message.headers);
  return message;
}

}  // namespace evd::handlers

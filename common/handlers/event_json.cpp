#include "common/handlers/event_json.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace evd::handlers {

namespace {

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

void append_string(std::string& out, std::string_view text) {
  if (std::any_of(text.begin(), text.end(), needs_escape)) {
    out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

}  // namespace

std::string iso_time(std::int64_t microseconds_since_1970) {
  using namespace std::chrono;
  const sys_time<microseconds> time{microseconds(microseconds_since_1970)};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  std::array<char, 64> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string idempotency_key(const Attempt& attempt, std::string_view handler,
                            std::string_view instance) {
  std::string key(instance);
  key += ':';
  key += std::to_string(attempt.event->id);
  key += ':';
  key += handler;
  if (attempt.round > 0) key += ":r" + std::to_string(attempt.round);
  return key;
}

void append_event_json(std::string& out, const Attempt& attempt, std::string_view handler,
                       std::string_view instance) {
  const journal::Event& event = *attempt.event;
  out.reserve(out.size() + event.args.size() + event.headers.size() + 300);
  out += R"({"id": )";
  out += std::to_string(event.id);
  out += R"(, "event_name": )";
  append_string(out, attempt.route->event_name);
  out += R"(, "created_at": ")";
  out += iso_time(event.created_at_us);
  out += R"(", "args": )";
  out += event.args;
  out += R"(, "key": )";
  if (event.key) {
    append_string(out, *event.key);
  } else {
    out += "null";
  }
  out += R"(, "headers": )";
  out += event.headers.empty() ? "{}" : event.headers;
  out += R"(, "handler": )";
  append_string(out, handler);
  out += R"(, "attempt": )";
  out += std::to_string(attempt.number);
  out += R"(, "idempotency_key": )";
  append_string(out, idempotency_key(attempt, handler, instance));
  out += '}';
}

}  // namespace evd::handlers

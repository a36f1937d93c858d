// What comes in over HTTP: a body, and what it asks for. Pure functions; everything here faces
// strangers.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace evd::ingest {

// Why a request is refused: an HTTP status, and a line for whoever sent it.
struct Problem {
  int status = 400;
  std::string detail;
};

// Events to be written together.
struct Request {
  std::vector<std::string> events;  // each a JSON object as evd.emit_many takes it
  bool is_array = false;            // the answer names a list
  bool is_keyed = false;            // every event has a dedup key; else none has

  std::size_t bytes() const;
};

struct Body {
  std::string_view text;
  std::string_view content_type;                 // empty: JSON
  std::optional<std::string> idempotency_key{};  // of the request: a dedup key
};

constexpr std::size_t k_max_events = 1'000;  // of one request
constexpr int k_max_depth = 200;             // of arrays and objects within each other

// JSON (an event or an array of them) or structured CloudEvents 1.0 (one or a batch).
std::variant<Request, Problem> parse_request(const Body& body);

// What keeps a JSON value from being an event: no object, no event_name, an unknown key. None:
// nothing.
std::optional<std::string> why_no_event(const nlohmann::json& event);

}  // namespace evd::ingest

// libFuzzer: whatever a stranger sends as a body is read or refused, and what is read is JSON that
// evd.emit_many takes. The first byte chooses the Content-Type.
#include "common/ingest/request.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace {

constexpr std::array<std::string_view, 3> k_types = {
    "application/json", "application/cloudevents+json", "application/cloudevents-batch+json"};

void check(const evd::ingest::Request& request) {
  for (const std::string& text : request.events) {
    const nlohmann::json event = nlohmann::json::parse(text, nullptr, false);
    if (evd::ingest::why_no_event(event)) std::abort();
    if (request.is_keyed && !event.contains("dedup_key")) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  evd::ingest::Body body;
  body.text = {reinterpret_cast<const char*>(data) + 1, size - 1};
  body.content_type = k_types.at(data[0] % k_types.size());
  if (data[0] >= 128) body.idempotency_key = "key";
  const auto result = evd::ingest::parse_request(body);
  if (const auto* request = std::get_if<evd::ingest::Request>(&result)) check(*request);
  return 0;
}

#include "daemon/events_route.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/ingest/json_text.hpp"

namespace evd::daemon {
namespace {

using nlohmann::json;

HttpResponse answer_of(const ingest::Written& written, bool is_array) {
  if (written.problem) return problem(written.problem->status, written.problem->detail);
  json body;
  if (!written.spool_ids.empty()) {
    body = {{"spooled", written.spool_ids.size()}, {"spool_ids", written.spool_ids}};
    return {202, "application/json", body.dump() + "\n"};
  }
  if (is_array) {
    body["ids"] = written.ids;
  } else {
    body["id"] = written.ids.at(0);
  }
  if (written.is_known) body["duplicate"] = true;
  return {written.is_known ? 200 : 201, "application/json", body.dump() + "\n"};
}

// The event apart, without decoding what handlers get.
dispatch::UntrackedEvent taken_apart(const std::string& text) {
  dispatch::UntrackedEvent event;
  event.text = text;
  for (const ingest::Member& member : ingest::members_of(text)) {
    const json value =
        member.name == "args" || member.name == "headers" ? json() : json::parse(member.value);
    if (member.name == "event_name" && value.is_string()) event.name = value;
    if (member.name == "key" && value.is_string()) event.key = value;
    if (member.name == "args" && member.value != "null") event.args = member.value;
    if (member.name == "headers" && member.value != "null") event.headers = member.value;
  }
  return event;
}

// Of a request for events that are not tracked; nothing: it is for the log.
std::optional<HttpResponse> run_untracked(const UntrackedSlot& slot,
                                          const ingest::Request& request) {
  const std::shared_ptr<dispatch::Untracked> untracked = slot.get();
  if (!untracked || !untracked->has_any()) return std::nullopt;
  std::vector<dispatch::UntrackedEvent> events;
  for (const std::string& text : request.events) events.push_back(taken_apart(text));
  const auto count = std::count_if(events.begin(), events.end(),
                                   [&](const auto& event) { return untracked->runs(event.name); });
  if (count == 0) return std::nullopt;
  if (static_cast<std::size_t>(count) < events.size())
    return problem(400,
                   "events that are tracked and events that are not need requests of their own");
  if (!untracked->submit(std::move(events))) return problem(429, "too many events wait to be run");
  return HttpResponse{202, "application/json", json{{"untracked", count}}.dump() + "\n"};
}

}  // namespace

HttpServer::Post events_route(ingest::Committer& committer, const UntrackedSlot& untracked) {
  return [&committer, &untracked](const HttpRequest& http, const HttpServer::Respond& respond) {
    auto parsed = ingest::parse_request({http.body, http.content_type, http.idempotency_key});
    if (const auto* wrong = std::get_if<ingest::Problem>(&parsed))
      return respond(problem(wrong->status, wrong->detail));
    auto& request = std::get<ingest::Request>(parsed);
    if (auto answer = run_untracked(untracked, request)) return respond(std::move(*answer));
    const bool is_array = request.is_array;
    const bool is_taken =
        committer.submit(std::move(request), [respond, is_array](const ingest::Written& written) {
          respond(answer_of(written, is_array));
        });
    if (!is_taken) respond(problem(429, "too many events wait to be written"));
  };
}

}  // namespace evd::daemon

#include "daemon/events_route.hpp"

#include <nlohmann/json.hpp>

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

}  // namespace

HttpServer::Post events_route(ingest::Committer& committer) {
  return [&committer](const HttpRequest& http, const HttpServer::Respond& respond) {
    auto parsed = ingest::parse_request({http.body, http.content_type, http.idempotency_key});
    if (const auto* wrong = std::get_if<ingest::Problem>(&parsed))
      return respond(problem(wrong->status, wrong->detail));
    auto& request = std::get<ingest::Request>(parsed);
    const bool is_array = request.is_array;
    const bool is_taken =
        committer.submit(std::move(request), [respond, is_array](const ingest::Written& written) {
          respond(answer_of(written, is_array));
        });
    if (!is_taken) respond(problem(429, "too many events wait to be written"));
  };
}

}  // namespace evd::daemon

#include "cli/evctl/event_file.hpp"

#include <nlohmann/json.hpp>

#include "common/base/error.hpp"
#include "common/ingest/request.hpp"

namespace evd::evctl {
namespace {

constexpr std::size_t k_batch = 1'000;
constexpr std::size_t k_batch_bytes = 4'194'304;

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\r") == std::string::npos;
}

}  // namespace

std::optional<EventBatch> EventFile::next() {
  EventBatch batch;
  for (std::string line; batch.lines.size() < k_batch && batch.events.size() < k_batch_bytes &&
                         std::getline(stream_, line);) {
    ++line_;
    bytes_ += static_cast<std::int64_t>(line.size()) + 1;
    if (is_blank(line)) continue;
    check(line);
    batch.events += batch.events.empty() ? "[" : ",";
    batch.events += line;
    batch.lines.push_back(line_);
  }
  if (stream_.bad()) throw Error("cannot read " + name_);
  if (batch.lines.empty()) return std::nullopt;
  batch.events += "]";
  return batch;
}

// A key that is misspelt would be an event without it.
void EventFile::check(const std::string& line) const {
  if (const auto why = ingest::why_no_event(nlohmann::json::parse(line, nullptr, false)))
    throw Error(place(line_) + *why);
}

}  // namespace evd::evctl

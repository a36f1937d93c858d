// Reads a file of events, one JSON object on a line, in batches.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

namespace evd::evctl {

struct EventBatch {
  std::string events;  // a JSON array of the lines as they stand: numbers keep every digit
  std::vector<std::int64_t> lines;  // of each event, from 1
};

class EventFile {
 public:
  // `name` is what errors call it. The stream outlives this.
  EventFile(std::istream& stream, std::string name) : stream_(stream), name_(std::move(name)) {}

  // Up to 1,000 events, or about 4 MiB of them. None: the end. Throws evd::Error, "FILE:17: …", at
  // a line that is no event; what was read of its batch is lost.
  std::optional<EventBatch> next();

  std::int64_t bytes() const { return bytes_; }  // read so far
  // "FILE:17: " for an event of the batch.
  std::string place(std::int64_t line) const { return name_ + ":" + std::to_string(line) + ": "; }

 private:
  void check(const std::string& line) const;

  std::istream& stream_;
  std::string name_;
  std::int64_t line_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace evd::evctl

// Where events wait on disk while the database is away: an append-only file of frames, each with
// its checksum and on the disk before append() returns. One process holds it at a time. What a
// frame holds is written to the database once, however often it is drained, by its uuid or its
// keys.
//
// A frame: "EVDF", the payload's length (4 bytes, little-endian), its SHA-256, and the payload, a
// JSON object. A frame that is cut short or does not match its checksum ends the file: it is what a
// crash left of an append that nobody was told of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/base/unique_fd.hpp"

namespace evd::ingest {

struct Frame {
  std::string uuid;                 // of the group
  std::vector<std::string> events;  // each a JSON object as evd.emit_many takes it
  bool is_keyed = false;            // all of them have a dedup key, or none has
};

std::string encode(const Frame& frame);
std::optional<Frame> decode(std::string_view payload);  // none: it is no frame's

// No room is left, on the disk or of what the spool may take. Nothing was appended.
class SpoolFull : public Error {
 public:
  using Error::Error;
};

class Spool {
 public:
  // `directory` is made if need be. None: another process holds it. Throws evd::Error when it
  // cannot be used.
  static std::optional<Spool> open(const std::filesystem::path& directory, std::int64_t max_bytes);

  // Throws SpoolFull, or evd::Error when it cannot be written.
  void append(const Frame& frame);

  bool is_empty() const { return begin_ == end_; }
  std::int64_t bytes() const { return end_ - begin_; }
  // What a crash left behind the last whole frame, and was cut off by open().
  std::int64_t torn_bytes() const { return torn_; }

  Frame front() const;  // the oldest frame; there must be one. Throws evd::Error
  void pop();           // it is in the database

  // Keeps an event that the database refuses for good, with the reason, in rejected.ndjson.
  void reject(const std::string& event, const std::string& reason);
  std::filesystem::path rejected_path() const { return directory_ / "rejected.ndjson"; }

 private:
  Spool(std::filesystem::path directory, UniqueFd file, std::int64_t max_bytes);

  void find_frames();
  std::optional<std::string> payload_at(std::int64_t offset) const;
  void cut(std::int64_t size) const;

  std::filesystem::path directory_;
  UniqueFd file_;
  std::int64_t max_bytes_;
  std::int64_t begin_ = 0, end_ = 0;  // of what is not drained
  std::int64_t torn_ = 0;
};

}  // namespace evd::ingest

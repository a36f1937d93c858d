// A logger for tests: keeps what was logged. Safe to use from several threads.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "common/logging/logger.hpp"

namespace evd::logging {

class RecordingLogger : public Logger {
 public:
  struct Entry {
    Level level;
    std::string message;
    std::vector<Field> fields;
  };

  void write(Level level, std::string_view message, std::span<const Field> fields) override;

  std::vector<Entry> entries() const;

  // Whether a line of this level contains the text, in its message or a field, as "key=value".
  bool contains(Level level, std::string_view text) const;

 private:
  mutable std::mutex mutex_;  // guards entries_
  std::vector<Entry> entries_;
};

}  // namespace evd::logging

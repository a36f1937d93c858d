#include "common/logging/recording_logger.hpp"

#include <algorithm>

#include "common/logging/format.hpp"

namespace evd::logging {

void RecordingLogger::write(Level level, std::string_view message, std::span<const Field> fields) {
  const std::lock_guard lock(mutex_);
  entries_.push_back({level, std::string(message), {fields.begin(), fields.end()}});
}

std::vector<RecordingLogger::Entry> RecordingLogger::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

bool RecordingLogger::contains(Level level, std::string_view text) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.level == level &&
           format_text(level, entry.message, entry.fields).find(text) != std::string::npos;
  });
}

}  // namespace evd::logging

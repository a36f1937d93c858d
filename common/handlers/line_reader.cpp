#include "common/handlers/line_reader.hpp"

#include <utility>

namespace evd::handlers {

void LineReader::append(std::string_view bytes, const OnLine& on_line) {
  for (auto newline = bytes.find('\n'); newline != std::string_view::npos;
       newline = bytes.find('\n')) {
    const std::string_view line = bytes.substr(0, newline);
    bytes.remove_prefix(newline + 1);
    if (begun_.empty() && line.size() <= limit_) {
      on_line(line, false);
    } else {
      keep(line);
      finish(on_line);
    }
  }
  keep(bytes);
}

void LineReader::finish(const OnLine& on_line) {
  if (begun_.empty()) return;
  on_line(begun_, is_cut_);
  begun_.clear();
  is_cut_ = false;
}

void LineReader::keep(std::string_view bytes) {
  const std::size_t room = limit_ - begun_.size();
  if (bytes.size() > room) is_cut_ = true;
  begun_ += bytes.substr(0, room);
}

}  // namespace evd::handlers

#include "common/handlers/output_tail.hpp"

#include "common/base/text.hpp"

namespace evd::handlers {

namespace {

constexpr std::string_view k_blanks = " \t\r\n";

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

void OutputTail::append(std::string_view bytes) {
  if (bytes.size() > limit_) {
    bytes_.clear();
    bytes.remove_prefix(bytes.size() - limit_);
    is_cut_ = true;
  }
  if (bytes_.size() + bytes.size() > 2 * limit_) {
    bytes_.erase(0, bytes_.size() - limit_);
    is_cut_ = true;
  }
  bytes_ += bytes;
}

std::string_view OutputTail::kept() const {
  std::string_view all = bytes_;
  if (all.size() > limit_) all.remove_prefix(all.size() - limit_);
  return all;
}

std::string OutputTail::text() const {
  std::string_view all = kept();
  if (is_cut_ || all.size() < bytes_.size()) {
    for (int i = 0; i < 3 && !all.empty() && is_continuation(all.front()); ++i) {
      all.remove_prefix(1);
    }
  }
  // Each byte that is no UTF-8 becomes three.
  return trim(truncate_utf8(all, 3 * limit_));
}

std::string_view OutputTail::last_line() const {
  std::string_view all = kept();
  const auto end = all.find_last_not_of(k_blanks);
  if (end == std::string_view::npos) return {};
  all = all.substr(0, end + 1);
  const auto newline = all.rfind('\n');
  if (newline != std::string_view::npos) return all.substr(newline + 1);
  return is_cut_ || bytes_.size() > limit_ ? std::string_view() : all;
}

}  // namespace evd::handlers

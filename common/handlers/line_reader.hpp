// Cuts what a program writes into lines, in bounded memory: of a line beyond the limit only the
// beginning is given, marked as cut, and the rest of it is skipped.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace evd::handlers {

class LineReader {
 public:
  using OnLine = std::function<void(std::string_view line, bool is_cut)>;

  explicit LineReader(std::size_t limit) : limit_(limit) {}

  // Calls `on_line` for each line that is complete now; the view lives as long as the call.
  void append(std::string_view bytes, const OnLine& on_line);
  // The end: what has no newline is a line as well.
  void finish(const OnLine& on_line);

 private:
  void keep(std::string_view bytes);

  std::size_t limit_;
  std::string begun_;  // of a line whose newline has not come
  bool is_cut_ = false;
};

}  // namespace evd::handlers

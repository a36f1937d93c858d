// The end of what a program writes, in bounded memory however much that is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace evd::handlers {

class OutputTail {
 public:
  explicit OutputTail(std::size_t limit) : limit_(limit) {}

  void append(std::string_view bytes);

  // The last `limit` bytes as people can read them: valid UTF-8, begun at a code point, without
  // white space around it.
  std::string text() const;

  // The last line that is not blank; empty when there is none, or when it is longer than the limit.
  std::string_view last_line() const;

 private:
  std::string_view kept() const;

  std::size_t limit_;
  std::string bytes_;  // at most twice the limit
  bool is_cut_ = false;
};

}  // namespace evd::handlers

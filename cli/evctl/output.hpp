// Standard output, and what is known of it. Text is kept until flush(), which throws OutputClosed
// when the reader has gone (`evctl list | head`), evd::Error when the text cannot be written.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "cli/evctl/table.hpp"

namespace evd::evctl {

// Nobody reads any more: no error, and nothing more to say.
class OutputClosed : public std::exception {};

class Output {
 public:
  explicit Output(int fd);  // of stdout; not closed

  const Style& style() const { return style_; }
  bool is_terminal() const { return is_terminal_; }

  void line(std::string_view text);  // adds the line's end
  void add(std::string_view text);
  void flush();

 private:
  int fd_;
  bool is_terminal_;
  Style style_;
  std::string text_;
};

}  // namespace evd::evctl

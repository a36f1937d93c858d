#include "cli/evctl/output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace evd::evctl {
namespace {

constexpr std::size_t k_enough = 1 << 16;

std::size_t terminal_width(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

Output::Output(int fd) : fd_(fd), is_terminal_(::isatty(fd) == 1) {
  const char* no_colour = std::getenv("NO_COLOR");
  style_.colour = is_terminal_ && (no_colour == nullptr || *no_colour == '\0');
  if (is_terminal_) style_.width = terminal_width(fd);
}

void Output::line(std::string_view text) {
  text_ += text;
  text_ += '\n';
  if (text_.size() > k_enough) flush();
}

void Output::add(std::string_view text) {
  text_ += text;
  if (text_.size() > k_enough) flush();
}

void Output::flush() {
  std::string_view rest = text_;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      text_.clear();
      throw OutputClosed();
    } else if (errno != EINTR) {
      const int why = errno;
      text_.clear();
      throw Error("cannot write to standard output: " + errno_text(why));
    }
  }
  text_.clear();
}

}  // namespace evd::evctl

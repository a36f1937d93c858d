#include "common/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/base/unique_fd.hpp"

namespace evd {
namespace {

[[noreturn]] void fail(const char* verb, const std::string& path) {
  const int error_number = errno;
  throw Error("cannot " + std::string(verb) + " \"" + path + "\": " + errno_text(error_number));
}

void write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Without it, the rename itself may be lost in a power cut.
void sync_directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const UniqueFd fd(
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) fail("sync the directory of", path);
}

void write_and_rename(const std::string& temporary, const UniqueFd& fd, const std::string& path,
                      std::string_view text, mode_t mode) {
  if (::fchmod(fd.get(), mode) != 0) fail("set the mode of", temporary);
  write_all(fd.get(), text, temporary);
  if (::fsync(fd.get()) != 0) fail("sync", temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail("replace", path);
}

}  // namespace

std::string read_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) fail("read", path);
  std::string text;
  std::array<char, 16384> buffer{};
  for (;;) {
    const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) fail("read", path);
    if (size == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

void write_file_atomically(const std::string& path, std::string_view text, mode_t mode) {
  std::string temporary = path + ".XXXXXX";
  const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) fail("write", path);
  try {
    write_and_rename(temporary, fd, path, text, mode);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_directory_of(path);
}

}  // namespace evd

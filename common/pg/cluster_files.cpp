#include "common/pg/cluster_files.hpp"

#include <cctype>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <deque>
#include <fstream>

#include "common/base/error.hpp"
#include "common/pg/error.hpp"

namespace evd::pg {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> read_lines(const fs::path& file) {
  std::vector<std::string> lines;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool exists(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

// A server's working directory is its data directory. Where /proc does not tell, it is assumed to
// be.
bool may_be_server_of(pid_t pid, const fs::path& data_directory) {
  std::error_code error;
  const fs::path cwd = fs::read_symlink("/proc/" + std::to_string(pid) + "/cwd", error);
  if (error) return true;
  const fs::path canonical = fs::canonical(data_directory, error);
  return error || cwd == canonical;
}

// A zombie is gone but for its parent's interest.
bool is_zombie(pid_t pid) {
  const std::string stat = first_line("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.substr(name_end, 3) == ") Z";
}

}  // namespace

std::optional<Postmaster> read_postmaster(const fs::path& data_directory) {
  const auto lines = read_lines(data_directory / "postmaster.pid");
  if (lines.empty()) return std::nullopt;
  pid_t pid = 0;
  std::from_chars(lines[0].data(), lines[0].data() + lines[0].size(), pid);
  if (pid <= 0 || !exists(pid) || is_zombie(pid) || !may_be_server_of(pid, data_directory)) {
    return std::nullopt;
  }
  constexpr std::size_t k_status_line = 7;
  std::string status = lines.size() > k_status_line ? one_line(lines[k_status_line]) : "";
  return Postmaster{pid, std::move(status)};
}

void remove_stale_pid_file(const fs::path& data_directory) {
  // PostgreSQL does this by itself, except where another process has got the number meanwhile.
  if (read_postmaster(data_directory)) return;
  pid_t pid = 0;
  const std::string line = first_line(data_directory / "postmaster.pid");
  std::from_chars(line.data(), line.data() + line.size(), pid);
  if (pid > 0 && exists(pid)) fs::remove(data_directory / "postmaster.pid");
}

std::string quote_setting(const std::string& value) {
  std::string quoted = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') quoted += c;
    quoted += c;
  }
  return quoted + "'";
}

std::string url_encode(const std::string& text) {
  static constexpr char k_digits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("-._~/").find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += {'%', k_digits[byte >> 4U], k_digits[byte & 15U]};
    }
  }
  return encoded;
}

std::string tail(const fs::path& file, std::uintmax_t offset) {
  constexpr std::size_t k_lines = 5;
  std::ifstream stream(file);
  stream.seekg(static_cast<std::streamoff>(offset));
  std::deque<std::string> last;
  for (std::string line; std::getline(stream, line);) {
    last.push_back(one_line(line));
    if (last.size() > k_lines) last.pop_front();
  }
  std::string text;
  for (const std::string& line : last) text += (text.empty() ? "" : "; ") + line;
  return text;
}

std::string first_line(const fs::path& file) {
  const auto lines = read_lines(file);
  return lines.empty() ? "" : lines.front();
}

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream stream(file, std::ios::trunc);
  stream << text << std::flush;
  if (!stream) throw evd::Error("cannot write " + file.string());
}

}  // namespace evd::pg

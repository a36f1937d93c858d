// A fresh directory under /tmp, removed with all it holds. Others may pass through it (0711), so
// that a server that dropped root's rights can live inside.
#pragma once

#include <filesystem>
#include <string>

namespace evd::test {

class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// Whole files; they throw evd::Error.
std::string read_file(const std::filesystem::path& file);
void write_file(const std::filesystem::path& file, const std::string& text);

}  // namespace evd::test

#include "tests/support/temp_dir.hpp"

#include <stdlib.h>

#include <fstream>
#include <iterator>
#include <system_error>

#include "common/base/error.hpp"

namespace evd::test {

namespace fs = std::filesystem;

TempDir::TempDir() {
  std::string name = "/tmp/evd-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw Error("cannot create a directory under /tmp");
  path_ = name;
  fs::permissions(path_, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string read_file(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw Error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_file(const fs::path& file, const std::string& text) {
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  stream << text << std::flush;
  if (!stream) throw Error("cannot write " + file.string());
}

}  // namespace evd::test

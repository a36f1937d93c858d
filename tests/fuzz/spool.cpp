// libFuzzer: whatever stands in a spool's file, opening it keeps whole frames and cuts off the
// rest. The first byte chooses: a payload that is decoded, or the bytes of a file.
#include "common/ingest/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>

namespace {

using evd::ingest::Frame;
using evd::ingest::Spool;

const std::filesystem::path& directory() {
  static const std::filesystem::path path = [] {
    std::string name = (std::filesystem::temp_directory_path() / "evd-fuzz-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    return std::filesystem::path(name);
  }();
  return path;
}

void check_payload(std::string_view text) {
  const auto frame = evd::ingest::decode(text);
  if (!frame) return;
  const auto again = evd::ingest::decode(evd::ingest::encode(*frame));
  if (!again || again->events != frame->events || again->uuid != frame->uuid) std::abort();
}

void check_file(std::string_view bytes) {
  const auto path = directory() / "spool";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    std::abort();
  ::close(fd);
  auto spool = Spool::open(directory(), 1 << 20);
  if (!spool) std::abort();
  if (spool->bytes() + spool->torn_bytes() != static_cast<std::int64_t>(bytes.size())) std::abort();
  spool->append({"00000000-0000-4000-8000-000000000000", {"{}"}, false});
  try {
    while (!spool->is_empty()) {
      spool->front();
      spool->pop();
    }
  } catch (const evd::Error&) {
    // A frame that is whole and holds something else: no crash makes it.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  data[0] % 2 == 0 ? check_payload(text) : check_file(text);
  return 0;
}

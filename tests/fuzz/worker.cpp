// libFuzzer: whatever a worker prints is cut into lines and read, or refused with words.
#include <cstdint>
#include <cstdlib>

#include "common/handlers/line_reader.hpp"
#include "common/handlers/worker_reply.hpp"

namespace {

constexpr std::size_t k_limit = 4096;

void check(std::string_view line, bool is_cut) {
  if (line.size() > k_limit) std::abort();
  if (is_cut || !evd::handlers::is_reply(line)) return;
  const auto reply = evd::handlers::parse_reply(line);
  const auto* problem = std::get_if<std::string>(&reply);
  if (problem != nullptr && problem->empty()) std::abort();
}

}  // namespace

// The first byte says in how large pieces it arrives.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] + std::size_t{1};
  evd::handlers::LineReader reader(k_limit);
  for (std::size_t at = 0; at < text.size(); at += piece)
    reader.append(text.substr(at, piece), check);
  reader.finish(check);
  return 0;
}

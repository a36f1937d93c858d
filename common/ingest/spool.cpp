#include "common/ingest/spool.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "common/base/digest.hpp"
#include "common/base/text.hpp"
#include "common/ingest/json_text.hpp"

namespace evd::ingest {
namespace {

using nlohmann::json;

constexpr std::string_view k_magic = "EVDF";
constexpr std::size_t k_digest = 32;
constexpr std::size_t k_header = 4 + 4 + k_digest;
constexpr std::uint32_t k_longest = 64U << 20U;  // of a payload; more is no frame

[[noreturn]] void fail(const std::string& what, int error) {
  throw Error("spool: " + what + ": " + errno_text(error));
}

bool is_no_room(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

std::string header_of(const std::string& payload) {
  std::string header(k_magic);
  const auto size = static_cast<std::uint32_t>(payload.size());
  for (unsigned shift = 0; shift < 32; shift += 8)
    header += static_cast<char>((size >> shift) & 0xffU);
  return header + sha256(payload);
}

std::uint32_t length_in(std::string_view header) {
  std::uint32_t size = 0;
  for (unsigned i = 0; i < 4; ++i)
    size |= static_cast<std::uint32_t>(static_cast<unsigned char>(header[4 + i])) << (8 * i);
  return size;
}

// 0, or errno.
int write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    data.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

std::string read_at(int fd, std::int64_t offset, std::size_t size) {
  std::string data(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t part =
        ::pread(fd, data.data() + got, size - got, offset + static_cast<std::int64_t>(got));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) fail("cannot read", errno);
    if (part == 0) break;
    got += static_cast<std::size_t>(part);
  }
  data.resize(got);
  return data;
}

// A new file's name is on the disk, too.
void sync_directory(const std::filesystem::path& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) fail("cannot sync its directory", errno);
}

}  // namespace

std::string encode(const Frame& frame) {
  std::string text = R"({"uuid":)" + json(frame.uuid).dump() +
                     ",\"keyed\":" + (frame.is_keyed ? "true" : "false") + ",\"events\":[";
  for (std::size_t i = 0; i < frame.events.size(); ++i)
    text += (i > 0 ? "," : "") + frame.events[i];
  return text + "]}";
}

std::optional<Frame> decode(std::string_view payload) {
  const json document = json::parse(payload, nullptr, false);
  if (!document.is_object() || !document.contains("uuid") || !document["uuid"].is_string() ||
      !document.contains("keyed") || !document["keyed"].is_boolean() ||
      !document.contains("events") || !document["events"].is_array())
    return std::nullopt;
  Frame frame{document["uuid"], {}, document["keyed"]};
  for (const Member& member : members_of(payload)) {
    if (member.name != "events") continue;
    frame.events.clear();
    for (const std::string_view event : elements_of(member.value)) frame.events.emplace_back(event);
  }
  return frame;
}

std::optional<Spool> Spool::open(const std::filesystem::path& directory, std::int64_t max_bytes) {
  std::error_code ignored;
  std::filesystem::create_directories(directory, ignored);
  const std::filesystem::path path = directory / "spool";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (file.get() < 0) fail("cannot open " + path.string(), errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::nullopt;
    fail("cannot lock " + path.string(), errno);
  }
  sync_directory(directory);
  Spool spool(directory, std::move(file), max_bytes);
  spool.find_frames();
  return spool;
}

Spool::Spool(std::filesystem::path directory, UniqueFd file, std::int64_t max_bytes)
    : directory_(std::move(directory)), file_(std::move(file)), max_bytes_(max_bytes) {}

void Spool::find_frames() {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) fail("cannot be looked at", errno);
  while (const auto payload = payload_at(end_))
    end_ += static_cast<std::int64_t>(k_header + payload->size());
  torn_ = status.st_size - end_;
  if (torn_ > 0) cut(end_);
}

// None: no whole frame begins there.
std::optional<std::string> Spool::payload_at(std::int64_t offset) const {
  const std::string header = read_at(file_.get(), offset, k_header);
  if (header.size() < k_header || !header.starts_with(k_magic)) return std::nullopt;
  const std::uint32_t size = length_in(header);
  if (size > k_longest) return std::nullopt;
  std::string payload = read_at(file_.get(), offset + static_cast<std::int64_t>(k_header), size);
  if (payload.size() < size || header.substr(8) != sha256(payload)) return std::nullopt;
  return payload;
}

void Spool::cut(std::int64_t size) const {
  if (::ftruncate(file_.get(), size) != 0 || ::fdatasync(file_.get()) != 0)
    fail("cannot be cut", errno);
}

void Spool::append(const Frame& frame) {
  const std::string payload = encode(frame);
  if (payload.size() > k_longest) throw SpoolFull("spool: a group is too large");
  const std::string data = header_of(payload) + payload;
  if (end_ + static_cast<std::int64_t>(data.size()) > max_bytes_)
    throw SpoolFull("spool: spool_max is reached");
  int error = write_all(file_.get(), data);
  if (error == 0 && ::fdatasync(file_.get()) != 0) error = errno;
  if (error != 0) {
    cut(end_);
    if (is_no_room(error)) throw SpoolFull("spool: " + errno_text(error));
    fail("cannot be written", error);
  }
  end_ += static_cast<std::int64_t>(data.size());
}

Frame Spool::front() const {
  const auto payload = payload_at(begin_);
  auto frame = payload ? decode(*payload) : std::nullopt;
  if (!frame) throw Error("spool: the frame at byte " + std::to_string(begin_) + " is damaged");
  return std::move(*frame);
}

void Spool::pop() {
  const auto payload = payload_at(begin_);
  if (!payload) throw Error("spool: the frame at byte " + std::to_string(begin_) + " is damaged");
  begin_ += static_cast<std::int64_t>(k_header + payload->size());
  if (begin_ < end_) return;
  begin_ = end_ = 0;
  cut(0);
}

void Spool::reject(const std::string& event, const std::string& reason) {
  const UniqueFd file(
      ::open(rejected_path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (file.get() < 0) fail("cannot open " + rejected_path().string(), errno);
  const std::string line = R"({"reason":)" +
                           json(reason).dump(-1, ' ', false, json::error_handler_t::replace) +
                           ",\"event\":" + event + "}\n";
  int error = write_all(file.get(), line);
  if (error == 0 && ::fdatasync(file.get()) != 0) error = errno;
  if (error != 0) fail("cannot write " + rejected_path().string(), error);
}

}  // namespace evd::ingest

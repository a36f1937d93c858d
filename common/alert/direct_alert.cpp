#include "common/alert/direct_alert.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <exception>

#include "common/base/file.hpp"
#include "common/base/unique_fd.hpp"

namespace evd::alert {
namespace {

using nlohmann::json;

constexpr std::int64_t k_retry_seconds = 60;  // after a channel failed

std::string iso_time(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::vector<std::string> targets(const Config& config, std::string_view kind) {
  std::vector<std::string> names;
  for (const auto& name : config.channels_of("default")) {
    const auto channel = config.channels.find(name);
    if (channel != config.channels.end() && channel->second.wants(kind)) names.push_back(name);
  }
  if (names.empty()) names.emplace_back(k_log_channel);
  return names;
}

ChannelConfig settings_of(const Config& config, const std::string& channel) {
  const auto found = config.channels.find(channel);
  return found == config.channels.end() ? ChannelConfig{} : found->second;
}

std::int64_t repeat_seconds(const Config& config, const std::string& channel) {
  return std::chrono::duration_cast<std::chrono::seconds>(settings_of(config, channel).repeat)
      .count();
}

// Whether the time noted under `key` is less than `span` ago. A clock that was set back does not
// silence for longer than that.
bool is_recent(const json& entry, const char* key, std::int64_t span, std::int64_t now) {
  const std::int64_t at = entry.value(key, std::int64_t{0});
  return at <= now ? now - at < span : at - now < span;
}

}  // namespace

// What is remembered, from the file under its lock; written back at the end if it has changed.
//   {"database_away": {"first_at": 1767225600, "channels": {"slack": {"told_at": …, "tried_at": …,
//    "owes_recovered": true}}}}
class DirectAlert::Memory {
 public:
  explicit Memory(DirectAlert& owner)
      : owner_(owner), path_(owner.state_dir_ + "/direct-alerts.json") {
    lock_.reset(::open((path_ + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0660));
    if (lock_) ::flock(lock_.get(), LOCK_EX);
    read();
    before_ = value;
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() {
    if (value == before_) return;
    owner_.last_known_ = value;
    try {
      write_file_atomically(path_, value.dump() + "\n");
    } catch (const std::exception& error) {
      owner_.logger_.error("cannot remember what was alerted; it may be told too often",
                           {{"error", error.what()}});
    }
  }

  json value;

 private:
  void read() {
    value = owner_.last_known_;
    if (::access(path_.c_str(), F_OK) != 0) return;
    try {
      json read = json::parse(read_file(path_));
      if (read.is_object()) value = std::move(read);
    } catch (const std::exception& error) {
      owner_.logger_.warn("cannot read what was alerted", {{"error", error.what()}});
    }
  }

  DirectAlert& owner_;
  std::string path_;
  UniqueFd lock_;
  json before_;
};

DirectAlert::DirectAlert(std::string state_dir, logging::Logger& logger, TimeOfDay now)
    : state_dir_(std::move(state_dir)), logger_(logger), now_(std::move(now)) {}

void DirectAlert::raise(const Config& config, Channels& channels, std::string_view trouble,
                        const std::string& error) {
  const std::string_view kind = trouble.substr(0, trouble.find(':'));
  try {
    Memory memory(*this);
    json& entry = memory.value[std::string(trouble)];
    if (!entry.contains("first_at")) entry["first_at"] = now_seconds();
    Alert alert = make_alert(config, kind, entry["first_at"]);
    alert.last_error = error;
    for (const auto& name : targets(config, kind)) {
      raise_on(config, *channels.at(name), alert, entry["channels"][name]);
    }
  } catch (const std::exception& failure) {
    logger_.error("cannot alert", {{"kind", kind}, {"error", failure.what()}});
  }
}

void DirectAlert::raise_on(const Config& config, Channel& channel, const Alert& alert, json& told) {
  if (told.is_null()) told = json::object();
  if (is_recent(told, "told_at", repeat_seconds(config, channel.name()), now_seconds()) ||
      is_recent(told, "tried_at", k_retry_seconds, now_seconds())) {
    return;
  }
  if (const auto failure = channel.send(alert)) {
    told["tried_at"] = now_seconds();
    logger_.warn("alert not sent, to be tried again",
                 {{"kind", alert.kind}, {"channel", channel.name()}, {"error", *failure}});
    return;
  }
  told = {{"told_at", now_seconds()}, {"owes_recovered", true}};
}

void DirectAlert::clear(const Config& config, Channels& channels, std::string_view trouble) {
  const std::string_view kind = trouble.substr(0, trouble.find(':'));
  try {
    if (last_known_.empty() && ::access((state_dir_ + "/direct-alerts.json").c_str(), F_OK) != 0) {
      return;
    }
    Memory memory(*this);
    const auto entry = memory.value.find(std::string(trouble));
    if (entry == memory.value.end()) return;
    Alert alert = make_alert(config, "recovered", entry->value("first_at", now_seconds()));
    alert.recovers = {std::string(kind)};
    bool owes = false;
    for (const auto& [name, told] : (*entry)["channels"].items()) {
      if (!told.value("owes_recovered", false)) continue;
      const auto channel = channels.find(name);
      const bool wanted = channel != channels.end() && settings_of(config, name).wants("recovered");
      if (wanted && is_recent(told, "tried_at", k_retry_seconds, now_seconds())) {
        owes = true;
      } else if (wanted && channel->second->send(alert)) {
        told["tried_at"] = now_seconds();
        owes = true;
      } else {
        told["owes_recovered"] = false;
      }
    }
    // What was told when stays, for `repeat`; the trouble itself is over.
    if (!owes) entry->erase("first_at");
  } catch (const std::exception& failure) {
    logger_.error("cannot alert", {{"kind", kind}, {"error", failure.what()}});
  }
}

Alert DirectAlert::make_alert(const Config& config, std::string_view kind,
                              std::int64_t first_at) const {
  Alert alert;
  alert.instance = config.database.instance;
  alert.kind = kind;
  alert.owner = "default";
  alert.first_at = iso_time(first_at);
  alert.last_at = iso_time(now_seconds());
  return alert;
}

std::int64_t DirectAlert::now_seconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(now_().time_since_epoch()).count();
}

}  // namespace evd::alert

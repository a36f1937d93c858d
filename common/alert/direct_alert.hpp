// Alerts that cannot wait in the database, because it is the trouble (database_away) or because it
// is not known which one it is (config_bad). They go to the channels of [owners.default], else to
// the log, at most once per `repeat` of each channel, and "recovered" follows where they went. What
// was told is kept in a small file in state_dir, so that this holds over restarts and between evd
// and evrecover. Owned by one thread; processes exclude each other by a lock on a file beside it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "common/alert/channel.hpp"

namespace evd::alert {

// Of kind database_away, but told and remembered apart from a database out of reach: it answers,
// and cannot be worked with.
inline constexpr std::string_view k_unfit_schema = "database_away:schema";

class DirectAlert {
 public:
  using TimeOfDay = std::function<std::chrono::system_clock::time_point()>;

  // Where the file cannot be kept, it is remembered for as long as this object lives. The logger
  // outlives it.
  DirectAlert(std::string state_dir, logging::Logger& logger,
              TimeOfDay now = std::chrono::system_clock::now);

  // There is this trouble now, a kind of alert or k_unfit_schema; to be called as often as it is
  // met. Never throws.
  void raise(const Config& config, Channels& channels, std::string_view trouble,
             const std::string& error);

  // There is none; likewise.
  void clear(const Config& config, Channels& channels, std::string_view trouble);

 private:
  class Memory;

  Alert make_alert(const Config& config, std::string_view kind, std::int64_t first_at) const;
  void raise_on(const Config& config, Channel& channel, const Alert& alert, nlohmann::json& told);
  std::int64_t now_seconds() const;

  std::string state_dir_;
  logging::Logger& logger_;
  TimeOfDay now_;
  nlohmann::json last_known_ = nlohmann::json::object();
};

}  // namespace evd::alert

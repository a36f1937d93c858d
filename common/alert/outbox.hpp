// The alerts that wait in the database, as a sender needs them: fold what was raised into groups,
// lease one that is due, say what became of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/alert/alert.hpp"
#include "common/config/config.hpp"

namespace evd::alert {

struct LeasedAlert {
  std::int64_t group = 0;
  Alert alert;
};

struct TakeAlert {
  std::int64_t token = 0;  // random; the lease's
  std::string channel;
  std::vector<std::string> known;  // every channel of this configuration
  bool include_args = false;
};

class Outbox {
 public:
  Outbox() = default;
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  virtual ~Outbox() = default;

  // How many rows were folded; 0: none are left, or somebody else folds. `routes`: see
  // routes_json().
  virtual int fold(const std::string& routes, int limit) = 0;
  // Leased for 60 s from here on; nothing: none is due.
  virtual std::optional<LeasedAlert> take(const TakeAlert& request) = 0;
  // What the channel took and is still unresolved, unless it was had here within `every`; without
  // that, as reminders, within its `repeat`.
  virtual std::vector<Alert> refresh(const std::string& channel,
                                     std::optional<Milliseconds> every) = 0;
  // False: the lease was lost, and another sender has the alert.
  virtual bool sent(std::int64_t group, std::int64_t token) = 0;
  virtual bool failed(std::int64_t group, std::int64_t token, const std::string& error) = 0;
};

// Who is told what, in the form that evd.alert_fold takes. Without `wait` no channel's group_wait
// counts.
std::string routes_json(const Config& config, bool wait);

}  // namespace evd::alert

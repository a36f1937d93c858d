// Turns SIGTERM, SIGINT and SIGHUP into Control. Made before any other thread, so that all of them
// inherit the blocked mask and only this one takes the signals.
#pragma once

#include <thread>

#include "common/base/unique_fd.hpp"
#include "daemon/control.hpp"

namespace evd::daemon {

class Signals {
 public:
  explicit Signals(Control& control);
  ~Signals();

 private:
  void run();

  Control& control_;
  UniqueFd signals_;
  EventFd quit_;
  std::jthread thread_;
};

}  // namespace evd::daemon

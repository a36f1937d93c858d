// SIGTERM and SIGINT as something to poll. Made before any thread, so that all inherit the blocked
// mask.
#pragma once

#include "common/base/unique_fd.hpp"

namespace evd::evrecover {

class StopSignals {
 public:
  StopSignals();

  int fd() const { return fd_.get(); }
  bool arrived();  // once true, always true

 private:
  UniqueFd fd_;
  bool arrived_ = false;
};

}  // namespace evd::evrecover

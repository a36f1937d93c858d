// A Linux eventfd: wakes a thread that waits in poll(). Any thread may signal.
#pragma once

#include "common/base/unique_fd.hpp"

namespace evd {

class EventFd {
 public:
  EventFd();  // throws evd::Error when the process is out of descriptors

  // Readable from signal() until clear().
  int fd() const { return fd_.get(); }
  void signal() const;
  void clear() const;

 private:
  UniqueFd fd_;
};

}  // namespace evd

// Hands values from many producer threads to one consumer, who waits in poll() for fd() to become
// readable. Unbounded: whoever feeds it bounds what is under way.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "common/base/event_fd.hpp"

namespace evd {

template <typename T>
class Mailbox {
 public:
  void push(T value) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(value));
    if (items_.size() == 1) ready_.signal();  // the consumer takes all at once
  }

  // Everything pushed so far, in order; empty when there is nothing. Never blocks.
  std::vector<T> drain() {
    const std::lock_guard lock(mutex_);
    if (!items_.empty()) ready_.clear();
    return std::exchange(items_, {});
  }

  int fd() const { return ready_.fd(); }

 private:
  std::mutex mutex_;  // guards items_, and that ready_ is signalled exactly while it is not empty
  std::vector<T> items_;
  EventFd ready_;
};

}  // namespace evd

#include "common/base/event_fd.hpp"

#include <sys/eventfd.h>

#include <cerrno>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace evd {

EventFd::EventFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!fd_) throw Error("eventfd: " + errno_text(errno));
}

// Neither result matters: a full counter is still readable, an empty one is already clear.
void EventFd::signal() const { (void)::eventfd_write(fd_.get(), 1); }

void EventFd::clear() const {
  eventfd_t count = 0;
  (void)::eventfd_read(fd_.get(), &count);
}

}  // namespace evd

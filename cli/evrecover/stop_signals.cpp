#include "cli/evrecover/stop_signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "common/base/error.hpp"

namespace evd::evrecover {

StopSignals::StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  fd_ = UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (fd_.get() < 0) throw Error("cannot listen to signals");
}

bool StopSignals::arrived() {
  signalfd_siginfo info{};
  if (read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) arrived_ = true;
  return arrived_;
}

}  // namespace evd::evrecover

#include "daemon/signals.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "common/base/error.hpp"

namespace evd::daemon {

Signals::Signals(Control& control) : control_(control) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  signals_ = UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (signals_.get() < 0) throw Error("cannot listen to signals");
  thread_ = std::jthread([this] { run(); });
}

Signals::~Signals() { quit_.signal(); }

void Signals::run() {
  while (true) {
    std::array<pollfd, 2> fds = {pollfd{signals_.get(), POLLIN, 0}, pollfd{quit_.fd(), POLLIN, 0}};
    poll(fds.data(), fds.size(), -1);
    if (fds[1].revents != 0) return;
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGHUP) {
        control_.reload = true;
      } else if (control_.stop.exchange(true)) {
        control_.interrupt = true;
      }
      control_.wake.signal();
    }
  }
}

}  // namespace evd::daemon

#include <csignal>

#include "cli/evctl/app.hpp"

int main(int argc, char** argv) {
  // A reader that has gone is met as EPIPE, by Output and by what feeds a handler.
  std::signal(SIGPIPE, SIG_IGN);
  return evd::evctl::run_command(argc, argv);
}

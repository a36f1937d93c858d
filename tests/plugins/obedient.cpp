// A plugin that does what an event's args say, as a JSON string: "crash", "fail", "permanent",
// "later", "odd" (throws no std::exception) or "hold" (waits for the file $EVD_TEST_RELEASE). All
// else is done. Each call is a line "id attempt key thread-name" in $EVD_TEST_CALLS, where that is
// set.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>

#include "evd/plugin.hpp"

namespace {

void note(const evd::Event& event) {
  const char* path = std::getenv("EVD_TEST_CALLS");
  if (path == nullptr) return;
  const std::string line = std::to_string(event.id()) + " " + std::to_string(event.attempt()) +
                           " " + std::string(event.idempotency_key()) + " " +
                           std::to_string(getpid()) + "\n";
  const int file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0666);
  if (write(file, line.data(), line.size()) < 0) std::abort();
  close(file);
}

void hold() {
  const char* path = std::getenv("EVD_TEST_RELEASE");
  while (path != nullptr && access(path, F_OK) != 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

class Obedient : public evd::Plugin {
 public:
  Obedient() {
    if (std::getenv("EVD_TEST_REFUSE") != nullptr) throw std::runtime_error("asked not to");
  }

  void run(const evd::Event& event) override {
    note(event);
    const auto args = event.args();
    if (args == R"("crash")") std::raise(SIGSEGV);
    if (args == R"("hold")") hold();
    if (args == R"("fail")") throw std::runtime_error("as it was told");
    if (args == R"("permanent")") throw evd::Permanent("never");
    if (args == R"("later")") throw evd::RetryAfter("not now", 30'000);
    if (args == R"("odd")") throw 42;  // NOLINT: that is what it is for
  }
};

}  // namespace

EVD_PLUGIN(Obedient)

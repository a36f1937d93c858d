// A plugin in C++: keeps a score for each kind of event, in a file that it appends to.
//
//   c++ -std=c++17 -shared -fPIC -o score.so score.cpp
//
//   [handlers.score]
//   plugin = "/usr/local/lib/evd/score.so"        # writes to $SCORE_FILE
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>

#include "evd/plugin.hpp"

class Score : public evd::Plugin {
 public:
  Score() {
    const char* path = std::getenv("SCORE_FILE");
    if (path == nullptr) throw std::runtime_error("set SCORE_FILE in evd's environment");
    file_.open(path, std::ios::app);
  }

  void run(const evd::Event& event) override {
    const std::lock_guard lock(mutex_);  // several threads call
    file_ << event.idempotency_key() << ' ' << event.event_name() << ' ' << event.args()
          << std::endl;
    if (!file_) throw evd::RetryAfter("the score cannot be written", 60'000);
  }

 private:
  std::mutex mutex_;  // guards file_
  std::ofstream file_;
};

EVD_PLUGIN(Score)

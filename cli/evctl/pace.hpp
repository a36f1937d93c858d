// Doing something to many events page by page, no faster than asked, and showing how far it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace evd::evctl {

class Pace {
 public:
  // `rate`: events a second; 0: as fast as it can.
  explicit Pace(std::int64_t rate) : rate_(rate) {}

  // Events of a transaction: about two a second where the rate is low. The first call starts the
  // time.
  std::int64_t page();

  // Sleeps until so many events may have been done.
  void keep(std::int64_t done) const;

 private:
  std::int64_t rate_;
  std::optional<std::chrono::steady_clock::time_point> start_;
};

// A line on stderr that is written over. Ends with its own line's end, if anything was shown.
class Progress {
 public:
  Progress(bool is_shown, std::int64_t total) : is_shown_(is_shown), total_(total) {}
  ~Progress() { end(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::int64_t done);
  void end();

 private:
  bool is_shown_;
  std::int64_t total_;
  bool is_open_ = false;  // its line is not ended
};

}  // namespace evd::evctl

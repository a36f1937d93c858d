#include "cli/evctl/pace.hpp"

#include <algorithm>
#include <iostream>
#include <thread>

namespace evd::evctl {
namespace {

constexpr std::int64_t k_page = 1'000;

}  // namespace

std::int64_t Pace::page() {
  if (!start_) start_ = std::chrono::steady_clock::now();
  return rate_ == 0 ? k_page : std::clamp<std::int64_t>(rate_ / 2, 1, k_page);
}

void Pace::keep(std::int64_t done) const {
  if (rate_ == 0 || !start_) return;
  std::this_thread::sleep_until(*start_ + std::chrono::milliseconds(done * 1'000 / rate_));
}

void Progress::show(std::int64_t done) {
  if (!is_shown_ || total_ == 0) return;
  std::cerr << "\r" << done << " of " << total_ << " events, " << done * 100 / total_ << " %  "
            << std::flush;
  is_open_ = true;
}

void Progress::end() {
  if (is_open_) std::cerr << "\n";
  is_open_ = false;
}

}  // namespace evd::evctl

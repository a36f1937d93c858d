#include "common/handlers/pace.hpp"

#include <cmath>

namespace evd::handlers {

namespace {

constexpr std::chrono::nanoseconds k_batch_time = std::chrono::milliseconds{50};
constexpr int k_growth = 4;  // of one batch over the last: the next events may be slower ones

}  // namespace

void Pace::passed(std::chrono::nanoseconds took) {
  if (singles_ > 0) {
    --singles_;
    return;
  }
  const int ran = limit();
  if (suspects_ > 0) {
    suspects_ = std::max(suspects_ - ran, 0);
    if (suspects_ > 0) return;
  }
  const double nanoseconds = std::max(static_cast<double>(took.count()), 1.0);
  const double fitting = ran * (static_cast<double>(k_batch_time.count()) / nanoseconds);
  const double grown = std::min(fitting, static_cast<double>(ran) * k_growth);
  target_ = static_cast<int>(std::clamp(std::floor(grown), 1.0, static_cast<double>(batch_)));
}

void Pace::run_singly() {
  singles_ = limit();
  suspects_ = 0;
}

void Pace::go_singly() {
  if (singles_ > 0) --singles_;
  suspects_ = 0;
  target_ = 1;
}

}  // namespace evd::handlers

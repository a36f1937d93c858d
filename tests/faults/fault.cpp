// What the programs in build/…/faulty do between their statements. EVD_FAULT="after claim" kills
// the process there, EVD_FAULT="after claim 3" the third time it comes there; EVD_FAULT_LOG=FILE
// appends the name of each place that it comes to, once.
#include "common/pg/fault.hpp"

#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <set>
#include <string>

namespace evd::pg {
namespace {

bool is_name(char c) { return c == '_' || (c >= 'a' && c <= 'z'); }

// The first thing of evd's that a statement names, or the statement's first word.
std::string name_of(std::string_view sql) {
  const std::size_t found = sql.find("evd.");
  std::size_t begin = found == std::string_view::npos ? 0 : found + 4;
  std::size_t end = begin;
  while (end < sql.size() && is_name(sql[end])) ++end;
  return std::string(sql.substr(begin, end - begin));
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Statements come from several threads.
class Faults {
 public:
  void come_to(const std::string& place) {
    const std::lock_guard lock(mutex_);
    if (!log_.empty() && seen_.insert(place).second) {
      std::ofstream(log_, std::ios::app) << place << "\n";
    }
    const bool is_it = fault_ == place || fault_.starts_with(place + " ");
    if (!is_it) return;
    const int nth = fault_ == place ? 1 : std::stoi(fault_.substr(place.size()));
    if (++times_ == nth) raise(SIGKILL);
  }

 private:
  const std::string fault_ = variable("EVD_FAULT");
  const std::string log_ = variable("EVD_FAULT_LOG");
  std::mutex mutex_;  // guards what follows
  std::set<std::string> seen_;
  int times_ = 0;
};

}  // namespace

void fault_point(FaultPlace place, std::string_view sql) {
  static Faults faults;
  faults.come_to((place == FaultPlace::k_before ? "before " : "after ") + name_of(sql));
}

}  // namespace evd::pg

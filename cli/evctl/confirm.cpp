#include "cli/evctl/confirm.hpp"

#include <unistd.h>

#include <iostream>

#include "common/base/error.hpp"

namespace evd::evctl {

bool confirm(const std::string& question, const std::string& unattended) {
  if (::isatty(STDIN_FILENO) == 0) throw ConfigError(unattended);
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace evd::evctl

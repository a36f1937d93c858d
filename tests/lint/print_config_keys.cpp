// Prints every configuration key that the loader knows, for docs.py to look up in the documents;
// or, given a file, loads it and prints what is wrong with it. (evd --check-config refuses more:
// what this build cannot run.)
#include <iostream>

#include "common/base/error.hpp"
#include "common/config/load.hpp"

int main(int argc, char** argv) {
  try {
    if (argc > 1) {
      evd::load_config(argv[1]);
      return 0;
    }
    for (const std::string& key : evd::config_keys()) std::cout << key << '\n';
    return 0;
  } catch (const evd::ConfigError& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}

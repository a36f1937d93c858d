// Prints every configuration key that the loader knows, for docs.py to look up in the documents.
#include <iostream>

#include "common/config/load.hpp"

int main() {
  for (const std::string& key : evd::config_keys()) {
    std::cout << key << '\n';
  }
}

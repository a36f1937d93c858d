// A plugin's shared object and what it opened for one handler. Its functions may be called from any
// thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/error.hpp"
#include "common/handlers/handler.hpp"
#include "evd/plugin.h"

namespace evd::handlers {

// The object cannot be loaded, is no plugin, or is one for another interface.
class PluginError : public ConfigError {
 public:
  using ConfigError::ConfigError;
};

// Loads the object and looks at its table, without opening it. Throws PluginError.
void check_plugin(const std::string& path);

class PluginLibrary {
 public:
  // Throws PluginError. The object stays loaded until the process ends.
  PluginLibrary(const std::string& path, const std::string& handler);
  PluginLibrary(const PluginLibrary&) = delete;
  PluginLibrary& operator=(const PluginLibrary&) = delete;
  ~PluginLibrary();

  // Runs attempts first … first + count - 1 in the calling thread; an outcome for each, in their
  // order.
  std::vector<journal::Outcome> run(const std::vector<Attempt>& attempts, std::size_t first,
                                    std::size_t count, const std::string& instance) const;

 private:
  const std::string handler_;
  const evd_plugin* plugin_ = nullptr;
  void* state_ = nullptr;
};

}  // namespace evd::handlers

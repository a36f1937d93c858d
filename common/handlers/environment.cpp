#include "common/handlers/environment.hpp"

#include "common/handlers/child.hpp"

namespace evd::handlers {

std::map<std::string, std::string> handler_environment(const HandlerConfig& config) {
  std::map<std::string, std::string> variables = config.env;
  variables.emplace("PATH", k_handler_path);
  variables.emplace("LANG", k_handler_lang);
  variables["EVD_HANDLER"] = config.name;
  for (const char* each_attempt : {"EVD_EVENT_ID", "EVD_EVENT_NAME", "EVD_ATTEMPT",
                                   "EVD_MAX_ATTEMPTS", "EVD_IDEMPOTENCY_KEY"}) {
    variables.erase(each_attempt);
  }
  return variables;
}

}  // namespace evd::handlers

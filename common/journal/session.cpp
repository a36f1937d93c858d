#include "common/journal/session.hpp"

namespace evd::journal {

pg::ConnectOptions session_options(const Config& config, const std::string& name) {
  pg::ConnectOptions options;
  options.url = config.database.url;
  options.application_name = name;
  options.settings = {{"idle_in_transaction_session_timeout",
                       std::to_string((config.recovery.node_timeout / 2).count())},
                      {"jit", "off"}};
  return options;
}

}  // namespace evd::journal

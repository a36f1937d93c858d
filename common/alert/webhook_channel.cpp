#include "common/alert/webhook_channel.hpp"

#include <chrono>
#include <exception>

#include "common/alert/http_client.hpp"
#include "common/base/webhook_signature.hpp"

namespace evd::alert {

std::optional<std::string> WebhookChannel::send(const Alert& alert) {
  try {
    const std::string body =
        to_json(alert).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    // Receivers refuse signatures that are old by their clock: this is the time of day, not the
    // database's time.
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto timestamp = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    return post_json(config_.target.url,
                     webhook_headers(config_.target.secrets, alert.message_id(), timestamp, body),
                     body);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace evd::alert

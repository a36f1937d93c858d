#include "common/alert/slack_channel.hpp"

#include <exception>

#include "common/alert/http_client.hpp"
#include "common/base/text.hpp"

namespace evd::alert {
namespace {

constexpr std::size_t k_max_headline = 500;
constexpr std::size_t k_max_block = 2'900;  // Slack refuses more than 3,000 characters

// The form of one byte of a text; nothing: as it is.
std::string_view escaped(char character) {
  switch (character) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '@':
      return "@\u200b";  // "@channel" is no longer a word that Slack knows
    default:
      return {};
  }
}

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

nlohmann::json section(std::string_view type, const std::string& text) {
  nlohmann::json object = {{"type", type}, {"text", text}};
  // Neither may Slack look for links and names in it, nor for emoji.
  if (type == "mrkdwn") {
    object["verbatim"] = true;
  } else {
    object["emoji"] = false;
  }
  return {{"type", "section"}, {"text", object}};
}

}  // namespace

std::string escape_slack(std::string_view text, std::size_t max_bytes) {
  const std::string valid = truncate_utf8(text, text.size() * 3);
  std::string result;
  for (std::size_t i = 0; i < valid.size();) {
    std::size_t end = i + 1;
    while (end < valid.size() && continues_character(valid[end])) ++end;
    const std::string_view replaced = escaped(valid[i]);
    const std::string_view piece =
        replaced.empty() ? std::string_view(valid).substr(i, end - i) : replaced;
    if (result.size() + piece.size() > max_bytes) break;
    result += piece;
    i = end;
  }
  return result;
}

nlohmann::json slack_message(const Alert& alert) {
  const std::string headline = escape_slack(alert.headline(), k_max_headline);
  auto blocks = nlohmann::json::array();
  blocks.push_back(section("mrkdwn", headline));
  if (const std::string details = escape_slack(alert.details(), k_max_block); !details.empty()) {
    blocks.push_back(section("plain_text", details));
  }
  return {{"text", headline}, {"blocks", std::move(blocks)}};
}

std::optional<std::string> SlackChannel::send(const Alert& alert) {
  try {
    return post_json(config_.target.url, {}, slack_message(alert).dump());
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace evd::alert

#include "common/base/webhook_signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "common/base/base64.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace evd {
namespace {

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string decode_base64(std::string text) {
  const std::size_t unpadded = text.find_last_not_of('=') + 1;
  text.resize(unpadded);
  while (text.size() % 4 != 0) text.push_back('=');
  const std::size_t padding = text.size() - unpadded;
  std::string decoded(text.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(decoded.data()), bytes(text),
                                     static_cast<int>(text.size()));
  if (length < 0 || padding > 2) throw Error("a webhook secret after whsec_ must be base64");
  decoded.resize(static_cast<std::size_t>(length) - padding);
  return decoded;
}

std::string key_of(std::string_view secret) {
  constexpr std::string_view k_prefix = "whsec_";
  if (secret.starts_with(k_prefix))
    return decode_base64(std::string(secret.substr(k_prefix.size())));
  return std::string(secret);
}

}  // namespace

std::string sign_webhook(std::string_view secret, std::string_view id, std::int64_t timestamp,
                         std::string_view body) {
  const std::string key = key_of(secret);
  const std::string signed_text =
      std::string(id) + "." + std::to_string(timestamp) + "." + std::string(body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes(signed_text),
           signed_text.size(), digest.data(), &size) == nullptr) {
    throw Error("cannot sign a webhook");
  }
  return "v1," + base64({reinterpret_cast<const char*>(digest.data()), size});
}

std::vector<std::string> webhook_headers(const std::vector<std::string>& secrets,
                                         const std::string& id, std::int64_t timestamp,
                                         std::string_view body) {
  std::vector<std::string> headers = {"webhook-id: " + id,
                                      "webhook-timestamp: " + std::to_string(timestamp)};
  std::vector<std::string> signatures;
  for (const auto& secret : secrets)
    signatures.push_back(sign_webhook(secret, id, timestamp, body));
  if (!signatures.empty()) headers.push_back("webhook-signature: " + join(signatures, " "));
  return headers;
}

}  // namespace evd

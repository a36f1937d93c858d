// The Standard Webhooks signature, version 1: HMAC-SHA256 over "id.timestamp.body". Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace evd {

// "v1,<base64>". A secret that begins with whsec_ is base64; any other is taken as it stands.
// Throws evd::Error when a whsec_ secret is not base64.
std::string sign_webhook(std::string_view secret, std::string_view id, std::int64_t timestamp,
                         std::string_view body);

// The header lines webhook-id, webhook-timestamp and, with secrets, webhook-signature: one
// signature for each secret, so that a receiver can change over.
std::vector<std::string> webhook_headers(const std::vector<std::string>& secrets,
                                         const std::string& id, std::int64_t timestamp,
                                         std::string_view body);

}  // namespace evd

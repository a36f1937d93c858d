// One POST of JSON, or one GET: 5 s to connect, 15 s in all, no redirects, TLS verified. Whatever
// it reports names the host and never the rest of the URL, which may be a secret. Any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace evd::alert {

// Nothing: answered with 2xx. Else the reason. Never throws.
std::optional<std::string> post_json(const std::string& url,
                                     const std::vector<std::string>& headers,  // "name: value"
                                     const std::string& body);

// The same with another type of body; `answer` gets the first 4 KiB of what was answered.
std::optional<std::string> post(const std::string& url, const std::string& content_type,
                                const std::vector<std::string>& headers, const std::string& body,
                                std::string* answer);

// The same for a GET, whose body is of no interest: a heartbeat.
std::optional<std::string> fetch(const std::string& url);

}  // namespace evd::alert

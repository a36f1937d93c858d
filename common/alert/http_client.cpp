#include "common/alert/http_client.hpp"

#include <exception>

#include "common/base/curl.hpp"

namespace evd::alert {
namespace {

constexpr const char* k_json = "application/json";

// Without a body it is a GET.
std::optional<std::string> request(const std::string& url, const std::string& content_type,
                                   std::vector<std::string> lines, const std::string* body,
                                   std::string& answer) {
  lines.insert(lines.begin(), "Content-Type: " + content_type);
  const CurlEasy easy(curl_easy_init());
  if (!easy) return "out of memory";
  const CurlHeaders headers = curl_headers(lines);
  set_up(easy.get(), {.url = url, .headers = headers.get(), .body = body, .answer = &answer});
  const CURLcode code = curl_easy_perform(easy.get());
  // Not curl's longer error text: it may quote the URL.
  const std::string host = host_of(url);
  if (code != CURLE_OK)
    return (host.empty() ? "the channel's host" : host) + ": " + curl_easy_strerror(code);
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300) return std::nullopt;
  return refusal(status, answer, url);
}

}  // namespace

std::optional<std::string> post(const std::string& url, const std::string& content_type,
                                const std::vector<std::string>& headers, const std::string& body,
                                std::string* answer) {
  try {
    return request(url, content_type, headers, &body, *answer);
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::optional<std::string> post_json(const std::string& url,
                                     const std::vector<std::string>& headers,
                                     const std::string& body) {
  std::string answer;
  return post(url, k_json, headers, body, &answer);
}

std::optional<std::string> fetch(const std::string& url) {
  try {
    std::string answer;
    return request(url, k_json, {}, nullptr, answer);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace evd::alert

#include "common/base/curl.hpp"

#include <algorithm>
#include <new>
#include <string_view>

#include "common/base/text.hpp"

namespace evd {
namespace {

constexpr std::size_t k_max_kept_body = 4'096;
constexpr std::size_t k_max_shown_body = 200;

std::string url_part(const std::string& url, CURLUPart part) {
  const CurlUrl parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  char* text = nullptr;
  if (curl_url_get(parsed.get(), part, &text, 0) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, curl_free);
  return text;
}

// An answer may repeat the path it was asked for ("/services/… was not found").
bool repeats_secret(std::string_view body, const std::string& url) {
  for (const auto part : {CURLUPART_PATH, CURLUPART_QUERY, CURLUPART_PASSWORD}) {
    const std::string text = url_part(url, part);
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find_first_of("/&=", begin), text.size());
      if (end - begin >= 6 && body.find(text.substr(begin, end - begin)) != body.npos) return true;
      begin = end + 1;
    }
  }
  return false;
}

std::size_t keep_body(char* data, std::size_t, std::size_t size, void* target) {
  auto& body = *static_cast<std::string*>(target);
  body.append(data, std::min(size, k_max_kept_body - std::min(body.size(), k_max_kept_body)));
  return size;
}

}  // namespace

CurlHeaders curl_headers(const std::vector<std::string>& lines) {
  CurlHeaders headers;
  for (const auto& line : lines) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(headers.release());
    headers.reset(longer);
  }
  return headers;
}

void set_up(CURL* easy, const CurlRequest& request) {
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "evd");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request.headers);
  if (request.body != nullptr) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body->size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body->c_str());
  }
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, request.answer);
}

std::string host_of(const std::string& url) { return url_part(url, CURLUPART_HOST); }

std::string refusal(long status, const std::string& answer, const std::string& url) {
  std::string reason = host_of(url) + " answered " + std::to_string(status);
  const std::string shown = trim(truncate_utf8(answer, k_max_shown_body));
  if (!shown.empty() && !repeats_secret(answer, url)) reason += ": " + shown;
  return reason;
}

}  // namespace evd

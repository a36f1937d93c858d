#include "common/alert/http_client.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <string_view>

#include "common/base/text.hpp"

namespace evd::alert {
namespace {

constexpr long k_connect_timeout_ms = 5'000;
constexpr long k_total_timeout_ms = 15'000;
constexpr std::size_t k_max_kept_body = 4'096;  // the rest of an answer is read and dropped
constexpr std::size_t k_max_shown_body = 200;

struct FreeHeaders {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Headers = std::unique_ptr<curl_slist, FreeHeaders>;
using Easy = std::unique_ptr<CURL, FreeEasy>;

std::string url_part(const std::string& url, CURLUPart part) {
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  char* text = nullptr;
  if (curl_url_get(parsed.get(), part, &text, 0) != CURLUE_OK) return {};
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, curl_free);
  return text;
}

std::string host_of(const std::string& url) {
  const std::string host = url_part(url, CURLUPART_HOST);
  return host.empty() ? "the channel's host" : host;
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

Headers make_headers(const std::vector<std::string>& lines) {
  Headers headers(curl_slist_append(nullptr, "Content-Type: application/json"));
  for (const auto& line : lines) {
    if (auto* longer = curl_slist_append(headers.get(), line.c_str())) {
      static_cast<void>(headers.release());
      headers.reset(longer);
    }
  }
  return headers;
}

// Without a body it is a GET.
CURLcode perform(CURL* easy, const std::string& url, curl_slist* headers, const std::string* body,
                 std::string& answer) {
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, k_connect_timeout_ms);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, k_total_timeout_ms);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "evd");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  if (body != nullptr) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->c_str());
  }
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
  return curl_easy_perform(easy);
}

std::string refusal(long status, const std::string& answer, const std::string& url) {
  std::string reason = host_of(url) + " answered " + std::to_string(status);
  const std::string shown = trim(truncate_utf8(answer, k_max_shown_body));
  if (!shown.empty() && !repeats_secret(answer, url)) reason += ": " + shown;
  return reason;
}

std::optional<std::string> request(const std::string& url, const std::vector<std::string>& lines,
                                   const std::string* body) {
  const Easy easy(curl_easy_init());
  const Headers headers = make_headers(lines);
  if (!easy || !headers) return "out of memory";
  std::string answer;
  const CURLcode code = perform(easy.get(), url, headers.get(), body, answer);
  // Not curl's longer error text: it may quote the URL.
  if (code != CURLE_OK) return host_of(url) + ": " + curl_easy_strerror(code);
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300) return std::nullopt;
  return refusal(status, answer, url);
}

}  // namespace

std::optional<std::string> post_json(const std::string& url,
                                     const std::vector<std::string>& headers,
                                     const std::string& body) {
  try {
    return request(url, headers, &body);
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::optional<std::string> fetch(const std::string& url) {
  try {
    return request(url, {}, nullptr);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace evd::alert

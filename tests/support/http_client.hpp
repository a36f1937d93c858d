// Requests as a program would make them, over a connection that is kept.
#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace evd::test {

struct HttpReply {
  long status = 0;  // 0: none
  std::string body;
  std::map<std::string, std::string> headers;  // names in lower case

  nlohmann::json parsed() const { return nlohmann::json::parse(body, nullptr, false); }
};

// A keep-alive connection to one daemon.
class HttpClient {
 public:
  explicit HttpClient(std::string base, std::string socket = {})
      : base_(std::move(base)), socket_(std::move(socket)), curl_(curl_easy_init()) {}
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient() { curl_easy_cleanup(curl_); }

  HttpReply post(const std::string& body, const std::vector<std::string>& headers = {},
                 const std::string& path = "/v1/events") {
    curl_easy_setopt(curl_, CURLOPT_POST, 1L);
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl_, CURLOPT_COPYPOSTFIELDS, body.c_str());
    return perform(path, headers);
  }

  HttpReply get(const std::string& path, const std::vector<std::string>& headers = {}) {
    curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
    return perform(path, headers);
  }

 private:
  static std::size_t add(const char* data, std::size_t, std::size_t size, void* text) {
    static_cast<std::string*>(text)->append(data, size);
    return size;
  }

  static std::size_t add_header(const char* data, std::size_t, std::size_t size, void* answer) {
    const std::string line(data, size);
    if (const auto colon = line.find(": "); colon != std::string::npos) {
      std::string name = line.substr(0, colon);
      std::transform(name.begin(), name.end(), name.begin(), ::tolower);
      static_cast<HttpReply*>(answer)->headers[name] =
          line.substr(colon + 2, line.find_last_not_of("\r\n") - colon - 1);
    }
    return size;
  }

  HttpReply perform(const std::string& path, const std::vector<std::string>& headers) {
    HttpReply answer;
    curl_slist* list = nullptr;
    for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
    const std::string url = base_ + path;
    curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
    if (!socket_.empty()) curl_easy_setopt(curl_, CURLOPT_UNIX_SOCKET_PATH, socket_.c_str());
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &HttpClient::add);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, &HttpClient::add_header);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &answer);
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
    if (curl_easy_perform(curl_) == CURLE_OK)
      curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_slist_free_all(list);
    return answer;
  }

  std::string base_, socket_;
  CURL* curl_;
};

}  // namespace evd::test

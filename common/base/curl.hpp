// libcurl's handles, freed at the end of their scope, and what all requests of evd's have in
// common.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.hpp"

namespace evd {

struct FreeCurl {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeCurlMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using CurlEasy = std::unique_ptr<CURL, FreeCurl>;
using CurlMulti = std::unique_ptr<CURLM, FreeCurlMulti>;
using CurlHeaders = std::unique_ptr<curl_slist, FreeCurl>;
using CurlUrl = std::unique_ptr<CURLU, FreeCurl>;

// "name: value" each; null for none. Throws std::bad_alloc.
CurlHeaders curl_headers(const std::vector<std::string>& lines);

struct CurlRequest {
  std::string url;
  curl_slist* headers = nullptr;      // these three belong to the caller and outlive the request
  const std::string* body = nullptr;  // a POST; null: a GET
  std::string* answer = nullptr;      // gets the first 4 KiB of the body; the rest is dropped
  Milliseconds connect_timeout{5'000};
  Milliseconds timeout{15'000};
};

// http and https only, no redirects, no proxy of the environment's, TLS verified.
void set_up(CURL* easy, const CurlRequest& request);

// "crm.example", for messages: the rest of a URL may be a secret. Empty where there is none.
std::string host_of(const std::string& url);

// "crm.example answered 500: out of stock". The answer's beginning is left out where it repeats
// parts of the URL, which may be a secret.
std::string refusal(long status, const std::string& answer, const std::string& url);

}  // namespace evd

#include "common/alert/email_channel.hpp"

#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>

#include "common/base/base64.hpp"
#include "common/base/curl.hpp"
#include "common/base/text.hpp"

namespace evd::alert {
namespace {

constexpr std::size_t k_max_subject = 200;
constexpr std::size_t k_base64_line = 76;
constexpr long k_connect_timeout_ms = 5'000;
constexpr long k_timeout_ms = 30'000;

// An event's name or a file's text must not begin a header of its own.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

// RFC 2047, in words that are short enough.
std::string encoded_words(const std::string& text) {
  constexpr std::size_t k_bytes = 39;  // of a word: 52 characters in base64
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    std::string piece = truncate_utf8(std::string_view(text).substr(at), k_bytes);
    if (piece.empty()) break;
    at += piece.size();
    result += (result.empty() ? "" : "\r\n ") + std::string("=?utf-8?B?") + base64(piece) + "?=";
  }
  return result;
}

std::string wrapped(const std::string& text) {
  std::string lines;
  for (std::size_t at = 0; at < text.size(); at += k_base64_line)
    lines += text.substr(at, k_base64_line) + "\r\n";
  return lines;
}

std::string mail_date(std::int64_t now) {
  const time_t time = now;
  tm parts{};
  gmtime_r(&time, &parts);
  static const std::array<const char*, 7> k_days = {"Sun", "Mon", "Tue", "Wed",
                                                    "Thu", "Fri", "Sat"};
  static const std::array<const char*, 12> k_months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 32> rest{};
  strftime(rest.data(), rest.size(), "%Y %H:%M:%S +0000", &parts);
  return std::string(k_days.at(static_cast<std::size_t>(parts.tm_wday))) + ", " +
         std::to_string(parts.tm_mday) + " " + k_months.at(static_cast<std::size_t>(parts.tm_mon)) +
         " " + rest.data();
}

// "<shop.A17.1764270000@evd>": only what a Message-ID may hold.
std::string mail_id(const Alert& alert, std::int64_t now) {
  std::string id = alert.message_id() + "." + std::to_string(now);
  std::replace_if(
      id.begin(), id.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; },
      '.');
  return "<" + id + "@evd>";
}

struct Upload {
  const std::string& text;
  std::size_t at = 0;
};

std::size_t read_upload(char* buffer, std::size_t size, std::size_t count, void* from) {
  auto& upload = *static_cast<Upload*>(from);
  const std::size_t bytes = std::min(size * count, upload.text.size() - upload.at);
  upload.text.copy(buffer, bytes, upload.at);
  upload.at += bytes;
  return bytes;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// Where a plain connection is asked for, or the server is on this machine and offers no better.
long wanted_tls(const ChannelTarget& target) {
  if (!target.starttls) return CURLUSESSL_NONE;
  return is_loopback(host_of(target.smtp)) ? CURLUSESSL_TRY : CURLUSESSL_ALL;
}

}  // namespace

std::string mail_text(const ChannelTarget& target, const Alert& alert, std::int64_t now) {
  std::string to;
  for (const std::string& address : target.to) to += (to.empty() ? "" : ", ") + one_line(address);
  const std::string subject = truncate_utf8(one_line(alert.headline()), k_max_subject);
  return "From: " + one_line(target.from) + "\r\nTo: " + to +
         "\r\nSubject: " + encoded_words(subject) + "\r\nDate: " + mail_date(now) +
         "\r\nMessage-ID: " + mail_id(alert, now) +
         "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
         "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
         wrapped(base64(alert.text() + "\n"));
}

std::optional<std::string> EmailChannel::send(const Alert& alert) {
  try {
    const ChannelTarget& target = config_.target;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::string text =
        mail_text(target, alert, std::chrono::duration_cast<std::chrono::seconds>(now).count());
    Upload upload{text};
    const CurlEasy easy(curl_easy_init());
    if (!easy) return "out of memory";
    std::vector<std::string> addresses;
    for (const std::string& address : target.to) addresses.push_back("<" + one_line(address) + ">");
    const CurlHeaders recipients = curl_headers(addresses);
    const std::string from = "<" + one_line(target.from) + ">";
    curl_easy_setopt(easy.get(), CURLOPT_URL, target.smtp.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT_MS, k_connect_timeout_ms);
    curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, k_timeout_ms);
    curl_easy_setopt(easy.get(), CURLOPT_USE_SSL, wanted_tls(target));
    if (!target.ca_file.empty())
      curl_easy_setopt(easy.get(), CURLOPT_CAINFO, target.ca_file.c_str());
    if (!target.username.empty()) {
      curl_easy_setopt(easy.get(), CURLOPT_USERNAME, target.username.c_str());
      curl_easy_setopt(easy.get(), CURLOPT_PASSWORD, target.password.c_str());
    }
    curl_easy_setopt(easy.get(), CURLOPT_MAIL_FROM, from.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_MAIL_RCPT, recipients.get());
    curl_easy_setopt(easy.get(), CURLOPT_READFUNCTION, &read_upload);
    curl_easy_setopt(easy.get(), CURLOPT_READDATA, &upload);
    curl_easy_setopt(easy.get(), CURLOPT_UPLOAD, 1L);
    const CURLcode code = curl_easy_perform(easy.get());
    if (code == CURLE_OK) return std::nullopt;
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    return host_of(target.smtp) + ": " + curl_easy_strerror(code) +
           (status > 0 ? " (" + std::to_string(status) + ")" : "");
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace evd::alert

#include "common/pg/connect.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <map>
#include <memory>
#include <new>
#include <regex>

namespace evd::pg {

namespace {

using Handle = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Keywords = std::map<std::string, std::string>;

Error unconnected(ErrorFields fields) {
  fields.session_ended = true;
  return Error(std::move(fields));
}

Error unreadable(std::string why) {
  return unconnected({.sqlstate = {}, .primary = std::move(why), .detail = {}, .hint = {}});
}

// A password with a raw @ or / is cut in the wrong place, and then libpq's messages show the rest
// of it as a host, a port or a database. Such a URL is refused before anything is made of it.
bool may_leak_password(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return false;
  const std::string_view rest = std::string_view(url).substr(scheme + 3);
  const auto first_at = rest.find('@');
  if (first_at == std::string_view::npos) return false;
  const auto query = rest.find('?');
  const auto last_at = rest.substr(0, query).rfind('@');
  const bool query_inside_password = query < first_at && rest.substr(0, query).find(':') < query &&
                                     rest.substr(0, query).find('/') == std::string_view::npos;
  if (query_inside_password) return true;
  if (last_at == std::string_view::npos) return false;
  return last_at != first_at || rest.substr(0, last_at).find('/') != std::string_view::npos;
}

Keywords parse_url(const std::string& url) {
  if (may_leak_password(url)) {
    throw unreadable(
        "cannot read the database URL: in the user name and the password @ must be written as %40, "
        "/ as %2F, ? as %3F");
  }
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(url.c_str(), &message), &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> owned(message, &PQfreemem);
  if (!options) {
    const bool secret =
        url.find('@') != std::string::npos || url.find("password") != std::string::npos;
    throw unreadable("cannot read the database URL" +
                     (secret || message == nullptr
                          ? std::string(" (not shown: it may hold a password)")
                          : ": " + one_line(message)));
  }
  Keywords keywords;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) keywords[option->keyword] = option->val;
  }
  return keywords;
}

// What the URL does not say. A peer that vanished is noticed within about a minute.
void add_defaults(Keywords& keywords, const ConnectOptions& options) {
  keywords.insert({{"keepalives", "1"},
                   {"keepalives_idle", "20"},
                   {"keepalives_interval", "5"},
                   {"keepalives_count", "4"},
                   {"tcp_user_timeout", "40000"},
                   {"fallback_application_name", options.application_name}});
  if (options.connect_timeout.count() > 0) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.connect_timeout);
    keywords.emplace("connect_timeout", std::to_string(seconds.count()));
  }
  keywords["client_encoding"] = "UTF8";
}

std::string keyword_value(PGconn* connection, const std::string& keyword) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfo(connection),
                                                                             &PQconninfoFree);
  for (const auto* option = options.get(); option && option->keyword != nullptr; ++option) {
    if (keyword == option->keyword && option->val != nullptr) return option->val;
  }
  return {};
}

bool several_hosts(PGconn* connection) {
  return (keyword_value(connection, "host") + keyword_value(connection, "hostaddr")).find(',') !=
         std::string::npos;
}

// "...: FATAL:  28P01: password ... LOCATION:  auth_failed, auth.c:326" -> its code, and the rest.
Error connect_error(PGconn* connection) {
  std::string text = PQerrorMessage(connection);
  ErrorFields fields;
  static const std::regex code(":  ([0-9A-Z]{5}): ");
  for (std::smatch match; std::regex_search(text, match, code);) {
    fields.sqlstate = match[1];
    text = match.prefix().str() + ": " + match.suffix().str();
  }
  static const std::regex location("\nLOCATION: [^\n]*");
  fields.primary = one_line(std::regex_replace(text, location, ""));
  return unconnected(std::move(fields));
}

// False: not in time.
bool wait_for_socket(PGconn* connection, PostgresPollingStatusType wanted, int timeout_ms) {
  pollfd entry{.fd = PQsocket(connection),
               .events = static_cast<short>(wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT),
               .revents = 0};
  const int ready = ::poll(&entry, 1, timeout_ms);
  return ready != 0;  // an interrupted wait is simply asked again
}

void complete(PGconn* connection, std::chrono::milliseconds timeout) {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + timeout;
  auto wanted = PGRES_POLLING_WRITING;
  while (wanted != PGRES_POLLING_OK) {
    if (wanted == PGRES_POLLING_FAILED) throw connect_error(connection);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    const int wait = timeout.count() > 0 ? static_cast<int>(std::max(left.count(), 0L)) : -1;
    if ((wait == 0 && timeout.count() > 0) || !wait_for_socket(connection, wanted, wait)) {
      throw unreadable("PostgreSQL did not answer within " + std::to_string(timeout.count()) +
                       " ms");
    }
    wanted = PQconnectPoll(connection);
  }
}

}  // namespace

pg_conn* connect(const ConnectOptions& options) {
  Keywords keywords = parse_url(options.url);
  add_defaults(keywords, options);
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : keywords) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  Handle handle(PQconnectStartParams(names.data(), values.data(), 0), &PQfinish);
  if (!handle) throw std::bad_alloc();
  if (PQstatus(handle.get()) == CONNECTION_BAD) throw connect_error(handle.get());
  if (several_hosts(handle.get())) {
    // Only libpq's own loop goes on to the next host when one does not answer at all.
    handle.reset(PQconnectdbParams(names.data(), values.data(), 0));
    if (PQstatus(handle.get()) != CONNECTION_OK) throw connect_error(handle.get());
    return handle.release();
  }
  // Otherwise libpq does not tell the SQLSTATE of a refused connection.
  PQsetErrorVerbosity(handle.get(), PQERRORS_VERBOSE);
  complete(handle.get(), options.connect_timeout);
  PQsetErrorVerbosity(handle.get(), PQERRORS_DEFAULT);
  return handle.release();
}

}  // namespace evd::pg

// Small text functions that several layers need. All are pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace evd {

// The candidate that was probably meant, for "did you mean"; empty when none is close.
std::optional<std::string> closest_match(std::string_view word,
                                         std::span<const std::string> candidates);

// `; did you mean "x"?` or nothing, to be appended to an error.
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

// Takes passwords out of whatever a log or an error may carry: in the URLs in a text
// (postgresql://user:pw@host) and in connection strings (password=pw). Hides too much if in doubt.
std::string redact_url_password(std::string_view text);

// At most `max_bytes` of valid UTF-8, cut between code points; invalid bytes and NULs become
// U+FFFD. The result can always be stored as PostgreSQL text.
std::string truncate_utf8(std::string_view text, std::size_t max_bytes);

// The word as a POSIX shell needs it; unchanged where no quoting is needed.
std::string shell_quote(std::string_view word);

std::string join(std::span<const std::string> parts, std::string_view separator);

// Without leading and trailing white space.
std::string trim(std::string_view text);

// The system's text for an errno value. Thread-safe, unlike strerror().
std::string errno_text(int error_number);

}  // namespace evd

#include "common/pg/array.hpp"

#include <arpa/inet.h>

#include <cstdint>
#include <cstring>

#include "common/pg/error.hpp"

namespace evd::pg {

namespace {

[[noreturn]] void refuse(std::string_view why) {
  throw make_error("22P02", "cannot read an array: " + std::string(why));
}

class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : rest_(text) {}

  TextElements read() {
    skip_bounds();
    expect('{');
    TextElements elements;
    if (take('}')) return elements;
    do {
      elements.push_back(element());
    } while (take(','));
    expect('}');
    if (!rest_.empty()) refuse("text after its end");
    return elements;
  }

 private:
  // An array that does not start at 1 is printed with its bounds: [0:2]={a,b,c}.
  void skip_bounds() {
    if (!rest_.starts_with('[')) return;
    const auto equals = rest_.find('=');
    if (equals == std::string_view::npos) refuse("bounds without elements");
    rest_.remove_prefix(equals + 1);
  }

  bool take(char wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!take(wanted)) refuse(std::string("no ") + wanted);
  }

  char next() {
    if (rest_.empty()) refuse("it ends too early");
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  std::optional<std::string> element() {
    if (rest_.starts_with('{')) refuse("more than one dimension");
    if (take('"')) return quoted();
    const auto end = rest_.find_first_of(",}");
    if (end == std::string_view::npos) refuse("it ends too early");
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end);
    if (text == "NULL") return std::nullopt;
    return text;
  }

  std::string quoted() {
    std::string text;
    for (char c = next(); c != '"'; c = next()) text += c == '\\' ? next() : c;
    return text;
  }

  std::string_view rest_;
};

std::int32_t take_int32(std::string_view& bytes) {
  if (bytes.size() < sizeof(std::uint32_t)) refuse("it ends too early");
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return static_cast<std::int32_t>(ntohl(value));
}

}  // namespace

void append_array_element(std::string& literal, std::string_view value) {
  literal += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') literal += '\\';
    literal += c;
  }
  literal += '"';
}

TextElements parse_array_literal(std::string_view literal) { return LiteralReader(literal).read(); }

TextElements parse_array_binary(std::string_view bytes) {
  const std::int32_t dimensions = take_int32(bytes);
  take_int32(bytes);  // whether there are NULLs
  take_int32(bytes);  // the elements' type
  if (dimensions == 0) return {};
  if (dimensions != 1) refuse("more than one dimension");
  const std::int32_t count = take_int32(bytes);
  take_int32(bytes);  // the lower bound
  TextElements elements;
  for (std::int32_t i = 0; i < count; ++i) {
    const std::int32_t length = take_int32(bytes);
    if (length < 0) {
      elements.emplace_back(std::nullopt);
      continue;
    }
    const auto size = static_cast<std::size_t>(length);
    if (bytes.size() < size) refuse("it ends too early");
    elements.emplace_back(std::string(bytes.substr(0, size)));
    bytes.remove_prefix(size);
  }
  return elements;
}

}  // namespace evd::pg

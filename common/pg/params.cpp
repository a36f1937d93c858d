#include "common/pg/params.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "common/pg/array.hpp"
#include "common/pg/error.hpp"

namespace evd::pg {

namespace {

// pg_type.oid of the built-in types, which never change.
enum Oid : unsigned int {
  k_unknown = 0,
  k_bool = 16,
  k_int8 = 20,
  k_int4 = 23,
  k_float8 = 701,
  k_bool_array = 1000,
  k_int4_array = 1007,
  k_text_array = 1009,
  k_int8_array = 1016,
  k_float8_array = 1022,
};

std::string checked(std::string_view text) {
  // libpq takes C strings: what follows a NUL would be lost without a word.
  if (text.find('\0') != std::string_view::npos) {
    throw make_error("22021", "text for PostgreSQL cannot hold a NUL byte");
  }
  return std::string(text);
}

std::string to_text(bool value) { return value ? "t" : "f"; }
std::string to_text(int value) { return std::to_string(value); }
std::string to_text(std::int64_t value) { return std::to_string(value); }

std::string to_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

void append_element(std::string& literal, const std::string& value) {
  append_array_element(literal, checked(value));
}

template <typename T>
void append_element(std::string& literal, const T& value) {
  literal += to_text(value);
}

template <typename T>
void append_element(std::string& literal, const std::optional<T>& value) {
  if (value) {
    append_element(literal, *value);
  } else {
    literal += "NULL";
  }
}

}  // namespace

Params& Params::push(unsigned int type, std::string text) {
  entries_.push_back({type, std::move(text)});
  return *this;
}

template <typename T>
Params& Params::push_array(unsigned int type, const T& values) {
  std::string literal = "{";
  for (const typename T::value_type& value : values) {
    if (literal.size() > 1) literal += ',';
    append_element(literal, value);
  }
  return push(type, literal += '}');
}

Params& Params::add(bool value) { return push(k_bool, to_text(value)); }
Params& Params::add(int value) { return push(k_int4, to_text(value)); }
Params& Params::add(std::int64_t value) { return push(k_int8, to_text(value)); }
Params& Params::add(std::uint32_t value) { return push(k_int8, std::to_string(value)); }
Params& Params::add(std::uint64_t value) { return push(k_unknown, std::to_string(value)); }
Params& Params::add(double value) { return push(k_float8, to_text(value)); }

Params& Params::add(const std::string& value) { return push(k_unknown, checked(value)); }
Params& Params::add(std::string_view value) { return push(k_unknown, checked(value)); }
Params& Params::add(const char* value) { return push(k_unknown, value); }

Params& Params::add(std::nullopt_t) {
  entries_.push_back({k_unknown, std::nullopt});
  return *this;
}

Params& Params::add(const Many<std::int64_t>& v) { return push_array(k_int8_array, v); }
Params& Params::add(const ManyOptional<std::int64_t>& v) { return push_array(k_int8_array, v); }
Params& Params::add(const Many<int>& v) { return push_array(k_int4_array, v); }
Params& Params::add(const Many<std::string>& v) { return push_array(k_text_array, v); }
Params& Params::add(const ManyOptional<std::string>& v) { return push_array(k_text_array, v); }
Params& Params::add(const Many<double>& v) { return push_array(k_float8_array, v); }
Params& Params::add(const ManyOptional<double>& v) { return push_array(k_float8_array, v); }
Params& Params::add(const Many<bool>& v) { return push_array(k_bool_array, v); }
Params& Params::add(const ManyOptional<bool>& v) { return push_array(k_bool_array, v); }

std::vector<const char*> Params::values() const {
  std::vector<const char*> values;
  values.reserve(entries_.size());
  for (const Entry& entry : entries_) values.push_back(entry.text ? entry.text->c_str() : nullptr);
  return values;
}

std::vector<unsigned int> Params::types() const {
  std::vector<unsigned int> types;
  types.reserve(entries_.size());
  for (const Entry& entry : entries_) types.push_back(entry.type);
  return types;
}

}  // namespace evd::pg

#include "common/pg/result.hpp"

#include <libpq-fe.h>

#include <bit>
#include <charconv>
#include <limits>
#include <utility>

#include "common/pg/array.hpp"
#include "common/pg/error.hpp"

namespace evd::pg {

namespace {

constexpr std::int64_t k_postgres_epoch_us = 946'684'800'000'000;  // 2000-01-01 in unix time

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

std::optional<std::int64_t> binary_integer(std::string_view bytes) {
  const std::uint64_t value = big_endian(bytes.substr(0, 8));
  switch (bytes.size()) {
    case 2:
      return static_cast<std::int16_t>(value);
    case 4:
      return static_cast<std::int32_t>(value);
    case 8:
      return static_cast<std::int64_t>(value);
    default:
      return std::nullopt;
  }
}

std::optional<double> binary_real(std::string_view bytes) {
  const std::uint64_t value = big_endian(bytes.substr(0, 8));
  if (bytes.size() == 8) return std::bit_cast<double>(value);
  if (bytes.size() == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(value));
  return std::nullopt;
}

template <typename T>
std::optional<T> parse(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <typename T>
T required(const std::optional<T>& value, const std::string& place, const char* kind) {
  if (!value) throw make_error("22P02", place + " is not " + kind);
  return *value;
}

}  // namespace

void Result::Clear::operator()(pg_result* result) const { PQclear(result); }

int Result::rows() const { return PQntuples(result_.get()); }
int Result::columns() const { return PQnfields(result_.get()); }

int Result::column(const std::string& name) const {
  // Not PQfnumber: that folds case and reads quotes, as if the name were SQL.
  for (int i = 0; i < columns(); ++i) {
    if (name == PQfname(result_.get(), i)) return i;
  }
  throw make_error("42703", "the result has no column \"" + name + "\"");
}

std::int64_t Result::affected() const {
  return parse<std::int64_t>(PQcmdTuples(result_.get())).value_or(0);
}

std::string Result::command_tag() const {
  const char* tag = PQcmdStatus(result_.get());
  return tag != nullptr ? tag : "";
}

std::string Result::place(int row, int column) const {
  const char* name = PQfname(result_.get(), column);
  return "column \"" + std::string(name != nullptr ? name : "?") + "\" of row " +
         std::to_string(row);
}

bool Result::is_binary(int column) const { return PQfformat(result_.get(), column) == 1; }

bool Result::is_null(int row, int column) const {
  if (row < 0 || row >= rows() || column < 0 || column >= columns()) {
    throw make_error(
        "", "the result has no row " + std::to_string(row) + ", column " + std::to_string(column));
  }
  return PQgetisnull(result_.get(), row, column) == 1;
}

std::string_view Result::text(int row, int column) const {
  if (is_null(row, column)) return {};
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::string_view Result::value(int row, int column) const {
  if (is_null(row, column)) throw make_error("22004", place(row, column) + " is null");
  return text(row, column);
}

std::string Result::string(int row, int column) const { return std::string(value(row, column)); }

std::optional<std::string> Result::optional_string(int row, int column) const {
  if (is_null(row, column)) return std::nullopt;
  return string(row, column);
}

std::int64_t Result::int64(int row, int column) const {
  const std::string_view bytes = value(row, column);
  return required(is_binary(column) ? binary_integer(bytes) : parse<std::int64_t>(bytes),
                  place(row, column), "an integer");
}

std::int32_t Result::int32(int row, int column) const {
  const std::int64_t wide = int64(row, column);
  if (!std::in_range<std::int32_t>(wide)) {
    throw make_error("22003", place(row, column) + " is too large");
  }
  return static_cast<std::int32_t>(wide);
}

std::uint64_t Result::uint64(int row, int column) const {
  const std::string_view bytes = value(row, column);
  if (is_binary(column) && bytes.size() == 8) return big_endian(bytes);
  return required(is_binary(column) ? std::nullopt : parse<std::uint64_t>(bytes),
                  place(row, column), "an unsigned integer");
}

double Result::real(int row, int column) const {
  const std::string_view bytes = value(row, column);
  return required(is_binary(column) ? binary_real(bytes) : parse<double>(bytes), place(row, column),
                  "a number");
}

bool Result::boolean(int row, int column) const {
  const std::string_view bytes = value(row, column);
  const std::string_view yes = is_binary(column) ? std::string_view("\1", 1) : "t";
  const std::string_view no = is_binary(column) ? std::string_view("\0", 1) : "f";
  if (bytes != yes && bytes != no) {
    throw make_error("22P02", place(row, column) + " is not a boolean");
  }
  return bytes == yes;
}

std::optional<std::int64_t> Result::optional_int64(int row, int column) const {
  if (is_null(row, column)) return std::nullopt;
  return int64(row, column);
}

std::int64_t Result::timestamp_us(int row, int column) const {
  const std::string_view bytes = value(row, column);
  if (!is_binary(column) || bytes.size() != 8) {
    throw make_error("22P02", place(row, column) + " is not a binary timestamptz");
  }
  using Limits = std::numeric_limits<std::int64_t>;
  const auto since_2000 = static_cast<std::int64_t>(big_endian(bytes));
  if (since_2000 == Limits::max() || since_2000 == Limits::min()) return since_2000;
  return since_2000 + k_postgres_epoch_us;
}

std::vector<std::optional<std::string>> Result::optional_text_array(int row, int column) const {
  const std::string_view bytes = value(row, column);
  return is_binary(column) ? parse_array_binary(bytes) : parse_array_literal(bytes);
}

std::vector<std::string> Result::text_array(int row, int column) const {
  std::vector<std::string> texts;
  for (auto& element : optional_text_array(row, column)) {
    if (!element) throw make_error("22004", place(row, column) + " has a null element");
    texts.push_back(std::move(*element));
  }
  return texts;
}

std::vector<std::int64_t> Result::int64_array(int row, int column) const {
  std::vector<std::int64_t> numbers;
  for (const std::string& element : text_array(row, column)) {
    numbers.push_back(
        required(is_binary(column) ? binary_integer(element) : parse<std::int64_t>(element),
                 place(row, column), "an array of integers"));
  }
  return numbers;
}

}  // namespace evd::pg

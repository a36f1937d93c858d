// Owns what a statement returned. Rows and columns count from 0. Every getter throws pg::Error when
// the position does not exist, the value is NULL (the optional_ ones excepted) or is of another
// kind.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct pg_result;

namespace evd::pg {

enum class Format { k_text = 0, k_binary = 1 };

class Result {
 public:
  Result() = default;
  explicit Result(pg_result* result) : result_(result) {}  // takes it over

  int rows() const;
  int columns() const;
  bool empty() const { return rows() == 0; }
  bool is_nothing() const { return !result_; }  // no result at all
  int column(const std::string& name) const;    // its index

  // Rows that insert, update, delete or select touched; 0 for other statements.
  std::int64_t affected() const;
  std::string command_tag() const;  // "INSERT 0 1", "COMMIT", "ROLLBACK"

  bool is_null(int row, int column) const;

  // The bytes as they came, for a NULL none; valid while this Result lives.
  std::string_view text(int row, int column) const;
  std::string string(int row, int column) const;
  std::optional<std::string> optional_string(int row, int column) const;

  // Both formats. Binary integers of 2, 4 and 8 bytes are told apart by their length.
  std::int64_t int64(int row, int column) const;
  std::int32_t int32(int row, int column) const;
  std::uint64_t uint64(int row, int column) const;  // xid8
  double real(int row, int column) const;
  bool boolean(int row, int column) const;
  std::optional<std::int64_t> optional_int64(int row, int column) const;

  // Microseconds since 1970 of a timestamptz in the binary format. (In text it has the session's
  // time zone: select extract(epoch ...) or to_char instead.) infinity is the largest or smallest
  // value.
  std::int64_t timestamp_us(int row, int column) const;

  // One-dimensional arrays, both formats (binary: bigint[], integer[], text[]).
  std::vector<std::int64_t> int64_array(int row, int column) const;
  std::vector<std::string> text_array(int row, int column) const;
  std::vector<std::optional<std::string>> optional_text_array(int row, int column) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };

  std::string_view value(int row, int column) const;
  bool is_binary(int column) const;
  std::string place(int row, int column) const;

  std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace evd::pg

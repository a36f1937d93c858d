// The parameters of one statement, apart from its SQL. Numbers, booleans and arrays carry their
// PostgreSQL type; text carries none, so that it takes the type that the statement wants (jsonb,
// uuid, timestamptz, xid8 ...). All values are copied; a Params may outlive what it was made from.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace evd::pg {

class Params {
 public:
  template <typename T>
  using Many = std::vector<T>;
  template <typename T>
  using ManyOptional = std::vector<std::optional<T>>;

  Params& add(bool value);
  Params& add(int value);            // integer
  Params& add(std::int64_t value);   // bigint
  Params& add(std::uint32_t value);  // bigint
  Params& add(std::uint64_t value);  // untyped digits, for xid8, numeric, and sizes
  Params& add(double value);         // double precision

  // Text with a NUL byte throws pg::Error (22021), as the server would: it has no such text.
  Params& add(const std::string& value);
  Params& add(std::string_view value);
  Params& add(const char* value);  // never null

  Params& add(std::nullopt_t);

  Params& add(const Many<std::int64_t>& values);  // bigint[]
  Params& add(const ManyOptional<std::int64_t>& values);
  Params& add(const Many<int>& values);          // integer[]
  Params& add(const Many<std::string>& values);  // text[]
  Params& add(const ManyOptional<std::string>& values);
  Params& add(const Many<double>& values);  // double precision[]
  Params& add(const ManyOptional<double>& values);
  Params& add(const Many<bool>& values);  // boolean[]
  Params& add(const ManyOptional<bool>& values);

  // An empty optional is NULL of the same type, so that a statement's types do not depend on data.
  template <typename T>
  Params& add(const std::optional<T>& value) {
    if (value) return add(*value);
    add(T{});
    entries_.back().text.reset();
    return *this;
  }

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

  // What libpq takes; the pointers are valid until this object changes or dies.
  std::vector<const char*> values() const;
  std::vector<unsigned int> types() const;

 private:
  struct Entry {
    unsigned int type;
    std::optional<std::string> text;
  };

  Params& push(unsigned int type, std::string text);
  template <typename T>
  Params& push_array(unsigned int type, const T& values);

  std::vector<Entry> entries_;
};

// params(a, b, c) is Params{}.add(a).add(b).add(c).
template <typename... Values>
Params params(const Values&... values) {
  Params result;
  (result.add(values), ...);
  return result;
}

}  // namespace evd::pg

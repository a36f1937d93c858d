// The loader is a table of rows for each section: a key, how it is read into which member, and what
// keys are below it. Reading, refusing unknown keys and listing all keys work from the same rows.
// Internal to the loader.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/text.hpp"
#include "common/config/values.hpp"

namespace evd::config {

template <typename T>
struct Row {
  std::string_view key;
  void (*read)(const Entry&, T&);
  void (*list)(const std::string& prefix, std::vector<std::string>&) = nullptr;  // keys below
};

template <typename T, typename V>
T class_of(V T::*);
template <auto Member>
using ClassOf = decltype(class_of(Member));

template <typename T, typename V>
V value_of(V T::*);
template <auto Member>
using MemberOf = decltype(value_of(Member));

template <typename T>
std::vector<std::string> keys_of(std::span<const Row<T>> rows) {
  std::vector<std::string> keys;
  for (const auto& row : rows) keys.emplace_back(row.key);
  return keys;
}

// "url" beside "url_file", "token" beside "file": which one counts would be a guess.
void refuse_value_and_file(const Context& context, const toml::table& table);

void refuse_unknown_keys(const Context& context, const toml::table& table,
                         const std::vector<std::string>& known);

// In the order of the rows, so that one may build on what an earlier one has read.
template <typename T>
void read_table(const Context& context, const toml::table& table, std::span<const Row<T>> rows,
                T& into) {
  refuse_unknown_keys(context, table, keys_of(rows));
  refuse_value_and_file(context, table);
  for (const auto& row : rows) {
    if (const toml::node* node = table.get(row.key)) row.read({context, row.key, *node}, into);
  }
}

template <typename T>
void list_keys(const std::string& prefix, std::span<const Row<T>> rows,
               std::vector<std::string>& keys) {
  for (const auto& row : rows) {
    const std::string key = prefix + std::string(row.key);
    if (row.list == nullptr)
      keys.push_back(key);
    else
      row.list(key + ".", keys);
  }
}

// A row whose member is what Read(entry) returns.
template <auto Member, auto Read>
constexpr Row<ClassOf<Member>> value(std::string_view key) {
  return {key, [](const Entry& entry, ClassOf<Member>& into) { into.*Member = Read(entry); }};
}

template <auto Member>
constexpr auto text(std::string_view key) {
  return value<Member, text_value>(key);
}

template <auto Member>
constexpr auto text_file(std::string_view key) {
  return value<Member, file_value>(key);
}

template <auto Member>
constexpr auto texts(std::string_view key) {
  return value<Member, texts_value>(key);
}

template <auto Member>
constexpr auto flag(std::string_view key) {
  return value<Member, bool_value>(key);
}

template <auto Member>
constexpr auto size(std::string_view key) {
  return value<Member, size_value>(key);
}

template <auto Member, int Min = 1, int Max = 1'000'000>
constexpr auto integer(std::string_view key) {
  return value<Member, [](const Entry& entry) {
    return static_cast<int>(integer_value(entry, Min, Max));
  }>(key);
}

template <auto Member, bool MayBeZero = false>
constexpr auto duration(std::string_view key) {
  return value<Member, [](const Entry& entry) { return duration_value(entry, MayBeZero); }>(key);
}

// An enum whose values are the words' places in the list.
template <auto Member, const auto& Words>
constexpr Row<ClassOf<Member>> choice(std::string_view key) {
  return {key, [](const Entry& entry, ClassOf<Member>& into) {
            using Enum = std::remove_reference_t<decltype(into.*Member)>;
            into.*Member = static_cast<Enum>(choice_value(entry, Words));
          }};
}

// A table inside the table, read into the member; what it does not say stays as it is.
template <auto Member, const auto& Rows>
constexpr Row<ClassOf<Member>> nested(std::string_view key) {
  return {key,
          [](const Entry& entry, ClassOf<Member>& into) {
            read_table(entry.context.below(entry.key), table_value(entry),
                       std::span<const Row<MemberOf<Member>>>(Rows), into.*Member);
          },
          [](const std::string& prefix, std::vector<std::string>& keys) {
            list_keys(prefix, std::span<const Row<MemberOf<Member>>>(Rows), keys);
          }};
}

}  // namespace evd::config

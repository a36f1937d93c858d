// Reads single values out of the TOML tree, or throws a ConfigError that names file, line and key.
// Internal to the loader: the only header that includes toml++.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.hpp"

namespace evd::config {

// Where the reader is: the file, and the table as it is written in the file.
struct Context {
  std::string path;
  std::string section;  // "handlers.lottery"; empty: the top

  [[noreturn]] void fail(const toml::source_region& at, const std::string& message) const;
  Context below(std::string_view key) const;
};

// A value beside its key.
struct Entry {
  const Context& context;
  std::string_view key;
  const toml::node& node;

  [[noreturn]] void fail(const std::string& message) const;  // `KEY MESSAGE`, at the value's line
};

std::string text_value(const Entry& entry);
bool bool_value(const Entry& entry);
std::int64_t integer_value(const Entry& entry, std::int64_t min, std::int64_t max);
double number_value(const Entry& entry, double min, double max);
Milliseconds duration_value(const Entry& entry, bool may_be_zero);
std::int64_t size_value(const Entry& entry);
std::vector<std::string> texts_value(const Entry& entry);
std::vector<int> integers_value(const Entry& entry, int min, int max);
std::map<std::string, std::string> text_map_value(const Entry& entry);
const toml::table& table_value(const Entry& entry);

// A text, or several.
std::vector<std::string> text_or_texts_value(const Entry& entry);

// What stands in the file that the entry names, without the white space around it. Relative paths
// start from the configuration's directory.
std::string file_value(const Entry& entry);
std::vector<std::string> file_or_files_value(const Entry& entry);

// The index of the word in the list.
std::size_t choice_value(const Entry& entry, std::span<const std::string_view> words);

}  // namespace evd::config

#include "common/config/values.hpp"

#include <algorithm>
#include <filesystem>

#include "common/base/duration.hpp"
#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"

namespace evd::config {
namespace {

std::string contents_of(const Entry& entry, const std::string& name) {
  const auto directory = std::filesystem::path(entry.context.path).parent_path();
  std::string text;
  try {
    text = trim(read_file((directory / name).string()));
  } catch (const Error& error) {
    entry.fail(std::string(": ") + error.what());
  }
  if (text.empty()) entry.fail(": \"" + name + "\" is empty");
  return text;
}

}  // namespace

void Context::fail(const toml::source_region& at, const std::string& message) const {
  throw ConfigError(path + ":" + std::to_string(at.begin.line) + ": " + message);
}

Context Context::below(std::string_view key) const {
  return {path, section.empty() ? std::string(key) : section + "." + std::string(key)};
}

void Entry::fail(const std::string& message) const {
  const std::string name = context.below(key).section;
  context.fail(node.source(), name + (message.starts_with(":") ? "" : " ") + message);
}

std::string text_value(const Entry& entry) {
  const auto* text = entry.node.as_string();
  if (text == nullptr) entry.fail("must be a string");
  if (text->get().find('\0') != std::string::npos) entry.fail("must not contain a NUL");
  return text->get();
}

bool bool_value(const Entry& entry) {
  const auto* flag = entry.node.as_boolean();
  if (flag == nullptr) entry.fail("must be true or false");
  return flag->get();
}

std::int64_t integer_value(const Entry& entry, std::int64_t min, std::int64_t max) {
  const auto* number = entry.node.as_integer();
  if (number == nullptr || number->get() < min || number->get() > max)
    entry.fail("must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return number->get();
}

double number_value(const Entry& entry, double min, double max) {
  const auto number = entry.node.is_number() ? entry.node.value<double>() : std::nullopt;
  if (!number || !(*number >= min && *number <= max))
    entry.fail("must be a number from " + std::to_string(min) + " to " + std::to_string(max));
  return *number;
}

Milliseconds duration_value(const Entry& entry, bool may_be_zero) {
  constexpr std::string_view k_form = "must be a duration such as \"250ms\", \"10s\" or \"1h\"";
  if (!entry.node.is_string()) entry.fail(std::string(k_form));
  const std::string text = text_value(entry);
  const auto duration = parse_duration(text);
  if (!duration) entry.fail(std::string(k_form) + ", not \"" + text + "\"");
  if (duration->count() == 0 && !may_be_zero) entry.fail("must be longer than nothing");
  return *duration;
}

std::int64_t size_value(const Entry& entry) {
  constexpr std::string_view k_form = "must be a size such as \"64KiB\" or \"1MiB\"";
  if (!entry.node.is_string()) entry.fail(std::string(k_form));
  const std::string text = text_value(entry);
  const auto size = parse_size(text);
  if (!size || *size == 0) entry.fail(std::string(k_form) + ", not \"" + text + "\"");
  return *size;
}

std::vector<std::string> texts_value(const Entry& entry) {
  const auto* array = entry.node.as_array();
  if (array == nullptr) entry.fail("must be a list of strings");
  std::vector<std::string> texts;
  for (const toml::node& element : *array) {
    if (!element.is_string()) entry.fail("must be a list of strings");
    texts.push_back(text_value({entry.context, entry.key, element}));
  }
  return texts;
}

std::vector<int> integers_value(const Entry& entry, int min, int max) {
  const auto* array = entry.node.as_array();
  if (array == nullptr) entry.fail("must be a list of whole numbers");
  std::vector<int> numbers;
  for (const toml::node& element : *array)
    numbers.push_back(
        static_cast<int>(integer_value({entry.context, entry.key, element}, min, max)));
  return numbers;
}

std::map<std::string, std::string> text_map_value(const Entry& entry) {
  const Context below = entry.context.below(entry.key);
  std::map<std::string, std::string> map;
  for (const auto& [key, node] : table_value(entry)) {
    const std::string name(key.str());
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos)
      entry.fail("has a bad name: \"" + name + "\"");
    map[name] = text_value({below, name, node});
  }
  return map;
}

const toml::table& table_value(const Entry& entry) {
  const toml::table* table = entry.node.as_table();
  if (table == nullptr) entry.fail("must be a table");
  return *table;
}

std::vector<std::string> text_or_texts_value(const Entry& entry) {
  if (entry.node.is_array()) return texts_value(entry);
  return {text_value(entry)};
}

std::string file_value(const Entry& entry) { return contents_of(entry, text_value(entry)); }

std::vector<std::string> file_or_files_value(const Entry& entry) {
  std::vector<std::string> texts;
  for (const std::string& name : text_or_texts_value(entry))
    texts.push_back(contents_of(entry, name));
  return texts;
}

std::size_t choice_value(const Entry& entry, std::span<const std::string_view> words) {
  const std::string text = text_value(entry);
  const auto found = std::find(words.begin(), words.end(), text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const std::vector<std::string> candidates(words.begin(), words.end());
  entry.fail("must be one of " + join(candidates, ", ") + ", not \"" + text + "\"" +
             suggestion(text, candidates));
}

}  // namespace evd::config

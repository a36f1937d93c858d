// The log's front: one line per change of state, a message and key=value fields. Passed by
// reference or shared_ptr to whoever logs; there is no global logger. Loggers may be used from any
// thread.
#pragma once

#include <concepts>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/clock.hpp"

namespace evd::logging {

enum class Level { k_debug, k_info, k_warn, k_error };
enum class Format { k_text, k_json };

struct LogOptions {
  Level level = Level::k_info;
  Format format = Format::k_text;
};

// As in [daemon] log_level and log_format; empty for another word.
std::optional<Level> parse_level(std::string_view word);
std::optional<Format> parse_format(std::string_view word);
std::string_view level_name(Level level);

struct Field {
  Field(std::string_view name, std::string text) : key(name), value(std::move(text)) {}
  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const char* text) : key(name), value(text) {}
  Field(std::string_view name, bool flag)
      : key(name), value(flag ? "true" : "false"), is_literal(true) {}
  template <std::integral T>
  Field(std::string_view name, T number)
      : key(name), value(std::to_string(number)), is_literal(true) {}
  Field(std::string_view name, Milliseconds duration);  // "90s"

  std::string key;
  std::string value;
  bool is_literal = false;  // a number or bool, which JSON writes without quotes
};

class Logger {
 public:
  Logger() = default;
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;
  virtual ~Logger() = default;

  using Fields = std::initializer_list<Field>;
  void debug(std::string_view message, Fields fields = {}) { log(Level::k_debug, message, fields); }
  void info(std::string_view message, Fields fields = {}) { log(Level::k_info, message, fields); }
  void warn(std::string_view message, Fields fields = {}) { log(Level::k_warn, message, fields); }
  void error(std::string_view message, Fields fields = {}) { log(Level::k_error, message, fields); }
  void log(Level level, std::string_view message, Fields fields = {}) {
    write(level, message, std::span(fields.begin(), fields.size()));
  }

  // Called by any thread. Never throws: a log that cannot be written stops nothing.
  virtual void write(Level level, std::string_view message, std::span<const Field> fields) = 0;
};

// Writes to stderr.
std::shared_ptr<Logger> make_logger(const LogOptions& options);

}  // namespace evd::logging

#include "common/logging/logger.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>

#include "common/base/duration.hpp"
#include "common/logging/format.hpp"

namespace evd::logging {
namespace {

constexpr std::array<std::string_view, 4> k_level_names = {"debug", "info", "warn", "error"};

// spdlog does the time stamp and the locking; it is constructed directly, since its factory
// functions put the logger into a global registry.
class SpdlogLogger : public Logger {
 public:
  explicit SpdlogLogger(const LogOptions& options)
      : options_(options), spdlog_("evd", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    // The JSON line goes on where the pattern's brace opened it.
    const char* pattern = options.format == Format::k_json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v)"
                                                           : "%Y-%m-%dT%H:%M:%S.%eZ %v";
    spdlog_.set_formatter(
        std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
    spdlog_.set_level(spdlog::level::trace);
  }

  void write(Level level, std::string_view message, std::span<const Field> fields) override {
    if (level < options_.level) return;
    try {
      const bool json = options_.format == Format::k_json;
      const std::string line =
          json ? format_json(level, message, fields) : format_text(level, message, fields);
      const std::string_view text = std::string_view(line).substr(json ? 1 : 0);
      spdlog_.log(spdlog::level::info, spdlog::string_view_t(text.data(), text.size()));
    } catch (...) {  // NOLINT(bugprone-empty-catch): see Logger::write
    }
  }

 private:
  LogOptions options_;
  spdlog::logger spdlog_;
};

}  // namespace

std::optional<Level> parse_level(std::string_view word) {
  for (std::size_t i = 0; i < k_level_names.size(); ++i) {
    if (k_level_names[i] == word) return static_cast<Level>(i);
  }
  return std::nullopt;
}

std::optional<Format> parse_format(std::string_view word) {
  if (word == "text") return Format::k_text;
  if (word == "json") return Format::k_json;
  return std::nullopt;
}

std::string_view level_name(Level level) { return k_level_names[static_cast<std::size_t>(level)]; }

Field::Field(std::string_view name, Milliseconds duration)
    : key(name), value(format_duration(duration)) {}

std::shared_ptr<Logger> make_logger(const LogOptions& options) {
  return std::make_shared<SpdlogLogger>(options);
}

}  // namespace evd::logging

#include "common/handlers/plugin_library.hpp"

#include <dlfcn.h>

#include <array>

#include "common/base/text.hpp"
#include "common/handlers/event_json.hpp"

namespace evd::handlers {
namespace {

constexpr std::size_t k_error_size = 1024;
constexpr std::size_t k_longest_error = 2048;

// What a call's context points to.
struct Call {
  const std::vector<Attempt>& attempts;
  std::size_t first;
  const std::string& handler;
  const std::string& instance;
  std::vector<journal::Outcome> outcomes;
  std::string key;
};

void fail(void* context, std::size_t index, evd_outcome outcome, const char* error,
          std::int64_t retry_after_ms) {
  auto& call = *static_cast<Call*>(context);
  if (index >= call.outcomes.size() || outcome == EVD_DONE) return;
  journal::Outcome& result = call.outcomes[index];
  result.kind =
      outcome == EVD_FAILED ? journal::OutcomeKind::k_failed : journal::OutcomeKind::k_retry;
  result.error = truncate_utf8(error != nullptr ? error : "failed", k_longest_error);
  if (retry_after_ms >= 0) result.retry_after = Milliseconds{retry_after_ms};
}

const char* key_of(void* context, std::size_t index) {
  auto& call = *static_cast<Call*>(context);
  if (index >= call.outcomes.size()) return "";
  call.key = idempotency_key(call.attempts[call.first + index], call.handler, call.instance);
  return call.key.c_str();
}

evd_text text(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

evd_event event_of(const Attempt& attempt) {
  const journal::Event& event = *attempt.event;
  return {.id = event.id,
          .created_at_us = event.created_at_us,
          .event_name = text(attempt.route->event_name),
          .args = text(event.args),
          .key = event.key ? text(*event.key) : evd_text{nullptr, 0},
          .headers = text(event.headers.empty() ? std::string_view("{}") : event.headers),
          .attempt = attempt.number,
          .round = attempt.round};
}

const evd_plugin* load(const std::string& path) {
  void* object = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) throw PluginError(dlerror());
  using Entry = const evd_plugin* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(object, "evd_plugin_entry"));
  if (entry == nullptr) throw PluginError(path + ": is no plugin: it has no evd_plugin_entry");
  const evd_plugin* plugin = entry();
  if (plugin == nullptr || plugin->abi != EVD_PLUGIN_ABI) {
    throw PluginError(path + ": is built for version " +
                      (plugin != nullptr ? std::to_string(plugin->abi) : "?") +
                      " of the plugin interface, not " + std::to_string(EVD_PLUGIN_ABI));
  }
  if (plugin->open == nullptr || plugin->run == nullptr || plugin->close == nullptr) {
    throw PluginError(path + ": its table of functions has a hole");
  }
  return plugin;
}

}  // namespace

void check_plugin(const std::string& path) { load(path); }

PluginLibrary::PluginLibrary(const std::string& path, const std::string& handler)
    : handler_(handler), plugin_(load(path)) {
  std::array<char, k_error_size> error{};
  state_ = plugin_->open(handler_.c_str(), error.data(), error.size());
  if (state_ == nullptr) {
    throw PluginError(
        path + ": " +
        (error[0] != '\0' ? truncate_utf8(error.data(), error.size()) : "would not open"));
  }
}

PluginLibrary::~PluginLibrary() { plugin_->close(state_); }

std::vector<journal::Outcome> PluginLibrary::run(const std::vector<Attempt>& attempts,
                                                 std::size_t first, std::size_t count,
                                                 const std::string& instance) const {
  std::vector<evd_event> events;
  events.reserve(count);
  for (std::size_t i = 0; i < count; ++i) events.push_back(event_of(attempts[first + i]));
  Call call{attempts, first, handler_, instance, std::vector<journal::Outcome>(count), {}};
  const evd_call offered{&call, &fail, &key_of};
  plugin_->run(state_, events.data(), count, &offered);
  return std::move(call.outcomes);
}

}  // namespace evd::handlers

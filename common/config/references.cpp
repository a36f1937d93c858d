#include <algorithm>

#include "common/config/sections.hpp"

namespace evd::config {
namespace {

// What the names in one key must be names of.
struct Rule {
  std::string_view section;
  std::string_view key;
  std::string_view what;
  std::vector<std::string> defined;
};

template <typename T>
std::vector<std::string> names_of(const Config::ByName<T>& map) {
  std::vector<std::string> names;
  for (const auto& [name, value] : map) names.push_back(name);
  return names;
}

void check_name(const Context& context, const Rule& rule, const toml::node& node) {
  const std::string name = node.value_or(std::string());
  const auto& defined = rule.defined;
  if (std::find(defined.begin(), defined.end(), name) != defined.end()) return;
  context.fail(node.source(), context.section + "." + std::string(rule.key) + " names the " +
                                  std::string(rule.what) + " \"" + name +
                                  "\", which is not defined" + suggestion(name, defined));
}

// An event that names a handler twice would expect it once.
void check_list(const Context& context, const Rule& rule, const toml::array& names) {
  std::vector<std::string> seen;
  for (const toml::node& node : names) {
    check_name(context, rule, node);
    seen.push_back(node.value_or(std::string()));
    if (std::count(seen.begin(), seen.end(), seen.back()) > 1)
      context.fail(node.source(), context.section + "." + std::string(rule.key) + " names \"" +
                                      seen.back() + "\" twice");
  }
}

void check_table(const Context& context, const Rule& rule, const toml::table& table) {
  const toml::node* node = table.get(rule.key);
  if (node == nullptr) return;
  if (const toml::array* names = node->as_array())
    check_list(context, rule, *names);
  else if (!node->value_or(std::string()).empty())
    check_name(context, rule, *node);
}

}  // namespace

void check_references(const Context& context, const toml::table& root, const Config& config) {
  std::vector<std::string> hosts = names_of(config.handlers);
  hosts.emplace_back("*");
  if (const toml::table* daemon = root["daemon"].as_table())
    check_table(context.below("daemon"), {"daemon", "hosts", "handler", hosts}, *daemon);
  const Rule rules[] = {
      {"events", "handlers", "handler", names_of(config.handlers)},
      {"events", "owner", "owner", names_of(config.owners)},
      {"handlers", "owner", "owner", names_of(config.owners)},
      {"owners", "alerts", "channel", names_of(config.channels)},
  };
  for (const Rule& rule : rules) {
    const toml::table* section = root[rule.section].as_table();
    if (section == nullptr) continue;
    for (const auto& [name, node] : *section)
      check_table(context.below(rule.section).below(name.str()), rule, *node.as_table());
  }
}

}  // namespace evd::config

#include "common/config/rows.hpp"

#include <algorithm>

namespace evd::config {

void refuse_value_and_file(const Context& context, const toml::table& table) {
  for (const auto& [key, node] : table) {
    std::string_view plain = key.str();
    if (plain == "file") plain = "token";
    if (plain.ends_with("_file")) plain.remove_suffix(5);
    if (plain != key.str() && table.contains(plain))
      context.fail(key.source(), "give either " + std::string(plain) + " or " +
                                     std::string(key.str()) + " in [" + context.section + "]");
  }
}

void refuse_unknown_keys(const Context& context, const toml::table& table,
                         const std::vector<std::string>& known) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string where = context.section.empty() ? "" : " in [" + context.section + "]";
    context.fail(key.source(), "unknown key \"" + name + "\"" + where + suggestion(name, known));
  }
}

}  // namespace evd::config

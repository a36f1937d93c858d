// PostgreSQL's array literals, as in {1,2,NULL,"a \"b\""}. One dimension only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace evd::pg {

using TextElements = std::vector<std::optional<std::string>>;

// Appends `value`, quoted, so that any text survives: braces, commas, quotes, the word NULL.
void append_array_element(std::string& literal, std::string_view value);

// Throws pg::Error when the text is no one-dimensional array literal.
TextElements parse_array_literal(std::string_view literal);

// The same from the binary format of text[], or of any array whose elements are plain bytes.
TextElements parse_array_binary(std::string_view bytes);

}  // namespace evd::pg

#include "cli/evctl/table.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace evd::evctl {
namespace {

constexpr std::string_view k_gap = "  ";
constexpr std::size_t k_narrowest = 8;  // a cut column keeps this much

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

std::string_view escape_of(Tone tone) {
  switch (tone) {
    case Tone::k_good:
      return "\x1b[32m";
    case Tone::k_warning:
      return "\x1b[33m";
    case Tone::k_bad:
      return "\x1b[31m";
    case Tone::k_dim:
      return "\x1b[2m";
    case Tone::k_plain:
      break;
  }
  return {};
}

void trim_right(std::string& line) { line.erase(line.find_last_not_of(' ') + 1); }

}  // namespace

std::string printable(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too; in UTF-8 they begin with C2.
    const bool is_c1 =
        byte == 0xC2U && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0U;
    if (is_c1) ++i;
    line += byte < 0x20U || byte == 0x7FU || is_c1 ? ' ' : text[i];
  }
  return line;
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !is_continuation(byte); }));
}

std::string cut(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (!is_continuation(text[end]) && seen++ == width - 1) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string painted(std::string_view text, Tone tone, const Style& style) {
  const std::string_view escape = escape_of(tone);
  if (!style.colour || escape.empty() || text.empty()) return std::string(text);
  return std::string(escape) + std::string(text) + "\x1b[0m";
}

Tone tone_of(std::string_view state) {
  static constexpr std::array<std::pair<std::string_view, Tone>, 13> k_tones{{
      {"done", Tone::k_good},
      {"processed", Tone::k_good},
      {"resolved", Tone::k_good},
      {"ok", Tone::k_good},
      {"timeout", Tone::k_warning},
      {"waiting", Tone::k_warning},
      {"paused", Tone::k_warning},
      {"deferred", Tone::k_warning},
      {"warn", Tone::k_warning},
      {"escalated", Tone::k_bad},
      {"fail", Tone::k_bad},
      {"dead", Tone::k_bad},
      {"new", Tone::k_dim},
  }};
  const auto* const found =
      std::find_if(k_tones.begin(), k_tones.end(), [&](const auto& e) { return e.first == state; });
  return found == k_tones.end() ? Tone::k_plain : found->second;
}

void Table::add(std::vector<Cell> row) {
  for (auto& cell : row) cell.text = printable(cell.text);
  row.resize(columns_.size(), Cell(""));
  rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths(const Style& style) const {
  std::vector<std::size_t> result;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    std::size_t width = display_width(columns_[column].header);
    for (const auto& row : rows_) width = std::max(width, display_width(row[column].text));
    result.push_back(width);
  }
  if (style.width == 0 || result.empty()) return result;

  // The widest of the columns that may be cut gives way, a step at a time.
  std::size_t total =
      std::accumulate(result.begin(), result.end(), k_gap.size() * (result.size() - 1));
  while (total > style.width) {
    std::size_t* widest = nullptr;
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      const bool may_cut =
          columns_[column].kind == ColumnKind::k_wide && result[column] > k_narrowest;
      if (may_cut && (widest == nullptr || result[column] > *widest)) widest = &result[column];
    }
    if (widest == nullptr) break;
    --*widest;
    --total;
  }
  return result;
}

std::string Table::render_cell(const Cell& cell, std::size_t column, std::size_t width,
                               const Style& style) const {
  const std::string text = cut(cell.text, width);
  const std::string padding(width - display_width(text), ' ');
  const std::string shown = painted(text, cell.tone, style);
  return columns_[column].kind == ColumnKind::k_number ? padding + shown : shown + padding;
}

std::string Table::render(const Style& style) const {
  const auto column_widths = widths(style);
  std::vector<Cell> header;
  for (const auto& column : columns_) header.emplace_back(column.header, Tone::k_dim);

  std::string text;
  const auto add_line = [&](const std::vector<Cell>& row) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      if (column > 0) line += k_gap;
      line += render_cell(row[column], column, column_widths[column], style);
    }
    trim_right(line);
    text += line + "\n";
  };
  add_line(header);
  for (const auto& row : rows_) add_line(row);
  return text;
}

}  // namespace evd::evctl

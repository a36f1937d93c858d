// Text tables for people: aligned columns under a header, numbers to the right, wide text cut to
// the terminal. Pure; whether there is a terminal is the caller's to know.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace evd::evctl {

enum class Tone { k_plain, k_good, k_warning, k_bad, k_dim };

struct Style {
  std::size_t width = 0;  // columns of the terminal; 0: nothing is cut
  bool colour = false;
};

enum class ColumnKind {
  k_text,
  k_number,
  k_wide,  // text that may be cut when the line is longer than the terminal
};

struct Column {
  std::string header;
  ColumnKind kind = ColumnKind::k_text;
};

struct Cell {
  Cell(std::string_view value, Tone cell_tone = Tone::k_plain) : text(value), tone(cell_tone) {}
  Cell(std::string value, Tone cell_tone = Tone::k_plain)
      : text(std::move(value)), tone(cell_tone) {}
  Cell(const char* value, Tone cell_tone = Tone::k_plain) : text(value), tone(cell_tone) {}

  std::string text;
  Tone tone;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns.
  void add(std::vector<Cell> row);
  bool empty() const { return rows_.empty(); }
  std::string render(const Style& style) const;

 private:
  std::vector<std::size_t> widths(const Style& style) const;
  std::string render_cell(const Cell& cell, std::size_t column, std::size_t width,
                          const Style& style) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// One line without control characters: what an event or an error says must not steer the terminal.
std::string printable(std::string_view text);

// Code points, which for most text is the columns it takes.
std::size_t display_width(std::string_view text);

// At most `width` code points, the last one "…" where something was cut.
std::string cut(std::string_view text, std::size_t width);

std::string painted(std::string_view text, Tone tone, const Style& style);

// How a status, a pair's state or a verdict looks.
Tone tone_of(std::string_view state);

}  // namespace evd::evctl

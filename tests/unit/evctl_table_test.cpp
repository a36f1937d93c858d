#include <gtest/gtest.h>

#include "cli/evctl/table.hpp"

namespace evd::evctl {
namespace {

Table sample() {
  Table table({{"ID", ColumnKind::k_number}, {"STATE"}, {"ARGS", ColumnKind::k_wide}});
  table.add({"7", Cell("done", Tone::k_good), R"(["user A", 5000])"});
  table.add({"1234", "escalated", "[]"});
  return table;
}

TEST(EvctlTable, AlignsTextLeftAndNumbersRight) {
  EXPECT_EQ(sample().render({}),
            "  ID  STATE      ARGS\n"
            "   7  done       [\"user A\", 5000]\n"
            "1234  escalated  []\n");
}

TEST(EvctlTable, CutsOnlyWideColumnsToTheTerminal) {
  EXPECT_EQ(sample().render({.width = 26}),
            "  ID  STATE      ARGS\n"
            "   7  done       [\"user A…\n"
            "1234  escalated  []\n");
}

TEST(EvctlTable, KeepsWhatCannotBeCut) {
  const std::string text = sample().render({.width = 5});
  EXPECT_NE(text.find("escalated"), std::string::npos);
}

TEST(EvctlTable, PaintsOnlyWhereColourIsWanted) {
  EXPECT_EQ(sample().render({}).find('\x1b'), std::string::npos);
  EXPECT_NE(sample().render({.colour = true}).find("\x1b[32mdone\x1b[0m"), std::string::npos);
}

TEST(EvctlTable, ShowsNoControlCharacters) {
  EXPECT_EQ(printable("a\nb\x1b[2Jc\x7f"), "a b [2Jc ");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "31mb"),
            "a 31mb");
  EXPECT_EQ(printable("zürich"), "zürich");
}

TEST(EvctlTable, CutsBetweenCodePoints) {
  EXPECT_EQ(cut("zürich", 6), "zürich");
  EXPECT_EQ(cut("zürich", 3), "zü…");
  EXPECT_EQ(cut("x", 0), "");
  EXPECT_EQ(display_width("zürich"), 6U);
}

}  // namespace
}  // namespace evd::evctl

#include <gtest/gtest.h>

#include "common/base/duration.hpp"
#include "common/base/text.hpp"

namespace evd {
namespace {

using std::chrono::hours;

TEST(Duration, ReadsEachUnit) {
  EXPECT_EQ(parse_duration("250ms"), Milliseconds(250));
  EXPECT_EQ(parse_duration("10s"), Milliseconds(10'000));
  EXPECT_EQ(parse_duration("5m"), Milliseconds(300'000));
  EXPECT_EQ(parse_duration("1h"), hours(1));
  EXPECT_EQ(parse_duration("30d"), hours(720));
}

TEST(Duration, RefusesWhatIsNotOne) {
  for (const char* text : {"", "10", "s", "-1s", "+1s", "1.5s", " 1s", "1s ", "1 s", "1S",
                           "9223372036854775807d", "99999999999999999999s"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, WritesTheLargestExactUnit) {
  EXPECT_EQ(format_duration(Milliseconds(90'000)), "90s");
  EXPECT_EQ(format_duration(hours(1)), "1h");
  EXPECT_EQ(format_duration(hours(48)), "2d");
  EXPECT_EQ(format_duration(Milliseconds(1'500)), "1500ms");
  EXPECT_EQ(format_duration(Milliseconds(0)), "0s");
}

TEST(Size, ReadsAndWritesBinaryUnits) {
  EXPECT_EQ(parse_size("1MiB"), 1 << 20);
  EXPECT_FALSE(parse_size("1MB"));
  EXPECT_EQ(format_size(65'536), "64KiB");
}

TEST(ClosestMatch, FindsATypoButNotAnotherWord) {
  const std::vector<std::string> words = {"batch_size", "hosts", "listen"};
  EXPECT_EQ(closest_match("batch_szie", words), "batch_size");
  EXPECT_EQ(closest_match("host", words), "hosts");
  EXPECT_FALSE(closest_match("tokens", words));
}

TEST(Redact, HidesThePasswordOfAUrl) {
  EXPECT_EQ(redact_url_password("at postgresql://u:p:w@h:5/db?x=1 now"),
            "at postgresql://u:***@h:5/db?x=1 now");
  EXPECT_EQ(redact_url_password("postgres://u:a@b/c@h/db"), "postgres://u:***@h/db");
  EXPECT_EQ(redact_url_password("postgresql://h/db?user=u&password=pw&x=1"),
            "postgresql://h/db?user=u&password=***&x=1");
  EXPECT_EQ(redact_url_password("http://h:80/a@b"), "http://h:80/a@b");
}

TEST(Redact, HidesThePasswordOfAConnectionString) {
  EXPECT_EQ(redact_url_password("host=h password=a&b user=u"), "host=h password=*** user=u");
  EXPECT_EQ(redact_url_password("password = 'a \\' b' user=u"), "password = *** user=u");
  EXPECT_EQ(redact_url_password("no password here"), "no password here");
}

TEST(TruncateUtf8, CutsBetweenCodePoints) {
  EXPECT_EQ(truncate_utf8("aé", 2), "a");
  EXPECT_EQ(truncate_utf8("aé", 3), "aé");
}

TEST(TruncateUtf8, ReplacesWhatPostgresqlRefuses) {
  EXPECT_EQ(truncate_utf8(std::string_view("a\0b", 3), 99),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(truncate_utf8("\xC3", 99), "\xEF\xBF\xBD");
  EXPECT_EQ(truncate_utf8("\xC0\x80", 99), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(truncate_utf8("\xED\xA0\x80", 3), "\xEF\xBF\xBD");
}

TEST(ShellQuote, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(shell_quote("A17"), "A17");
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("a'b c"), "'a'\\''b c'");
}

TEST(Join, PutsTheSeparatorBetween) {
  EXPECT_EQ(join(std::vector<std::string>{"a", "b"}, ", "), "a, b");
  EXPECT_EQ(trim(" \n a b\t"), "a b");
}

}  // namespace
}  // namespace evd

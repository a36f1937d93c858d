#include <gtest/gtest.h>

#include "common/logging/format.hpp"
#include "common/logging/recording_logger.hpp"

namespace evd::logging {
namespace {

TEST(Logging, QuotesValuesThatNeedIt) {
  const Field fields[] = {{"n", 3}, {"ok", true}, {"why", "a \"b\""}, {"t", Milliseconds(90'000)}};
  EXPECT_EQ(format_text(Level::k_info, "closed", fields),
            R"(info closed n=3 ok=true why="a \"b\"" t=90s)");
}

TEST(Logging, KeepsALineOneLine) {
  const Field fields[] = {{"error", "a\nb\x1b[31m"}};
  EXPECT_EQ(format_text(Level::k_error, "x\ny", fields), R"(error x\ny error="a\nb\x1b[31m")");
}

TEST(Logging, WritesJsonThatKeepsNumbersAndRepairsBytes) {
  const Field fields[] = {{"n", 3}, {"bad", "\xFF"}};
  EXPECT_EQ(format_json(Level::k_warn, "m", fields),
            "{\"level\":\"warn\",\"message\":\"m\",\"n\":3,\"bad\":\"\xEF\xBF\xBD\"}");
}

TEST(Logging, WritesFromItsLevelUp) {
  testing::internal::CaptureStderr();
  const auto logger = make_logger({Level::k_warn, Format::k_json});
  logger->info("quiet");
  logger->warn("loud {}", {{"k", "v"}});
  const std::string output = testing::internal::GetCapturedStderr();
  EXPECT_EQ(output.find("quiet"), std::string::npos);
  EXPECT_EQ(output.find("{\"time\":\""), 0U) << output;
  EXPECT_NE(output.find(R"(Z","level":"warn","message":"loud {}","k":"v"})"), std::string::npos)
      << output;
}

TEST(Logging, RecordsForTests) {
  RecordingLogger logger;
  logger.error("lost", {{"id", 4}});
  EXPECT_TRUE(logger.contains(Level::k_error, "id=4"));
  EXPECT_FALSE(logger.contains(Level::k_info, "lost"));
}

}  // namespace
}  // namespace evd::logging

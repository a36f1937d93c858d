#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/evctl/filter.hpp"
#include "common/base/error.hpp"

namespace evd::evctl {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(EvctlFilter, ReadsAStatusAsANumberOrAWord) {
  EXPECT_EQ(parse_status("0"), 0);
  EXPECT_EQ(parse_status("escalated"), 3);
  EXPECT_EQ(parse_status("timeout"), 1);
  EXPECT_THROW(parse_status("4"), ConfigError);
  EXPECT_THROW(parse_status(""), ConfigError);
  EXPECT_THROW(parse_status("33"), ConfigError);
}

TEST(EvctlFilter, ReadsOnlyWholePositiveIds) {
  EXPECT_EQ(parse_event_id("42"), 42);
  for (const char* text : {"", "0", "-1", "42x", "4.2", "99999999999999999999"}) {
    EXPECT_THROW(parse_event_id(text), ConfigError) << text;
  }
}

TEST(EvctlFilter, NamesEachIdOnce) {
  EXPECT_EQ(parse_event_ids({"3", "1", "3"}), (std::vector<std::int64_t>{3, 1}));
}

TEST(EvctlFilter, IsEmptyUnlessSomethingIsAskedFor) {
  pg::Params params;
  EXPECT_TRUE(Filter{}.is_empty());
  EXPECT_EQ(where_clause({}, Scope::k_all, params), "");
  EXPECT_TRUE(params.empty());
}

TEST(EvctlFilter, PutsWhatTheUserTypedIntoParametersOnly) {
  Filter filter;
  filter.event = "x' or true --";
  filter.handler = "y'";
  filter.owner = "z'";
  filter.since = "2026-01-01'";
  pg::Params params;
  EXPECT_THAT(where_clause(filter, Scope::k_all, params), Not(HasSubstr("'")));
  EXPECT_EQ(params.size(), 4U);
}

TEST(EvctlFilter, ReadsATimeAsADurationOrATimestamp) {
  pg::Params params;
  EXPECT_EQ(time_ago("2h", params), "statement_timestamp() - $1::interval");
  EXPECT_EQ(time_ahead("10m", params), "statement_timestamp() + $2::interval");
  EXPECT_EQ(time_ago("2026-01-01", params), "$3::timestamptz");
  EXPECT_STREQ(params.values()[0], "7200000 milliseconds");
}

TEST(EvctlFilter, FindsByTheirPairsEventsThatAHandlerEscalated) {
  Filter filter;
  filter.status = "3";
  pg::Params params;
  EXPECT_EQ(where_clause(filter, Scope::k_all, params), "where e.status = 3");
  filter.handler = "lottery";
  EXPECT_THAT(where_clause(filter, Scope::k_all, params), HasSubstr("evd.deliveries"));
}

TEST(EvctlFilter, LeavesTheHistoryOutWhereSomethingIsMissing) {
  Filter filter;
  filter.event = "purchased";
  pg::Params params;
  EXPECT_THAT(where_clause(filter, Scope::k_missing, params), HasSubstr("e.status <> 2"));
}

}  // namespace
}  // namespace evd::evctl

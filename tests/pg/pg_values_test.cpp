// What goes into a statement comes out again, in both formats.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "common/pg/connection.hpp"
#include "tests/support/postgres.hpp"

namespace evd::pg {
namespace {

using test::TestDatabase;
using Texts = std::vector<std::optional<std::string>>;

class PgValues : public ::testing::TestWithParam<Format> {
 protected:
  static void SetUpTestSuite() { database_ = new TestDatabase; }
  static void TearDownTestSuite() { delete database_; }

  Result ask(const std::string& sql, const Params& values) {
    return connection_.query(sql, values, GetParam());
  }

  static inline TestDatabase* database_ = nullptr;
  Connection connection_ = database_->connect();
};

INSTANTIATE_TEST_SUITE_P(Formats, PgValues, ::testing::Values(Format::k_text, Format::k_binary));

TEST_P(PgValues, IntegersOfAllSizesComeBack) {
  constexpr auto k_least = std::numeric_limits<std::int64_t>::min();
  constexpr auto k_most = std::numeric_limits<std::uint64_t>::max();
  const Result r = ask("select $1, $2, $3::xid8, $1::smallint, $4",
                       params(-7, k_least, k_most, std::uint32_t{4'000'000'000}));
  EXPECT_EQ(r.int32(0, 0), -7);
  EXPECT_EQ(r.int64(0, 1), k_least);
  EXPECT_EQ(r.uint64(0, 2), k_most);
  EXPECT_EQ(r.int64(0, 3), -7);
  EXPECT_EQ(r.int64(0, 4), 4'000'000'000);
  EXPECT_THROW(r.int32(0, 4), Error);
}

TEST_P(PgValues, RealsAndBooleansComeBack) {
  const Result r = ask("select $1, $2, $3, $4, $5::real", params(0.1, HUGE_VAL, true, false, 0.5));
  EXPECT_EQ(r.real(0, 0), 0.1);
  EXPECT_EQ(r.real(0, 1), HUGE_VAL);
  EXPECT_TRUE(r.boolean(0, 2));
  EXPECT_FALSE(r.boolean(0, 3));
  EXPECT_EQ(r.real(0, 4), 0.5);
}

TEST_P(PgValues, TextSurvivesQuotesBackslashesAndUnicode) {
  const std::string nasty = "it's \"q\" \\ \\n {a,NULL} $1 %s \n\t é 漢 😀";
  const Result r =
      ask("select $1::text, $2::text, $3::jsonb->>'k'", params(nasty, "", R"({"k": "a\"b"})"));
  EXPECT_EQ(r.text(0, 0), nasty);
  EXPECT_EQ(r.string(0, 1), "");
  EXPECT_EQ(r.string(0, 2), "a\"b");
}

TEST_P(PgValues, NullIsNotTheEmptyText) {
  const Result r = ask("select $1::text, $2, $3::text",
                       params(std::nullopt, std::optional<std::int64_t>{}, std::string()));
  EXPECT_TRUE(r.is_null(0, 0));
  EXPECT_EQ(r.optional_int64(0, 1), std::nullopt);
  EXPECT_EQ(r.optional_string(0, 2), "");
  EXPECT_EQ(r.text(0, 0), "");
  EXPECT_THROW(r.string(0, 0), Error);
  EXPECT_THROW(r.int64(0, 1), Error);
}

TEST_P(PgValues, AnEmptyOptionalKeepsItsType) {
  const Result r = ask("select pg_typeof($1)::text, pg_typeof($2)::text",
                       params(std::optional<std::int64_t>{}, std::optional<double>{}));
  EXPECT_EQ(r.string(0, 0), "bigint");
  EXPECT_EQ(r.string(0, 1), "double precision");
}

TEST_P(PgValues, ArraysComeBack) {
  const std::vector<std::int64_t> numbers{1, -2, std::numeric_limits<std::int64_t>::max()};
  const Texts texts{"a", "", "NULL", std::nullopt, "q\"b\\s", "{x,y}", "new\nline", " "};
  const Result r =
      ask("select $1, $2, $3::text[], $4::bigint[]",
          params(numbers, texts, std::vector<std::string>{}, std::vector<std::int64_t>{}));
  EXPECT_EQ(r.int64_array(0, 0), numbers);
  EXPECT_EQ(r.optional_text_array(0, 1), texts);
  EXPECT_THROW(r.text_array(0, 1), Error);
  EXPECT_TRUE(r.text_array(0, 2).empty());
  EXPECT_TRUE(r.int64_array(0, 3).empty());
}

TEST_P(PgValues, ArraysOfEveryTypeAreTyped) {
  using std::nullopt;
  const Result r =
      ask("select ($1)[2] is null, ($2)[1], ($3)[1], ($4)[2], ($5)[1], ($6)[2] is null, ($7)[1]",
          params(std::vector<std::optional<std::int64_t>>{1, nullopt}, std::vector<int>{5},
                 std::vector<double>{2.5}, std::vector<bool>{false, true},
                 std::vector<std::optional<double>>{3.5},
                 std::vector<std::optional<bool>>{true, nullopt}, std::vector<std::string>{"x"}));
  EXPECT_TRUE(r.boolean(0, 0));
  EXPECT_EQ(r.int32(0, 1), 5);
  EXPECT_EQ(r.real(0, 2), 2.5);
  EXPECT_TRUE(r.boolean(0, 3));
  EXPECT_EQ(r.real(0, 4), 3.5);
  EXPECT_TRUE(r.boolean(0, 5));
  EXPECT_EQ(r.string(0, 6), "x");
}

TEST_P(PgValues, ArraysWithOtherBoundsAreReadAndMatricesRefused) {
  const Result r = ask("select '[0:1]={a,b}'::text[], '{{1,2},{3,4}}'::bigint[]", {});
  EXPECT_EQ(r.text_array(0, 0), (std::vector<std::string>{"a", "b"}));
  EXPECT_THROW(r.int64_array(0, 1), Error);
}

TEST_P(PgValues, ColumnsAreFoundByNameAndPositionsChecked) {
  const Result r = ask("select 1 as a, 2 as \"B c\"", {});
  EXPECT_EQ(r.column("B c"), 1);
  EXPECT_THROW(r.column("b"), Error);
  EXPECT_THROW(r.int64(1, 0), Error);
  EXPECT_THROW(r.int64(0, 2), Error);
  EXPECT_THROW(r.is_null(-1, 0), Error);
}

TEST_P(PgValues, WhatIsNoNumberIsRefused) {
  const Result r = ask("select 'abc'::text, '12x'::text", {});
  EXPECT_THROW(r.int64(0, 0), Error);
  EXPECT_THROW(r.boolean(0, 0), Error);
  EXPECT_THROW(r.real(0, 1), Error);
}

class PgValuesOnce : public PgValues {};
INSTANTIATE_TEST_SUITE_P(Binary, PgValuesOnce, ::testing::Values(Format::k_binary));

TEST_P(PgValuesOnce, TimestampsAreMicrosecondsSince1970) {
  const Result r = ask(
      "select '1970-01-01 00:00:00.000001+00'::timestamptz, '2026-01-01 01:11:11+00'::timestamptz,"
      " 'infinity'::timestamptz",
      {});
  EXPECT_EQ(r.timestamp_us(0, 0), 1);
  EXPECT_EQ(r.timestamp_us(0, 1), 1'767'229'871'000'000);
  EXPECT_EQ(r.timestamp_us(0, 2), std::numeric_limits<std::int64_t>::max());
}

TEST(PgParams, RefuseNulBytesInsteadOfCuttingTheText) {
  const std::string text("a\0b", 3);
  const auto refused = [](const auto& value) {
    try {
      params(value);
    } catch (const Error& error) {
      return error.sqlstate() == "22021" && !error.connection_lost();
    }
    return false;
  };
  EXPECT_TRUE(refused(text));
  EXPECT_TRUE(refused(std::vector<std::string>{"fine", text}));
  EXPECT_TRUE(refused(Texts{std::nullopt, text}));
}

}  // namespace
}  // namespace evd::pg

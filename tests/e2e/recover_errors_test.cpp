// evrecover with a bad file, a wrong database, or none.
#include <gmock/gmock.h>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class RecoverErrors : public DaemonTest {
 protected:
  void SetUp() override { shop.apply(); }
};

TEST_F(RecoverErrors, WithABadFileItGoesOnWithTheLastGoodOneAndSaysSo) {
  ASSERT_EQ(shop.evrecover().exit, 0);
  write_file(shop.config_path(), read_file(shop.config_path()) + "[recovry]\n");
  const Ids ids = shop.emit(5);
  // Where the bad file does not parse at all, state_dir is still found.
  const RunResult result = shop.evrecover();
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, HasSubstr("last good"));
  EXPECT_THAT(result.err, HasSubstr("recovry"));
  EXPECT_TRUE(shop.all_processed(ids));
  ASSERT_TRUE(shop.alert("config_bad"));
  EXPECT_THAT(shop.alert("config_bad")->dump(), HasSubstr("recovry"));
  write_file(shop.config_path(), read_file(shop.config_path()) + "[[[\n");
  EXPECT_EQ(shop.evrecover().exit, 2);
  EXPECT_EQ(shop.exec_tally(ids), Tally{});
}

TEST_F(RecoverErrors, ABadFileWithoutAGoodOneBeforeIsAUsageError) {
  write_file(shop.config_path(),
             "[daemon]\nstate_dir = \"" + shop.file("x").string() + "\"\nx = 1\n");
  const RunResult result = shop.evrecover();
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, HasSubstr(":3"));
}

TEST_F(RecoverErrors, AnAbsentDatabaseIsComplainedOfOnceAnHourWithoutThePassword) {
  const std::vector<std::string> away = {
      "--database", "postgresql://somebody:s3cret@127.0.0.1:1/shop?connect_timeout=2"};
  const RunResult first = shop.evrecover(away);
  EXPECT_EQ(first.exit, 3);
  EXPECT_THAT(first.err, HasSubstr("out of reach"));
  EXPECT_THAT(first.err, Not(HasSubstr("s3cret")));
  const RunResult second = shop.evrecover(away);
  EXPECT_EQ(second.exit, 3);
  EXPECT_EQ(second.out + second.err, "");
  EXPECT_EQ(shop.alerts().size(), 1U);
  EXPECT_EQ(shop.evrecover().exit, 0);
  EXPECT_TRUE(shop.alert("recovered"));
  EXPECT_NE(shop.evrecover(away).err, "");  // it was back in between
}

TEST_F(RecoverErrors, NoSchemaAndAnotherInstanceAreRefused) {
  const TestDatabase empty;
  const RunResult bare = shop.evrecover({"--database", empty.url()});
  EXPECT_EQ(bare.exit, 4);
  EXPECT_THAT(bare.err, HasSubstr("migrate"));
  Settings settings = shop.settings();
  settings["database"]["instance"] = "\"shop-prod\"";
  shop.write_config(settings);
  const RunResult other = shop.evrecover();
  EXPECT_EQ(other.exit, 4);
  EXPECT_THAT(other.err, HasSubstr("shop-prod"));
}

TEST_F(RecoverErrors, BadFlagsAreUsageErrors) {
  EXPECT_EQ(shop.evrecover({"--no-such-flag"}).exit, 2);
  EXPECT_EQ(shop.evrecover({"--max-runtime", "soon"}).exit, 2);
  EXPECT_EQ(shop.evrecover({"--limit", "-1"}).exit, 2);
}

}  // namespace
}  // namespace evd::test

#include <gtest/gtest.h>

#include "common/base/error.hpp"
#include "common/handlers/factory.hpp"
#include "common/logging/recording_logger.hpp"
#include "tests/support/recording_sink.hpp"

namespace evd::handlers {
namespace {

class Factory : public testing::Test {
 protected:
  HandlerConfig& add(const std::string& name, HandlerKind kind) {
    HandlerConfig& handler = config_.handlers[name];
    handler.name = name;
    handler.kind = kind;
    handler.command = {"/bin/true"};
    handler.sql = "select f($1)";
    handler.concurrency = 2;
    return handler;
  }

  auto make() { return make_handlers(config_, "shop", sink_, logger_); }

  Config config_;
  test::RecordingSink sink_;
  logging::RecordingLogger logger_;
};

TEST_F(Factory, MakesEachHandlerByItsKindWithoutAskingTheDatabase) {
  config_.database.url = "postgresql:///none?host=/nowhere";
  add("giveCoupon", HandlerKind::k_sql);
  add("lottery", HandlerKind::k_exec);
  add("score", HandlerKind::k_worker);
  add("crm", HandlerKind::k_http);
  const auto handlers = make();
  ASSERT_EQ(handlers.size(), 4U);
  EXPECT_NE(dynamic_cast<ShareHandler*>(handlers.at("giveCoupon").get()), nullptr);
  EXPECT_EQ(dynamic_cast<ShareHandler*>(handlers.at("lottery").get()), nullptr);
  EXPECT_EQ(handlers.at("lottery")->name(), "lottery");
  EXPECT_EQ(handlers.at("lottery")->capacity(), 2);
}

TEST_F(Factory, MakesOnlyWhatThisMachineHosts) {
  add("giveCoupon", HandlerKind::k_exec);
  add("lottery", HandlerKind::k_exec);
  config_.daemon.hosts = {"lottery"};
  const auto handlers = make();
  EXPECT_EQ(handlers.size(), 1U);
  EXPECT_TRUE(handlers.contains("lottery"));
}

}  // namespace
}  // namespace evd::handlers

// The dispatcher of a recovery pass: what it runs besides, and what it leaves to a living evd.
#include "tests/support/dispatcher_fixture.hpp"

namespace evd::test {
namespace {

using std::chrono::seconds;

class DispatcherCron : public DispatcherFixture {
 protected:
  // As evrecover hosts a, beside a daemon that hosts it too.
  void start_pass() {
    options_.is_cron = true;
    options_.precedence = seconds{30};
    start({"a"});
    daemon_ = node_;
    node_ = journal_.register_node({"pass", "evrecover", "1", {"a"}});
    dispatcher_->start_over(journal_, node_);
  }

  void retry_by_cron() {
    journal::HandlerPolicy policy;
    policy.name = "a";
    policy.is_cron = true;
    memory_.set_handler(policy);
  }

  // The daemon lives on.
  void run_beside_for(seconds duration) {
    for (seconds passed{0}; passed < duration; passed += seconds{1}) {
      memory_.heartbeat(daemon_);
      run_for(seconds{1});
    }
  }

  // An event of a that the daemon has put into a delivery, or put off.
  void leave_delivery() {
    leave({{}, {{1, "a", journal::OpenPair::State::k_queued, "", {}}}, false});
  }
  void leave_part() { leave({{{"a", {}}}, {}, false}); }

  journal::NodeId daemon_ = 0;

 private:
  void leave(const journal::CloseRequest& request) {
    emit("a");
    const auto window = memory_.claim(daemon_, {7, 10});
    ASSERT_TRUE(window);
    ASSERT_EQ(memory_.close(daemon_, window->ref, request), journal::CloseResult::k_closed);
  }
};

TEST_F(DispatcherCron, RunsWhatIsRetriedByCronAlone) {
  retry_by_cron();
  start_pass();
  memory_.leave(daemon_);
  emit("a");
  run();
  a_->end_all(k_try_again);
  run_for(seconds{11});
  EXPECT_THAT(a_->started(), ElementsAre(1, 1));
}

TEST_F(DispatcherCron, ThatOfAnEvdLeavesItAlone) {
  retry_by_cron();
  start({"a"});
  emit("a");
  run();
  a_->end_all(k_try_again);
  run_for(seconds{60});
  EXPECT_THAT(a_->started(), ElementsAre(1));
}

TEST_F(DispatcherCron, LeavesALivingEvdHalfAMinuteForItsDeliveries) {
  start_pass();
  leave_delivery();
  run_beside_for(seconds{29});
  EXPECT_THAT(a_->started(), IsEmpty());
  run_beside_for(seconds{3});
  EXPECT_THAT(a_->started(), ElementsAre(1));
}

TEST_F(DispatcherCron, LeavesALivingEvdHalfAMinuteForItsParts) {
  start_pass();
  leave_part();
  run_beside_for(seconds{29});
  EXPECT_THAT(a_->started(), IsEmpty());
  run_beside_for(seconds{3});
  EXPECT_THAT(a_->started(), ElementsAre(1));
}

TEST_F(DispatcherCron, LeavesADeadEvdNothing) {
  start_pass();
  leave_delivery();
  memory_.leave(daemon_);
  run_for(seconds{1});
  EXPECT_THAT(a_->started(), ElementsAre(1));
}

}  // namespace
}  // namespace evd::test

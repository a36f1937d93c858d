// The signature of http handlers, as a receiver verifies it that does so by the specification's own
// library.
#include <gmock/gmock.h>

#include <regex>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

constexpr const char* k_old = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr const char* k_new = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
constexpr const char* k_other = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

class DaemonWebhook : public DaemonTest {
 protected:
  void SetUp() override {
    const std::string source = std::string(EVD_SOURCE_DIR) + "/tests/e2e/webhook/";
    for (const char* file : {"package.json", "receiver.js"})
      std::filesystem::copy(source + file, directory_.path());
    const RunResult installed =
        run({"/bin/sh", "-c",
             "cd " + directory_.path().string() +
                 " && npm install --silent --no-audit --no-fund --no-package-lock"});
    if (installed.exit != 0) GTEST_SKIP() << "npm cannot install standardwebhooks here";
    receiver_ = std::make_unique<ChildProcess>(std::vector<std::string>{
        "node", (directory_ / "receiver.js").string(), k_old, k_new, k_other});
    ASSERT_TRUE(receiver_->wait_for_output(" \n"));
    const std::string out = receiver_->out();
    std::smatch port;
    ASSERT_TRUE(std::regex_search(out, port, std::regex("port ([0-9]+)")));
    url_ = "http://127.0.0.1:" + port[1].str() + "/";
  }

  void start(const std::string& secrets) {
    Settings settings = shop.settings();
    settings["events.purchased"] = {{"handlers", R"(["crm"])"}};
    settings["handlers.crm"] = {{"http", "{ url = \"" + url_ + "\", secret = " + secrets + " }"}};
    settings.erase("handlers.lottery");
    settings.erase("handlers.giveCoupon");
    shop.write_config(settings);
    evd_ = shop.start_evd();
  }

  TempDir directory_;
  Program receiver_, evd_;
  std::string url_;
};

TEST_F(DaemonWebhook, IsVerifiedWithTheSecretAndWithNoOther) {
  start("\"" + std::string(k_old) + "\"");
  const std::string id = std::to_string(shop.emit_one(R"({"text": "a \"quoted\" ümlaut, 5 €"})"));
  EXPECT_TRUE(receiver_->wait_for_output("webhook test:" + id +
                                         ":crm: ok, No matching signature found, No matching"))
      << receiver_->out();
}

TEST_F(DaemonWebhook, IsVerifiedWithEitherSecretWhileTheyAreChanged) {
  start("[\"" + std::string(k_old) + "\", \"" + k_new + "\"]");
  const std::string id = std::to_string(shop.emit_one());
  EXPECT_TRUE(receiver_->wait_for_output("webhook test:" + id +
                                         ":crm: ok, ok, No matching signature found"))
      << receiver_->out();
}

}  // namespace
}  // namespace evd::test

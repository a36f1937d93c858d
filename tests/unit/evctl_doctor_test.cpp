// What doctor finds on a machine besides its database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "cli/evctl/doctor_machine.hpp"
#include "tests/support/temp_dir.hpp"

namespace evd::evctl {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DoctorMachine : public testing::Test {
 protected:
  DoctorMachine() { config_.daemon.state_dir = (root_ / "state").string(); }

  fs::path write(const std::string& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    test::write_file(root_ / name, text);
    return root_ / name;
  }

  // "warn spool: …" for each finding.
  std::vector<std::string> state() const {
    std::vector<std::string> lines;
    for (const Finding& finding : check_state_dir(config_))
      lines.push_back(std::string(to_string(finding.level)) + " " + finding.check + ": " +
                      finding.text);
    return lines;
  }

  test::TempDir root_;
  Config config_;
};

TEST_F(DoctorMachine, FindsWhatStartsEvrecover) {
  EXPECT_THAT(recovery_schedules(root_.path()), IsEmpty());
  write("etc/crontab", "# * * * * * evd evrecover\n17 * * * * root run-parts\n");
  EXPECT_THAT(recovery_schedules(root_.path()), IsEmpty()) << "a comment starts nothing";
  write("etc/cron.d/evd", "* * * * * evd [ -x /usr/bin/evrecover ] && /usr/bin/evrecover\n");
  write("etc/cron.d/evd.dpkg-old", "* * * * * evd /usr/bin/evrecover\n");
  EXPECT_THAT(recovery_schedules(root_.path()), ElementsAre("/etc/cron.d/evd"));
  const fs::path wants = root_ / "etc/systemd/system/timers.target.wants";
  fs::create_directories(wants);
  fs::create_symlink("/nonexistent/evrecover.timer", wants / "evrecover.timer");
  write("var/spool/cron/crontabs/app", "*/5 * * * * /opt/evd/bin/evrecover\n");
  EXPECT_THAT(recovery_schedules(root_.path()),
              ElementsAre("/etc/cron.d/evd", "/var/spool/cron/crontabs/app", "evrecover.timer"));
}

TEST_F(DoctorMachine, OneScheduleIsRight) {
  EXPECT_EQ(check_schedules({}).at(0).level, Level::k_ok) << "another machine may have it";
  EXPECT_EQ(check_schedules({"/etc/cron.d/evd"}).at(0).level, Level::k_ok);
  const Finding two = check_schedules({"/etc/cron.d/evd", "evrecover.timer"}).at(0);
  EXPECT_EQ(two.level, Level::k_warn);
  EXPECT_THAT(two.text, HasSubstr("/etc/cron.d/evd, evrecover.timer"));
}

TEST_F(DoctorMachine, TellsOfWhatWaitsOrIsKeptInTheStateDirectory) {
  EXPECT_THAT(state(), ElementsAre(HasSubstr("is not there")));
  const fs::path spool = write("state/spool/spool", "");
  EXPECT_THAT(state(), ElementsAre("ok state_dir: " + config_.daemon.state_dir));
  write("state/spool/spool", "EVDF");
  EXPECT_THAT(state(), ElementsAre(testing::StartsWith("ok"))) << "evd is about to write them";
  fs::last_write_time(spool, fs::last_write_time(spool) - std::chrono::hours{2});
  write("state/spool/rejected.ndjson", "{}\n");
  write("state/lost/one.ndjson", "{}\n");
  EXPECT_THAT(state(),
              ElementsAre("warn spool: 4 bytes of events wait on disk, the last for 2h",
                          testing::AllOf(HasSubstr("warn spool: "), HasSubstr("rejected.ndjson")),
                          testing::AllOf(HasSubstr("warn lost: "), HasSubstr("1 file"))));
}

TEST_F(DoctorMachine, TellsWhereNobodyWouldBeTold) {
  EXPECT_THAT(check_channels(config_, false), IsEmpty()) << "no file, nothing to judge";
  config_.path = "evd.toml";
  EXPECT_THAT(check_channels(config_, false).at(0).text, HasSubstr("nobody is told"));
  config_.channels["pager"] = {};
  config_.owners["default"].alerts = {"pager"};
  EXPECT_THAT(check_channels(config_, false).at(0).text, HasSubstr("1 configured"));
}

}  // namespace
}  // namespace evd::evctl

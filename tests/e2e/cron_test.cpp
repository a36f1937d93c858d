// The crontab line that is shipped, as Debian's cron runs it. cron reads its tables in fixed places
// and runs what they say as their users: it gets a view of the file system of its own, in which
// there are no tables but this, and the machine's files are as they were.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/daemon_fixture.hpp"

namespace evd::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// $1: a directory whose usr and etc lie over the system's. $2: evrecover. Then the command.
constexpr const char* k_view = R"sh(
set -e
mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr
mount --bind "$2" /usr/bin/evrecover
mount -t overlay overlay -o "lowerdir=$1/etc:/etc" /etc
mount --bind "$1/cron.d" /etc/cron.d
mount --bind "$1/spool" /var/spool/cron
mount -t tmpfs tmpfs /run
shift 2
exec "$@"
)sh";

class Cron : public DaemonTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can run cron";
    if (!fs::exists("/usr/sbin/cron")) GTEST_SKIP() << "Debian's cron is not installed";
    install();
    const RunResult view = run(in_view({"test", "-x", "/usr/bin/evrecover"}));
    if (view.exit != 0) GTEST_SKIP() << "no mounts of one's own are permitted here: " << view.err;
  }

  // As the package does, with its configuration at the usual place.
  void install() {
    put("usr/bin/evrecover", "");
    put("usr/sbin/sendmail", "#!/bin/sh\ncat >> " + shop.file("mail").string() + "\n");
    fs::permissions(root_ / "usr/sbin/sendmail", fs::perms{0755});
    const std::string user = "evd:*:" + uid_ + ":64321::/:/usr/sbin/nologin\n";
    put("etc/passwd", user + read_file("/etc/passwd"));
    put("etc/pam.d/cron", "account required pam_permit.so\nsession required pam_permit.so\n");
    put("etc/crontab", "");
    put("etc/evd/evd.toml", read_file(shop.config_path()));
    put("cron.d/evd", read_file(EVD_SOURCE_DIR "/packaging/cron.d/evd"));
    fs::create_directories(root_ / "spool/crontabs");
    for (const char* name : {"mail", "lottery.out", "alerts.out"}) {
      write_file(shop.file(name), "");
      fs::permissions(shop.file(name), fs::perms{0666});
    }
  }

  // In life the evd that died was that user's too.
  void give_state() const {
    const RunResult given = run({"chown", "-R", uid_, shop.file("evd.state").string()});
    EXPECT_EQ(given.exit, 0) << given.err;
  }

  // Who owns the server: nobody else may use its socket. Any other will do where there is none.
  std::string server_uid() {
    struct stat found {};
    const std::string directory = shop.value(
        "select trim(both '\"' from split_part(current_setting('unix_socket_directories'), ',', "
        "1))");
    return std::to_string(::stat(directory.c_str(), &found) == 0 ? found.st_uid : 64321);
  }

  void put(const std::string& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    write_file(root_ / name, text);
  }

  std::vector<std::string> in_view(const std::vector<std::string>& command) const {
    std::vector<std::string> words = {
        "unshare", "--mount", "sh", "-c", k_view, "sh", root_.string(), evd_binary("evrecover")};
    words.insert(words.end(), command.begin(), command.end());
    return words;
  }

  const fs::path root_ = shop.file("root");
  const std::string uid_ = server_uid();
};

TEST_F(Cron, AloneRecoversWhatADeadEvdLeftByTheShippedLine) {
  const Program evd = shop.start_evd();
  shop.hold();
  const Ids ids = shop.emit(20);
  ASSERT_TRUE(eventually([&] { return shop.count("start") == 4; }));
  evd->signal_group(SIGKILL);
  EXPECT_EQ(evd->wait(), 128 + SIGKILL);
  shop.release();
  give_state();
  EXPECT_FALSE(shop.all_processed(ids));
  ChildProcess cron(in_view({"/usr/sbin/cron", "-f"}));
  EXPECT_TRUE(shop.wait_processed(ids, std::chrono::seconds{130}))
      << cron.err() << read_file(shop.file("mail"));
  EXPECT_EQ(shop.sql_tally(ids), Tally{});
  const Tally lottery = shop.exec_tally(ids);
  EXPECT_EQ(lottery.lost, 0);
  EXPECT_LE(lottery.repeated, 4) << "those that ran";
  // What it says goes to whom cron mails.
  ASSERT_TRUE(eventually([&] { return !read_file(shop.file("mail")).empty(); }));
  EXPECT_THAT(read_file(shop.file("mail")),
              HasSubstr("[ -x /usr/bin/evrecover ] && /usr/bin/evrecover"));
}

}  // namespace
}  // namespace evd::test

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>
#include <thread>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/mailbox.hpp"
#include "common/base/random.hpp"

namespace evd {
namespace {

bool readable(int fd) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}

TEST(Mailbox, IsReadableExactlyWhileItHoldsSomething) {
  Mailbox<int> mailbox;
  EXPECT_FALSE(readable(mailbox.fd()));
  mailbox.push(1);
  mailbox.push(2);
  EXPECT_TRUE(readable(mailbox.fd()));
  EXPECT_EQ(mailbox.drain(), (std::vector<int>{1, 2}));
  EXPECT_FALSE(readable(mailbox.fd()));
  EXPECT_TRUE(mailbox.drain().empty());
}

TEST(Mailbox, LosesNothingFromManyProducers) {
  Mailbox<int> mailbox;
  std::vector<std::jthread> producers;
  for (int producer = 0; producer < 4; ++producer)
    producers.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) mailbox.push(i);
    });
  std::size_t received = 0;
  while (received < 4000) {
    pollfd p{mailbox.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&p, 1, 10'000), 1);
    received += mailbox.drain().size();
  }
  EXPECT_EQ(received, 4000U);
}

TEST(Random, TokensArePositiveAndDiffer) {
  std::set<std::int64_t> tokens;
  for (int i = 0; i < 100; ++i) tokens.insert(random_token());
  EXPECT_EQ(tokens.size(), 100U);
  EXPECT_GT(*tokens.begin(), 0);
}

TEST(Random, UuidsAreOfVersion4) {
  const std::string uuid = random_uuid();
  ASSERT_EQ(uuid.size(), 36U);
  EXPECT_EQ(uuid[14], '4');
  EXPECT_NE(uuid, random_uuid());
}

TEST(File, ReadsBackWhatWasWrittenAndLeavesNoTemporaryFile) {
  const std::filesystem::path directory = testing::TempDir() + "evd-" + random_uuid();
  std::filesystem::create_directory(directory);
  const std::string path = directory / "state";
  write_file_atomically(path, "old");
  write_file_atomically(path, "new", 0600);
  EXPECT_EQ(read_file(path), "new");
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1);
  std::filesystem::remove_all(directory);
}

TEST(File, SaysWhichFileAndWhy) {
  try {
    read_file("/no/such/file");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "cannot read \"/no/such/file\": No such file or directory");
  }
}

}  // namespace
}  // namespace evd

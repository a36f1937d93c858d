// The spool's file: what was appended is there after a crash, and what was cut short is not.
#include "common/ingest/spool.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace evd::ingest {
namespace {

constexpr std::int64_t k_room = 1 << 20;

// What the spool asks of the disk, and whether the disk does it.
std::int64_t synced_bytes = 0;  // of the file that was synced last
ino_t synced_directory = 0;     // likewise
bool is_disk_broken = false;

}  // namespace

// These two in this program instead of the C library's.
extern "C" int fdatasync(int fd) {
  if (is_disk_broken) {
    errno = EIO;
    return -1;
  }
  struct stat status {};
  if (::fstat(fd, &status) == 0) synced_bytes = status.st_size;
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

extern "C" int fsync(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) synced_directory = status.st_ino;
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace {

class SpoolTest : public testing::Test {
 protected:
  Spool open(std::int64_t room = k_room) { return std::move(*Spool::open(directory(), room)); }
  std::filesystem::path directory() const { return dir.path() / "spool"; }
  std::filesystem::path file() const { return directory() / "spool"; }

  static Frame frame(const std::string& name) {
    return {"00000000-0000-4000-8000-000000000001",
            {R"({"event_name":")" + name + "\"}", R"({"event_name":"x","args":[1.50,"],}"]})"},
            name == "keyed"};
  }

  void write_at(std::int64_t offset, const std::string& bytes) const {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(offset);
    stream << bytes;
  }

  test::TempDir dir;
};

TEST_F(SpoolTest, KeepsFramesInOrderOverARestart) {
  {
    Spool spool = open();
    EXPECT_TRUE(spool.is_empty());
    spool.append(frame("a"));
    spool.append(frame("keyed"));
  }
  Spool spool = open();
  EXPECT_EQ(spool.torn_bytes(), 0);
  const Frame first = spool.front();
  EXPECT_EQ(first.uuid, frame("a").uuid);
  EXPECT_EQ(first.events, frame("a").events) << "as they stood, to the digit";
  EXPECT_FALSE(first.is_keyed);
  spool.pop();
  EXPECT_TRUE(spool.front().is_keyed);
  spool.pop();
  EXPECT_TRUE(spool.is_empty());
  EXPECT_EQ(std::filesystem::file_size(file()), 0U) << "nothing is left to be drained";
}

TEST_F(SpoolTest, IsHeldByOneAtATime) {
  const Spool spool = open();
  EXPECT_FALSE(Spool::open(directory(), k_room));
}

TEST_F(SpoolTest, CutsOffATornTailAndKeepsTheRest) {
  std::int64_t whole = 0;
  {
    Spool spool = open();
    spool.append(frame("a"));
    whole = spool.bytes();
    spool.append(frame("b"));
  }
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(file()));
  for (std::int64_t cut = size - 1; cut > whole; --cut) {
    std::filesystem::resize_file(file(), static_cast<std::uintmax_t>(cut));
    {
      Spool spool = open();
      EXPECT_EQ(spool.torn_bytes(), cut - whole);
      EXPECT_EQ(spool.bytes(), whole);
      EXPECT_EQ(spool.front().events, frame("a").events);
      spool.append(frame("b"));
    }
    ASSERT_EQ(std::filesystem::file_size(file()), static_cast<std::uintmax_t>(size));
  }
}

TEST_F(SpoolTest, AFrameThatDoesNotMatchItsChecksumEndsTheFile) {
  std::int64_t whole = 0;
  {
    Spool spool = open();
    spool.append(frame("a"));
    whole = spool.bytes();
    spool.append(frame("b"));
  }
  write_at(whole + 60, "#");
  const Spool spool = open();
  EXPECT_EQ(spool.bytes(), whole);
  EXPECT_GT(spool.torn_bytes(), 0);
}

TEST_F(SpoolTest, AnythingElseIsNoFrame) {
  for (const std::string& junk : {std::string("hello"), std::string(100, '\0'),
                                  std::string("EVDF\xff\xff\xff\xff") + std::string(40, 'x')}) {
    std::filesystem::create_directories(directory());
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << junk;
    const Spool spool = open();
    EXPECT_TRUE(spool.is_empty());
    EXPECT_EQ(spool.torn_bytes(), static_cast<std::int64_t>(junk.size()));
  }
}

TEST_F(SpoolTest, TakesNoMoreThanItMay) {
  Spool spool = open(400);
  spool.append(frame("a"));
  const auto bytes = spool.bytes();
  EXPECT_THROW(
      {
        for (int i = 0; i < 10; ++i) spool.append(frame("b"));
      },
      SpoolFull);
  EXPECT_GE(spool.bytes(), bytes);
  EXPECT_EQ(spool.front().events, frame("a").events);
}

TEST_F(SpoolTest, WhatIsKeptIsOnTheDisk) {
  Spool spool = open();
  struct stat status {};
  ASSERT_EQ(::stat(directory().c_str(), &status), 0);
  EXPECT_EQ(synced_directory, status.st_ino) << "a new file's name, too";
  for (const char* name : {"a", "b"}) {
    spool.append(frame(name));
    EXPECT_EQ(static_cast<std::uintmax_t>(synced_bytes), std::filesystem::file_size(file()));
  }
  spool.reject("{}", "no such event");
  EXPECT_EQ(static_cast<std::uintmax_t>(synced_bytes),
            std::filesystem::file_size(spool.rejected_path()));
}

TEST_F(SpoolTest, WhatTheDiskDoesNotTakeIsNotSaidToBeKept) {
  {
    Spool spool = open();
    is_disk_broken = true;
    EXPECT_THROW(spool.append(frame("a")), Error);
    EXPECT_THROW(spool.reject("{}", "no such event"), Error);
    is_disk_broken = false;
  }
  EXPECT_TRUE(open().is_empty());
}

TEST(SpoolFrame, DecodesOnlyItsOwn) {
  EXPECT_FALSE(decode("{"));
  EXPECT_FALSE(decode("[]"));
  EXPECT_FALSE(decode(R"({"uuid":1,"keyed":true,"events":[]})"));
  EXPECT_FALSE(decode(R"({"uuid":"u","keyed":true,"events":{}})"));
  EXPECT_TRUE(decode(R"({"uuid":"u","keyed":true,"events":[]})"));
}

}  // namespace
}  // namespace evd::ingest

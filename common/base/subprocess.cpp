#include "common/base/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/base/unique_fd.hpp"

namespace evd {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

constexpr std::size_t k_max_error_output = 4'096;
constexpr Milliseconds k_grace{2'000};

[[noreturn]] void fail(const std::string& what, int error_number) {
  throw Error(what + ": " + errno_text(error_number));
}

UniqueFd input_file(const std::string& text) {
  UniqueFd file(memfd_create("evd-input", MFD_CLOEXEC));
  if (!file) fail("cannot make a file for a program's input", errno);
  for (std::size_t written = 0; written < text.size();) {
    const ssize_t size = ::write(file.get(), text.data() + written, text.size() - written);
    if (size < 0 && errno != EINTR) fail("cannot write a program's input", errno);
    if (size > 0) written += static_cast<std::size_t>(size);
  }
  if (lseek(file.get(), 0, SEEK_SET) < 0) fail("cannot rewind a program's input", errno);
  return file;
}

// The C strings that posix_spawn wants; the strings stay with the caller.
std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (auto& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

class SpawnSettings {
 public:
  SpawnSettings(int input, int errors) {
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }

  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
};

// The child, ended with all that it started when the caller leaves early.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid), fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    kill(SIGKILL);
    wait();
  }

  int fd() const { return fd_.get(); }
  void kill(int number) const { ::kill(-pid_, number); }
  int wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_;
  UniqueFd fd_;
};

pid_t spawn(const Subprocess& process, int input, int errors) {
  if (process.command.empty()) throw Error("no program to run");
  std::vector<std::string> words = process.command;
  std::vector<std::string> settings = {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
  for (const auto& [name, value] : process.env) settings.push_back(name + "=" + value);
  const SpawnSettings spawn_settings(input, errors);
  pid_t pid = 0;
  const int error =
      posix_spawnp(&pid, words.front().c_str(), &spawn_settings.files, &spawn_settings.attributes,
                   pointers(words).data(), pointers(settings).data());
  if (error != 0) fail("cannot run " + words.front(), error);
  return pid;
}

// Takes what has come; false: nothing more will.
bool read_some(int fd, std::string& kept) {
  std::array<char, 4'096> buffer{};
  const ssize_t size = ::read(fd, buffer.data(), buffer.size());
  if (size < 0) return errno == EINTR || errno == EAGAIN;
  kept.append(buffer.data(), static_cast<std::size_t>(size));
  if (kept.size() > k_max_error_output) kept.erase(0, kept.size() - k_max_error_output);
  return size > 0;
}

// Until the child ends; false: not before the deadline. Whoever it left behind may hold its stderr
// open, so that is not waited for.
bool wait_until(Deadline deadline, const Child& child, UniqueFd& errors, std::string& kept) {
  while (true) {
    const auto left =
        std::chrono::duration_cast<Milliseconds>(deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 2> fds = {pollfd{child.fd(), POLLIN, 0}, pollfd{errors.get(), POLLIN, 0}};
    const int ready =
        poll(fds.data(), fds.size(), static_cast<int>(std::max<long>(left.count(), 0)));
    if (ready > 0 && fds[1].revents != 0 && !read_some(errors.get(), kept)) errors.reset();
    if (ready > 0 && fds[0].revents != 0) {
      while (errors && fds[1].revents != 0 && read_some(errors.get(), kept) &&
             poll(&fds[1], 1, 0) > 0) {
      }
      return true;
    }
    if (left.count() <= 0) return false;
  }
}

}  // namespace

SubprocessResult run_subprocess(const Subprocess& process) {
  const UniqueFd input = input_file(process.input);
  std::array<int, 2> pipe_fds{};
  if (pipe2(pipe_fds.data(), O_CLOEXEC | O_NONBLOCK) != 0) fail("cannot make a pipe", errno);
  UniqueFd errors(pipe_fds[0]);
  UniqueFd their_errors(pipe_fds[1]);
  Child child(spawn(process, input.get(), their_errors.get()));
  their_errors.reset();
  if (child.fd() < 0) fail("cannot watch " + process.command.front(), errno);

  SubprocessResult result;
  const auto start = std::chrono::steady_clock::now();
  if (!wait_until(start + process.timeout, child, errors, result.error_output)) {
    result.timed_out = true;
    child.kill(SIGTERM);
    wait_until(start + process.timeout + k_grace, child, errors, result.error_output);
    child.kill(SIGKILL);
  }
  const int status = child.wait();
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  return result;
}

}  // namespace evd

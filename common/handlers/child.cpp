#include "common/handlers/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <memory>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace evd::handlers {

namespace {

constexpr std::size_t k_buffer = 65'536;
constexpr std::size_t k_read_at_once = 1'048'576;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

// Of this end only: the child's is another open file.
void make_non_blocking(const UniqueFd& fd) { ::fcntl(fd.get(), F_SETFL, O_NONBLOCK); }

class SpawnActions {
 public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }

  void set(const std::string& cwd, int in, int out, int err) {
    ::posix_spawn_file_actions_addchdir_np(&actions_, cwd.empty() ? "/" : cwd.c_str());
    ::posix_spawn_file_actions_adddup2(&actions_, in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, err, STDERR_FILENO);
    // Should a library have opened something that survives exec.
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

class SpawnAttributes {
 public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t all{};
    sigset_t none{};
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

// glibc 2.36 declares its own in a way that C++ cannot link.
UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

// posix_spawnp would look in evd's own PATH, which systemd and cron set differently.
std::string find_program(const Program& program) {
  const std::string& name = program.command.front();
  if (name.find('/') != std::string::npos) return name;
  std::string_view rest = program.path;
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string candidate = std::string(rest.substr(0, colon)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
  return name;
}

[[noreturn]] void refuse(const Program& program, int error) {
  const std::string& cwd = program.cwd;
  if (!cwd.empty() && ::access(cwd.c_str(), X_OK) != 0) {
    const std::string why = errno_text(errno);
    throw Error("cannot start " + program.command.front() + " in " + cwd + ": " + why);
  }
  throw Error("cannot start " + program.command.front() + ": " + errno_text(error));
}

Pipe make_pipe(const Program& program) {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) refuse(program, errno);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

void write_ahead(const UniqueFd& in, std::string_view& input) {
  const ssize_t written = ::write(in.get(), input.data(), input.size());
  if (written > 0) input.remove_prefix(static_cast<std::size_t>(written));
}

}  // namespace

bool read_available(const UniqueFd& fd, const std::function<void(std::string_view)>& take) {
  std::array<char, k_buffer> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read into
  for (std::size_t total = 0; total < k_read_at_once;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    take({buffer.data(), static_cast<std::size_t>(count)});
    total += static_cast<std::size_t>(count);
    if (static_cast<std::size_t>(count) < buffer.size()) return true;
  }
  return true;
}

void block_signals() {
  sigset_t all{};
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

void Child::signal_group(int number) const { ::kill(-pid, number); }

int Child::reap() const {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

Child spawn(const Program& program, const std::vector<std::string>& environment,
            std::string_view& input) {
  Pipe in = make_pipe(program);
  Pipe out = make_pipe(program);
  Pipe err = make_pipe(program);
  make_non_blocking(in.write);
  make_non_blocking(out.read);
  make_non_blocking(err.read);
  write_ahead(in.write, input);

  SpawnActions actions;
  actions.set(program.cwd, in.read.get(), out.write.get(), err.write.get());
  const SpawnAttributes attributes;
  const std::string file = find_program(program);
  Child child;
  const int error = ::posix_spawn(&child.pid, file.c_str(), actions.get(), attributes.get(),
                                  pointers(program.command).data(), pointers(environment).data());
  if (error != 0) refuse(program, error);
  child.pidfd = open_pidfd(child.pid);
  if (!child.pidfd) {
    const int why = errno;
    child.signal_group(SIGKILL);
    child.reap();
    refuse(program, why);
  }
  if (!input.empty() || program.keeps_stdin) child.in = std::move(in.write);
  child.out = std::move(out.read);
  child.err = std::move(err.read);
  return child;
}

}  // namespace evd::handlers

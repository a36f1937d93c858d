#include "common/pg/server_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>

#include "common/base/error.hpp"
#include "common/base/unique_fd.hpp"

namespace evd::pg {

namespace {

std::string reason() { return std::system_category().message(errno); }

std::vector<gid_t> groups_of(const passwd& entry) {
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (::getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count) < 0) count = 0;
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

// All below runs between fork and exec of a program with threads: system calls only.

[[noreturn]] void give_up(std::string_view why) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, why.data(), why.size());
  ::_exit(127);
}

void drop_rights(const std::optional<ServerUser>& user) {
  if (!user) return;
  if (::setgroups(user->groups.size(), user->groups.data()) != 0 || ::setgid(user->gid) != 0 ||
      ::setuid(user->uid) != 0) {
    give_up("cannot become the server's user\n");
  }
}

void reset_signals() {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD}) {
    ::signal(number, SIG_DFL);
  }
}

[[noreturn]] void become(const std::vector<char*>& argv, const std::optional<ServerUser>& user,
                         int log, bool die_with_parent, pid_t parent) {
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  ::setsid();
  reset_signals();
  drop_rights(user);
  // After the change of user, which clears it.
  if (die_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGINT);
    if (::getppid() != parent) ::_exit(127);
  }
  if (::chdir("/") != 0) give_up("cannot enter /\n");
  ::execv(argv[0], argv.data());
  give_up("cannot run PostgreSQL's program\n");
}

}  // namespace

std::optional<ServerUser> server_user() {
  if (::geteuid() != 0) return std::nullopt;
  for (const char* name : {"postgres", "nobody"}) {
    const passwd* entry = ::getpwnam(name);
    if (entry != nullptr) {
      return ServerUser{entry->pw_uid, entry->pw_gid, groups_of(*entry), name};
    }
  }
  throw Error("PostgreSQL does not run as root, and there is no user postgres or nobody");
}

void give_to_server_user(const std::filesystem::path& path) {
  const auto user = server_user();
  if (user && ::lchown(path.c_str(), user->uid, user->gid) != 0) {
    throw Error("cannot give " + path.string() + " to the user " + user->name + ": " + reason());
  }
}

pid_t spawn_server_command(const ServerCommand& command) {
  const UniqueFd log(
      ::open(command.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!log) throw Error("cannot write " + command.log_file.string() + ": " + reason());
  const auto user = server_user();
  std::vector<std::string> words = command.argv;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw Error("cannot start " + command.argv.front() + ": " + reason());
  if (pid == 0) become(argv, user, log.get(), command.die_with_parent, parent);
  return pid;
}

int wait_for_exit(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return 0;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace evd::pg

#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>

#include "common/base/error.hpp"
#include "common/base/unique_fd.hpp"
#include "tests/support/wait.hpp"

namespace evd::test {

namespace {

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Error("cannot create a pipe");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::vector<std::string> environment(const SpawnOptions& options) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : options.env) {
    if (value) {
      variables[name] = *value;
    } else {
      variables.erase(name);
    }
  }
  std::vector<std::string> lines;
  for (const auto& [name, value] : variables) lines.push_back(name + "=" + value);
  return lines;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// What the child needs, made before the fork: afterwards only system calls are allowed.
struct Image {
  char** argv;
  char** envp;
  const char* cwd;
  bool die_with_parent;
  pid_t parent;
};

[[noreturn]] void become(const Image& image, int in, int out, int err) {
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  ::setpgid(0, 0);
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (image.die_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != image.parent) ::_exit(127);
  }
  if (*image.cwd != '\0' && ::chdir(image.cwd) != 0) ::_exit(127);
  ::execvpe(image.argv[0], image.argv, image.envp);
  ::_exit(127);
}

}  // namespace

struct ChildProcess::State {
  pid_t pid = 0;
  UniqueFd input;
  UniqueFd output;
  UniqueFd errors;
  std::optional<int> exit;  // used by the owner's thread only

  mutable std::mutex mutex;  // guards out, err, finished
  std::string out;
  std::string err;
  bool finished = false;

  std::jthread reader;  // last: it ends before the rest goes

  bool read_some(UniqueFd& fd, std::string& into) {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;
    const std::lock_guard lock(mutex);
    into.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
  }

  void read_all(const std::stop_token& stop) {
    bool out_open = true;
    bool err_open = true;
    while ((out_open || err_open) && !stop.stop_requested()) {
      // A negative descriptor is skipped by poll. The timeout is for stop only.
      std::array<pollfd, 2> fds{pollfd{out_open ? output.get() : -1, POLLIN, 0},
                                pollfd{err_open ? errors.get() : -1, POLLIN, 0}};
      if (::poll(fds.data(), fds.size(), 50) <= 0) continue;
      if (fds[0].revents != 0) out_open = read_some(output, out);
      if (fds[1].revents != 0) err_open = read_some(errors, err);
    }
    const std::lock_guard lock(mutex);
    finished = true;
  }

  bool all_read() const {
    const std::lock_guard lock(mutex);
    return finished;
  }

  bool reap() {
    if (exit) return true;
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) != pid) return false;
    exit = exit_code(status);
    return true;
  }
};

ChildProcess::ChildProcess(std::vector<std::string> argv, SpawnOptions options)
    : state_(std::make_unique<State>()) {
  // Writing to a child that has gone must fail, not kill the tests.
  ::signal(SIGPIPE, SIG_IGN);
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  auto variables = environment(options);
  const auto arguments = pointers(argv);
  const auto envp = pointers(variables);
  const Image image{const_cast<char**>(arguments.data()), const_cast<char**>(envp.data()),
                    options.cwd.c_str(), options.die_with_parent, ::getpid()};
  state_->pid = ::fork();
  if (state_->pid < 0) throw Error("cannot fork");
  if (state_->pid == 0) {
    become(image, in.read_end.get(), out.write_end.get(), err.write_end.get());
  }
  ::setpgid(state_->pid, state_->pid);  // in both, so that neither has to wait for the other
  state_->input = std::move(in.write_end);
  state_->output = std::move(out.read_end);
  state_->errors = std::move(err.read_end);
  state_->reader =
      std::jthread([state = state_.get()](const std::stop_token& stop) { state->read_all(stop); });
}

ChildProcess::~ChildProcess() {
  signal_group(SIGKILL);
  if (!state_->exit) ::waitpid(state_->pid, nullptr, 0);
}

pid_t ChildProcess::pid() const { return state_->pid; }

void ChildProcess::write(const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(state_->input.get(), text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return;  // it has closed its stdin; what it did says the rest
    done += static_cast<std::size_t>(n);
  }
}

void ChildProcess::close_stdin() { state_->input.reset(); }

void ChildProcess::signal(int number) {
  if (!state_->reap()) ::kill(state_->pid, number);
}

void ChildProcess::signal_group(int number) { ::kill(-state_->pid, number); }

std::optional<int> ChildProcess::wait(std::chrono::milliseconds timeout) {
  if (!eventually([&] { return state_->reap(); }, timeout)) return std::nullopt;
  // What it started may hold its output open for ever; its own is in the pipe by now.
  eventually([&] { return state_->all_read(); }, std::chrono::seconds{1});
  return state_->exit;
}

bool ChildProcess::running() { return !state_->reap(); }

std::string ChildProcess::out() const {
  const std::lock_guard lock(state_->mutex);
  return state_->out;
}

std::string ChildProcess::err() const {
  const std::lock_guard lock(state_->mutex);
  return state_->err;
}

bool ChildProcess::wait_for_output(const std::string& text, std::chrono::milliseconds timeout) {
  const auto seen = [&] {
    const std::lock_guard lock(state_->mutex);
    return state_->out.find(text) != std::string::npos ||
           state_->err.find(text) != std::string::npos;
  };
  eventually([&] { return seen() || state_->all_read(); }, timeout);
  return seen();
}

RunResult run(std::vector<std::string> argv, SpawnOptions options, const std::string& input,
              std::chrono::milliseconds timeout) {
  const std::string name = argv.at(0);
  ChildProcess child(std::move(argv), std::move(options));
  child.write(input);
  child.close_stdin();
  const auto exit = child.wait(timeout);
  if (!exit) throw Error(name + " did not end in time; stderr: " + child.err());
  return {*exit, child.out(), child.err()};
}

}  // namespace evd::test

// Real programs, started and watched. All that a child writes is kept in memory by a reader thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace evd::test {

struct SpawnOptions {
  // Over the environment of the test; nullopt removes the variable.
  std::vector<std::pair<std::string, std::optional<std::string>>> env;
  std::filesystem::path cwd;  // empty: the test's

  // The child is killed when the *thread* that spawned it ends. Off for a child that is spawned by
  // a helper thread and shall outlive it.
  bool die_with_parent = true;
};

class ChildProcess {
 public:
  // argv[0] is looked up in PATH. A program that cannot be run exits with 127.
  explicit ChildProcess(std::vector<std::string> argv, SpawnOptions options = {});
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();  // kills the child and its process group, if it still runs

  pid_t pid() const;

  void write(const std::string& text);  // to its stdin
  void close_stdin();

  void signal(int number);        // the child alone; nothing when it is gone
  void signal_group(int number);  // and what it started

  // Its exit code, or 128 + signal as in a shell; nullopt: still running. All its output is there
  // then.
  std::optional<int> wait(std::chrono::milliseconds timeout = std::chrono::seconds{30});
  bool running();

  std::string out() const;  // so far
  std::string err() const;

  // In stdout or stderr, since the start. False: not in time, or the child ended without it.
  bool wait_for_output(const std::string& text,
                       std::chrono::milliseconds timeout = std::chrono::seconds{20});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct RunResult {
  int exit = -1;
  std::string out;
  std::string err;
};

// Runs it to its end. Throws evd::Error when that takes longer than `timeout`.
RunResult run(std::vector<std::string> argv, SpawnOptions options = {},
              const std::string& input = {},
              std::chrono::milliseconds timeout = std::chrono::seconds{60});

}  // namespace evd::test

// A private PostgreSQL server, for `evd --embedded` and for tests. It listens on a unix socket
// only, which only its own user (and root) can reach, and trusts whoever reaches it. Run by root,
// the server becomes the user `postgres`, or `nobody` where there is none.
//
// In `directory`: data/ (PostgreSQL's), s/ (the socket; a link into /tmp where the path would be
// too long for a socket), postgres.log, and url (of the database `postgres`, once it has started).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace evd::pg {

struct ClusterOptions {
  std::filesystem::path directory;
  std::filesystem::path bin_dir;      // of initdb and postgres; empty: find_bin_dir()
  std::vector<std::string> settings;  // lines for postgresql.conf, over the defaults
  bool fsync = true;

  // The server is stopped when the *thread* that called start() ends, however it ends. Start it
  // from a thread that lives as long as the program.
  bool die_with_parent = false;
};

enum class StopMode { k_fast, k_immediate };

class Cluster {
 public:
  explicit Cluster(ClusterOptions options);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster();  // stops what this object started

  // Creates the data directory unless it is there. Superuser `evd`, UTF-8, locale C.
  void initialise();

  // Initialises, starts the server, and returns when it answers. Throws evd::Error with the end of
  // its log when it does not, and when one already runs in the directory. Recovers a crashed one.
  void start(std::chrono::milliseconds timeout = std::chrono::seconds{60});

  // Stops the server in the directory, whoever started it; returns when it is gone. None: does
  // nothing.
  void stop(StopMode mode = StopMode::k_fast);

  // SIGKILL: what a crash of PostgreSQL looks like. start() brings it back.
  void kill_postmaster();

  // The server goes on when this object ends.
  void detach();

  // The server that runs in the directory, whoever started it.
  std::optional<pid_t> running_pid() const;

  // With the socket's directory, port and user, so that no PG* variable can lead it elsewhere.
  std::string url(const std::string& database = "postgres") const;

  const std::filesystem::path& directory() const { return options_.directory; }
  std::filesystem::path data_directory() const { return options_.directory / "data"; }
  std::filesystem::path log_file() const { return options_.directory / "postgres.log"; }
  std::filesystem::path socket_directory() const;

  // Where initdb and postgres are; `version` ("15", or empty for any) is preferred. Throws
  // evd::Error.
  static std::filesystem::path find_bin_dir(const std::string& version = {});

 private:
  void prepare_directories() const;
  void prepare_socket_directory() const;
  void write_settings() const;
  void refuse_if_running(std::chrono::steady_clock::time_point deadline) const;
  bool start_once(std::chrono::steady_clock::time_point deadline);
  bool server_exited();
  bool answers() const;
  [[noreturn]] void fail(const std::string& what, std::uintmax_t log_offset) const;

  ClusterOptions options_;
  pid_t pid_ = 0;  // of the server this object started; 0: none
};

}  // namespace evd::pg

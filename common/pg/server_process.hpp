// Running PostgreSQL's own programs as a user that they accept. Private to common/pg.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace evd::pg {

// PostgreSQL refuses to run as root.
struct ServerUser {
  uid_t uid;
  gid_t gid;
  std::vector<gid_t> groups;
  std::string name;
};

// nullopt: this process is not root and everything runs as it is.
std::optional<ServerUser> server_user();

// Gives a directory or file to the server's user, where that is another one.
void give_to_server_user(const std::filesystem::path& path);

struct ServerCommand {
  std::vector<std::string> argv;   // argv[0] is the program's full path
  std::filesystem::path log_file;  // stdout and stderr are appended to it
  bool die_with_parent = false;    // SIGINT, a fast shutdown, when the calling thread ends
};

// In a session of its own, so that the terminal's Ctrl-C does not reach it. Throws evd::Error.
pid_t spawn_server_command(const ServerCommand& command);

// Waits for it to end; its exit code, or 128 + signal.
int wait_for_exit(pid_t pid);

}  // namespace evd::pg

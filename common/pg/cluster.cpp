#include "common/pg/cluster.hpp"

#include <libpq-fe.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <memory>
#include <thread>
#include <utility>

#include "common/base/error.hpp"
#include "common/pg/cluster_files.hpp"
#include "common/pg/server_process.hpp"

namespace evd::pg {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds k_poll{10};
constexpr std::string_view k_port = "5432";
constexpr const char* k_settings_file = "evd.conf";
constexpr auto k_stop_timeout = std::chrono::seconds{60};
constexpr auto k_kill_timeout = std::chrono::seconds{5};

// What a socket's path may have, less "/.s.PGSQL.5432.lock".
constexpr std::size_t k_socket_directory_limit = 107 - 19;

bool is_private_directory(const fs::path& path) {
  struct stat status {};
  const auto user = server_user();
  const uid_t owner = user ? user->uid : ::geteuid();
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == owner;
}

void make_private_directory(const fs::path& path) {
  fs::create_directories(path);
  fs::permissions(path, fs::perms::owner_all);
  give_to_server_user(path);
}

bool wait_until(auto&& condition, steady_clock::time_point deadline) {
  while (!condition()) {
    if (steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(k_poll);
  }
  return true;
}

// A server started by hand then also stays on the socket.
void append_include(const fs::path& file) {
  std::ofstream stream(file, std::ios::app);
  stream << "\ninclude_if_exists = '" << k_settings_file << "'\n" << std::flush;
  if (!stream) throw Error("cannot write " + file.string());
}

std::uintmax_t size_of(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  return error ? 0 : size;
}

}  // namespace

Cluster::Cluster(ClusterOptions options) : options_(std::move(options)) {
  options_.directory = fs::absolute(options_.directory).lexically_normal();
  if (!options_.directory.has_filename()) options_.directory = options_.directory.parent_path();
}

Cluster::~Cluster() {
  if (pid_ == 0) return;
  try {
    stop(StopMode::k_fast);
  } catch (const std::exception&) {
    ::kill(pid_, SIGQUIT);
  }
}

void Cluster::fail(const std::string& what, std::uintmax_t log_offset) const {
  const std::string log = tail(log_file(), log_offset);
  throw Error(what + " in " + directory().string() + (log.empty() ? "" : ": " + log));
}

fs::path Cluster::socket_directory() const {
  const fs::path inside = directory() / "s";
  return fs::is_symlink(inside) ? fs::read_symlink(inside) : inside;
}

void Cluster::prepare_socket_directory() const {
  const fs::path inside = directory() / "s";
  if (inside.native().size() <= k_socket_directory_limit) return make_private_directory(inside);
  // The link remembers the short directory, so that it is used again and other processes find it.
  if (fs::is_symlink(inside) && is_private_directory(fs::read_symlink(inside))) return;
  fs::remove(inside);
  std::string name = "/tmp/evd-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw Error("cannot create a directory under /tmp");
  make_private_directory(name);
  fs::create_symlink(name, inside);
}

void Cluster::prepare_directories() const {
  try {
    fs::create_directories(directory());
    prepare_socket_directory();
  } catch (const fs::filesystem_error& error) {
    throw Error(std::string("cannot prepare the database directory: ") + error.what());
  }
}

void Cluster::initialise() {
  prepare_directories();
  if (fs::exists(data_directory() / "PG_VERSION")) return;
  if (options_.bin_dir.empty()) options_.bin_dir = find_bin_dir();
  const auto offset = size_of(log_file());
  // Renamed when complete, so that an initdb that was killed leaves nothing half-made in its place.
  const fs::path fresh = directory() / "data.new";
  fs::remove_all(fresh);
  make_private_directory(fresh);
  std::vector<std::string> argv = {options_.bin_dir / "initdb",
                                   "--pgdata=" + fresh.string(),
                                   "--username=evd",
                                   "--auth-local=trust",
                                   "--auth-host=reject",
                                   "--encoding=UTF8",
                                   "--locale=C"};
  if (!options_.fsync) argv.emplace_back("--no-sync");
  const pid_t pid = spawn_server_command({argv, log_file(), options_.die_with_parent});
  if (wait_for_exit(pid) != 0) fail("cannot create a database", offset);
  append_include(fresh / "postgresql.conf");
  fs::rename(fresh, data_directory());
}

void Cluster::write_settings() const {
  const fs::path file = data_directory() / k_settings_file;
  std::string text = "# Written by evd at each start; what ALTER SYSTEM sets wins over it.\n";
  text += "listen_addresses = ''\nport = " + std::string(k_port) + "\n";
  text +=
      "unix_socket_directories = " + quote_setting('"' + socket_directory().string() + '"') + "\n";
  text += "unix_socket_permissions = 0700\n";
  if (!options_.fsync) text += "fsync = off\nfull_page_writes = off\n";
  for (const std::string& line : options_.settings) text += line + "\n";
  write_text(file, text);
  give_to_server_user(file);
}

void Cluster::refuse_if_running(steady_clock::time_point deadline) const {
  // One that is stopping, since whoever started it was just killed, is waited for.
  std::optional<Postmaster> server;
  wait_until(
      [&] { return !(server = read_postmaster(data_directory())) || server->status != "stopping"; },
      deadline);
  if (!server) return;
  throw Error("a PostgreSQL server (process " + std::to_string(server->pid) + ") already runs in " +
              directory().string());
}

void Cluster::start(milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  prepare_directories();
  refuse_if_running(deadline);
  initialise();
  if (options_.bin_dir.empty()) {
    options_.bin_dir = find_bin_dir(first_line(data_directory() / "PG_VERSION"));
  }
  write_settings();
  while (!start_once(deadline)) std::this_thread::sleep_for(10 * k_poll);
  write_text(directory() / "url", url() + "\n");
}

// False: the processes of a server that was killed are still ending; to be tried again.
bool Cluster::start_once(steady_clock::time_point deadline) {
  remove_stale_pid_file(data_directory());
  const auto offset = size_of(log_file());
  const std::string data = data_directory();
  pid_ = spawn_server_command(
      {{options_.bin_dir / "postgres", "-D", data}, log_file(), options_.die_with_parent});
  const bool decided = wait_until([&] { return server_exited() || answers(); }, deadline);
  if (pid_ != 0 && decided) return true;
  if (pid_ != 0) {
    stop(StopMode::k_immediate);
    fail("PostgreSQL did not become ready in time", offset);
  }
  const std::string log = tail(log_file(), offset);
  if (log.find("shared memory block") != std::string::npos && steady_clock::now() < deadline) {
    return false;
  }
  fail("PostgreSQL did not start", offset);
}

bool Cluster::server_exited() {
  int status = 0;
  const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
  pid_ = 0;
  return true;
}

bool Cluster::answers() const { return PQping(url().c_str()) == PQPING_OK; }

std::optional<pid_t> Cluster::running_pid() const {
  if (pid_ != 0) return pid_;
  const auto server = read_postmaster(data_directory());
  return server ? std::optional(server->pid) : std::nullopt;
}

void Cluster::stop(StopMode mode) {
  const auto pid = running_pid();
  if (!pid) return;
  const bool own = pid_ != 0;
  const auto gone = [&] { return own ? server_exited() : !read_postmaster(data_directory()); };
  const std::pair<int, std::chrono::seconds> steps[] = {
      {mode == StopMode::k_fast ? SIGINT : SIGQUIT, k_stop_timeout},
      {SIGQUIT, k_kill_timeout},
      {SIGKILL, k_kill_timeout}};
  for (const auto& [number, timeout] : steps) {
    ::kill(*pid, number);
    if (wait_until(gone, steady_clock::now() + timeout)) return;
  }
  throw Error("PostgreSQL (process " + std::to_string(*pid) + ") cannot be stopped");
}

void Cluster::kill_postmaster() {
  const auto pid = running_pid();
  if (!pid) return;
  ::kill(*pid, SIGKILL);
  if (std::exchange(pid_, 0) != 0) wait_for_exit(*pid);
}

void Cluster::detach() { pid_ = 0; }

std::string Cluster::url(const std::string& database) const {
  return "postgresql:///" + url_encode(database) +
         "?host=" + url_encode(socket_directory().string()) + "&port=" + std::string(k_port) +
         "&user=evd";
}

}  // namespace evd::pg

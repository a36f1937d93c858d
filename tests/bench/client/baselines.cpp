#include "tests/bench/client/baselines.hpp"

#include <microhttpd.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <cstdio>

#include "common/base/error.hpp"
#include "common/base/text.hpp"

namespace evd::bench {

namespace {

MHD_Result answer(void* response, MHD_Connection* connection, const char*, const char*, const char*,
                  const char*, std::size_t* size, void** state) {
  static int begun = 0;
  if (*state == nullptr) {
    *state = &begun;
    return MHD_YES;
  }
  if (*size > 0) {
    *size = 0;
    return MHD_YES;
  }
  return MHD_queue_response(connection, 200, static_cast<MHD_Response*>(response));
}

void start(const std::string& program) {
  std::array<char*, 2> arguments = {const_cast<char*>(program.c_str()), nullptr};
  std::array<char*, 1> environment = {nullptr};
  pid_t pid = 0;
  const int error =
      ::posix_spawn(&pid, program.c_str(), nullptr, nullptr, arguments.data(), environment.data());
  if (error != 0) throw Error("cannot start " + program + ": " + errno_text(error));
}

}  // namespace

void serve_http() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  MHD_Response* response = MHD_create_response_from_buffer(0, nullptr, MHD_RESPMEM_PERSISTENT);
  MHD_Daemon* daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, nullptr, nullptr, &answer,
                                        response, MHD_OPTION_SOCK_ADDR, &address,
                                        MHD_OPTION_CONNECTION_LIMIT, 2000U, MHD_OPTION_END);
  if (daemon == nullptr) throw Error("cannot start an HTTP server");
  std::printf("%d\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  MHD_stop_daemon(daemon);
  MHD_destroy_response(response);
}

Spawned spawn_programs(const std::string& program, std::int64_t count, int at_once) {
  const auto began = std::chrono::steady_clock::now();
  std::int64_t started = 0;
  for (; started < count && started < at_once; ++started) start(program);
  for (std::int64_t ended = 0; ended < count; ++ended) {
    ::wait(nullptr);
    if (started < count) {
      start(program);
      ++started;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  return {count, took.count()};
}

}  // namespace evd::bench

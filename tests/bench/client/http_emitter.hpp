// Emits over HTTP: connections that are kept, one event a request, the next one as soon as the last
// is answered. One thread, so that it takes little of the processor from what is measured.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace evd::bench {

struct HttpEmitOptions {
  std::string socket;  // the path of the daemon's unix socket
  int connections = 64;
  std::chrono::seconds time{5};
};

struct HttpEmitted {
  std::int64_t events = 0;  // acknowledged
  double seconds = 0;
};

// Throws evd::Error for an answer that is not 201.
HttpEmitted emit_http(const HttpEmitOptions& options);

}  // namespace evd::bench

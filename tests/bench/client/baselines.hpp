// The least that any program of evd's kind has to do, to measure it beside: a web service that
// answers at once, and programs that are started and waited for.
#pragma once

#include <cstdint>
#include <string>

namespace evd::bench {

// Answers every request with 200 on a loopback port, whose number it prints, until its stdin ends.
void serve_http();

struct Spawned {
  std::int64_t events;
  double seconds;
};

// Starts and waits for the program `count` times, `at_once` at a time. Throws evd::Error.
Spawned spawn_programs(const std::string& program, std::int64_t count, int at_once);

}  // namespace evd::bench

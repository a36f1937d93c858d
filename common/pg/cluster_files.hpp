// The files of a private cluster: finding PostgreSQL's programs, reading postmaster.pid, writing
// settings. Private to common/pg.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace evd::pg {

struct Postmaster {
  pid_t pid;
  std::string status;  // "starting", "ready", "stopping" ...; empty when not yet written
};

// The server that runs on this data directory. A stale postmaster.pid is no server, also when its
// number meanwhile belongs to another process.
std::optional<Postmaster> read_postmaster(const std::filesystem::path& data_directory);

// Where there is no server: takes away a postmaster.pid that would keep one from starting.
void remove_stale_pid_file(const std::filesystem::path& data_directory);

// 'it''s', as postgresql.conf wants it.
std::string quote_setting(const std::string& value);

std::string url_encode(const std::string& text);

// The last lines after `offset`, in one line.
std::string tail(const std::filesystem::path& file, std::uintmax_t offset);

std::string first_line(const std::filesystem::path& file);  // empty when there is none
void write_text(const std::filesystem::path& file, const std::string& text);

}  // namespace evd::pg

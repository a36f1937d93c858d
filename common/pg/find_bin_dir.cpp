#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <utility>

#include "common/base/error.hpp"
#include "common/pg/cluster.hpp"

namespace evd::pg {

namespace fs = std::filesystem;

namespace {

bool has_server(const fs::path& directory) {
  return ::access((directory / "initdb").c_str(), X_OK) == 0 &&
         ::access((directory / "postgres").c_str(), X_OK) == 0;
}

// What is installed beside each other, the newest first: /usr/lib/postgresql/15/bin.
std::vector<fs::path> versioned_dirs() {
  std::vector<std::pair<int, fs::path>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", error)) {
    found.emplace_back(std::atoi(entry.path().filename().c_str()), entry.path() / "bin");
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<fs::path> dirs;
  for (auto& [version, path] : found) dirs.push_back(std::move(path));
  return dirs;
}

// With only the client's development package it names a directory without a server.
std::string pg_config_dir() {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen("pg_config --bindir 2>/dev/null", "re"),
                                                   &::pclose);
  std::array<char, 4096> line{};
  if (!pipe || std::fgets(line.data(), static_cast<int>(line.size()), pipe.get()) == nullptr) {
    return {};
  }
  std::string text = line.data();
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::vector<fs::path> path_dirs() {
  const char* path = std::getenv("PATH");
  std::istringstream stream(path != nullptr ? path : "");
  std::vector<fs::path> dirs;
  for (std::string dir; std::getline(stream, dir, ':');) {
    if (!dir.empty()) dirs.emplace_back(dir);
  }
  return dirs;
}

}  // namespace

fs::path Cluster::find_bin_dir(const std::string& version) {
  std::vector<fs::path> candidates;
  if (!version.empty()) candidates.push_back(fs::path("/usr/lib/postgresql") / version / "bin");
  candidates.emplace_back(pg_config_dir());
  for (auto& dir : versioned_dirs()) candidates.push_back(std::move(dir));
  for (auto& dir : path_dirs()) candidates.push_back(std::move(dir));
  for (const fs::path& dir : candidates) {
    if (!dir.empty() && has_server(dir)) return dir;
  }
  throw Error("PostgreSQL's server programs (initdb, postgres) are not installed here");
}

}  // namespace evd::pg

// Stands between clients and the unix socket of a PostgreSQL and loses answers: what the server has
// done is done, and the client, whose connection ends, does not know.
#pragma once

#include <poll.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/base/error.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unix_socket.hpp"

namespace evd::test {

class LosingRelay {
 public:
  explicit LosingRelay(std::filesystem::path server) : server_(std::move(server)) {
    listening_ = listen_unix(directory_ / ".s.PGSQL.5432");
    if (!listening_) throw Error("cannot listen in " + directory_.path().string());
    accepting_ = std::jthread([this](const std::stop_token& stop) { accept_all(stop); });
  }

  // The directory of its socket, for host=; the port is 5432.
  const std::filesystem::path& host() const { return directory_.path(); }

  // Of the next so many messages that hold the text. To be said before clients connect.
  void lose_answers_to(const std::string& text, int count) {
    text_ = text;
    to_lose_ = count;
  }
  int left_to_lose() const { return to_lose_; }

 private:
  static constexpr int k_look_ms = 20;  // whether to stop

  static bool is_readable(const UniqueFd& fd, int timeout_ms) {
    pollfd one{fd.get(), POLLIN, 0};
    return ::poll(&one, 1, timeout_ms) > 0;
  }

  // What is there, at least a byte of it. Empty: the connection is over.
  static std::string receive(const UniqueFd& fd) {
    std::array<char, 65'536> piece{};
    const ssize_t got = ::recv(fd.get(), piece.data(), piece.size(), 0);
    return got <= 0 ? std::string() : std::string(piece.data(), static_cast<std::size_t>(got));
  }

  static bool pass_on(const UniqueFd& fd, std::string_view data) {
    while (!data.empty()) {
      const ssize_t sent = ::send(fd.get(), data.data(), data.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      data.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // ReadyForQuery ends each answer.
  static bool is_whole(std::string_view answer) {
    using namespace std::string_view_literals;
    return answer.size() >= 6 && answer.substr(answer.size() - 6, 5) == "Z\0\0\0\5"sv;
  }

  void accept_all(const std::stop_token& stop) {
    std::vector<std::jthread> relaying;
    while (!stop.stop_requested()) {
      if (!is_readable(listening_, k_look_ms)) continue;
      UniqueFd client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      UniqueFd server = connect_unix(server_);
      if (!server) continue;
      relaying.emplace_back([this, from = std::move(client), to = std::move(server)](
                                const std::stop_token& over) { relay(over, from, to); });
    }
  }

  void relay(const std::stop_token& stop, const UniqueFd& client, const UniqueFd& server) {
    bool is_losing = false;
    std::string lost;
    while (!stop.stop_requested() && !is_whole(lost)) {
      std::array<pollfd, 2> both{pollfd{client.get(), POLLIN, 0}, pollfd{server.get(), POLLIN, 0}};
      if (::poll(both.data(), both.size(), k_look_ms) <= 0) continue;
      if (both[0].revents != 0) {
        const std::string asked = receive(client);
        if (asked.empty() || !pass_on(server, asked)) return;
        if (!is_losing && to_lose_ > 0 && asked.find(text_) != std::string::npos) {
          --to_lose_;
          is_losing = true;
        }
      }
      if (both[1].revents != 0) {
        const std::string answer = receive(server);
        if (answer.empty() || (!is_losing && !pass_on(client, answer))) return;
        if (is_losing) lost += answer;
      }
    }
  }

  const std::filesystem::path server_;
  const TempDir directory_;
  UniqueFd listening_;
  std::string text_;
  std::atomic<int> to_lose_ = 0;
  std::jthread accepting_;  // last: it uses all of the above
};

}  // namespace evd::test

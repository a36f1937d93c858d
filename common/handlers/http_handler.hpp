// Posts events to a web service. One thread has all requests in flight, over connections that are
// kept; it alone touches what is private below but for the inbox.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/base/curl.hpp"
#include "common/base/mailbox.hpp"
#include "common/base/unique_fd.hpp"
#include "common/config/handler_config.hpp"
#include "common/handlers/http_message.hpp"
#include "common/handlers/order.hpp"

namespace evd::handlers {

class HttpHandler : public Handler {
 public:
  HttpHandler(const HandlerConfig& config, std::string instance, Sink& sink);
  ~HttpHandler() override;

  const std::string& name() const override { return name_; }
  int capacity() const override { return concurrency_; }
  void start(Batch batch) override;
  void interrupt() override;

 private:
  using TimePoint = Clock::TimePoint;

  // One request; what curl points into stays where it is.
  struct Exchange {
    std::uint64_t batch = 0;
    std::uint32_t index = 0;
    CurlEasy easy;
    HttpMessage message;
    CurlHeaders headers;
    std::string answer;
  };

  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* known);
  static int on_timer(CURLM* multi, long timeout_ms, void* self);

  void loop();
  void take_orders();
  void start_one(const Attempt& attempt, std::uint64_t batch, std::uint32_t index);
  void interrupt_all();
  void wait_for_events();
  void act(curl_socket_t socket, int events);
  void take_ended();
  void end(CURL* easy, CURLcode code);
  void report(const Exchange& exchange, journal::Outcome outcome);
  void deliver_results();
  CurlEasy free_handle();

  const std::string name_;
  const std::string instance_;
  const int concurrency_;
  const Milliseconds timeout_;
  const Milliseconds connect_timeout_;
  const HttpTarget target_;
  const std::string host_;
  Sink& sink_;
  Mailbox<Order> inbox_;
  UniqueFd epoll_;
  std::vector<CurlEasy> idle_;  // handles to be used again
  std::unordered_map<CURL*, std::unique_ptr<Exchange>> exchanges_;
  TimePoint act_at_ = TimePoint::max();  // when curl wants to be called
  std::vector<Result> results_;
  bool is_stopping_ = false;
  CurlMulti multi_;      // gone before what it uses
  std::jthread thread_;  // last: started when all else is there
};

}  // namespace evd::handlers

#include "common/handlers/http_handler.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "common/base/duration.hpp"
#include "common/base/error.hpp"
#include "common/base/text.hpp"
#include "common/handlers/child.hpp"
#include "common/handlers/http_outcome.hpp"

namespace evd::handlers {

namespace {

constexpr int k_events = 256;
constexpr Milliseconds k_longest_connect{10'000};

std::int64_t now_in_seconds() {
  // Receivers refuse signatures that are old by their clock: the time of day, not the database's.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

std::uint32_t epoll_events(int curl_what) {
  std::uint32_t events = 0;
  if ((curl_what & CURL_POLL_IN) != 0) events |= EPOLLIN;
  if ((curl_what & CURL_POLL_OUT) != 0) events |= EPOLLOUT;
  return events;
}

int curl_events(std::uint32_t events) {
  int result = 0;
  if ((events & EPOLLIN) != 0) result |= CURL_CSELECT_IN;
  if ((events & EPOLLOUT) != 0) result |= CURL_CSELECT_OUT;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) result |= CURL_CSELECT_ERR;
  return result;
}

bool is_connected(CURL* easy) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &microseconds);
  return microseconds > 0;
}

std::optional<Milliseconds> retry_after(CURL* easy) {
  curl_off_t seconds = 0;
  curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
  if (seconds <= 0) return std::nullopt;
  return std::chrono::seconds{seconds};
}

}  // namespace

HttpHandler::HttpHandler(const HandlerConfig& config, std::string instance, Sink& sink)
    : name_(config.name),
      instance_(std::move(instance)),
      concurrency_(std::max(config.concurrency, 1)),
      timeout_(config.timeout),
      connect_timeout_(std::min(timeout_, k_longest_connect)),
      target_(config.http),
      host_(host_of(config.http.url)),
      sink_(sink),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      multi_(curl_multi_init()) {
  if (!epoll_) throw Error("epoll: " + errno_text(errno));
  if (!multi_) throw Error("out of memory");
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &on_socket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &on_timer);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(concurrency_));
  epoll_event event{.events = EPOLLIN, .data = {.fd = inbox_.fd()}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, inbox_.fd(), &event);
  thread_ = std::jthread([this] { loop(); });
}

HttpHandler::~HttpHandler() {
  inbox_.push({.kind = Order::Kind::k_stop});
  thread_.join();
}

void HttpHandler::start(Batch batch) {
  inbox_.push({.kind = Order::Kind::k_start, .batch = std::move(batch)});
}

void HttpHandler::interrupt() { inbox_.push({.kind = Order::Kind::k_interrupt}); }

void HttpHandler::loop() {
  block_signals();
  while (!is_stopping_) {
    wait_for_events();
    take_ended();
    deliver_results();
  }
}

void HttpHandler::take_orders() {
  for (const Order& order : inbox_.drain()) {
    if (order.kind == Order::Kind::k_start) {
      std::uint32_t index = 0;
      for (const Attempt& attempt : order.batch.attempts)
        start_one(attempt, order.batch.id, index++);
    } else {
      is_stopping_ = is_stopping_ || order.kind == Order::Kind::k_stop;
      interrupt_all();
    }
  }
}

CurlEasy HttpHandler::free_handle() {
  if (idle_.empty()) return CurlEasy(curl_easy_init());
  CurlEasy easy = std::move(idle_.back());
  idle_.pop_back();
  return easy;
}

void HttpHandler::start_one(const Attempt& attempt, std::uint64_t batch, std::uint32_t index) {
  auto exchange = std::make_unique<Exchange>();
  exchange->batch = batch;
  exchange->index = index;
  try {
    exchange->message = http_message(target_, attempt, name_, instance_, now_in_seconds());
    exchange->headers = curl_headers(exchange->message.headers);
    exchange->easy = free_handle();
    if (!exchange->easy) throw Error("out of memory");
  } catch (const std::exception& error) {  // a secret that is not base64
    report(*exchange,
           {.kind = journal::OutcomeKind::k_retry, .error = error.what(), .retry_after = {}});
    return;
  }
  CURL* easy = exchange->easy.get();
  set_up(easy, {.url = target_.url,
                .headers = exchange->headers.get(),
                .body = &exchange->message.body,
                .answer = &exchange->answer,
                .connect_timeout = connect_timeout_,
                .timeout = timeout_});
  exchanges_.emplace(easy, std::move(exchange));
  curl_multi_add_handle(multi_.get(), easy);
}

void HttpHandler::interrupt_all() {
  for (const auto& [easy, exchange] : exchanges_) {
    curl_multi_remove_handle(multi_.get(), easy);
    report(*exchange, interrupted());
  }
  exchanges_.clear();
}

// --- curl's sockets and its one timer

int HttpHandler::on_socket(CURL* /*easy*/, curl_socket_t socket, int what, void* self,
                           void* known) {
  auto& handler = *static_cast<HttpHandler*>(self);
  epoll_event event{.events = epoll_events(what), .data = {.fd = socket}};
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(handler.epoll_.get(), EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  ::epoll_ctl(handler.epoll_.get(), known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket,
              &event);
  curl_multi_assign(handler.multi_.get(), socket, self);  // anything but null: it is known
  return 0;
}

int HttpHandler::on_timer(CURLM* /*multi*/, long timeout_ms, void* self) {
  static_cast<HttpHandler*>(self)->act_at_ =
      timeout_ms < 0 ? TimePoint::max()
                     : std::chrono::steady_clock::now() + Milliseconds{timeout_ms};
  return 0;
}

void HttpHandler::wait_for_events() {
  std::array<epoll_event, k_events> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), k_events, wait_ms(act_at_));
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.fd == inbox_.fd()) {
      take_orders();
    } else {
      act(event.data.fd, curl_events(event.events));
    }
  }
  if (std::chrono::steady_clock::now() >= act_at_) {
    act_at_ = TimePoint::max();
    act(CURL_SOCKET_TIMEOUT, 0);
  }
}

void HttpHandler::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), socket, events, &running);
}

// --- results

void HttpHandler::take_ended() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg == CURLMSG_DONE) end(message->easy_handle, message->data.result);
  }
}

void HttpHandler::end(CURL* easy, CURLcode code) {
  const auto found = exchanges_.find(easy);
  if (found == exchanges_.end()) return;
  Exchange& exchange = *found->second;
  HttpEnding ending;
  if (code == CURLE_OK) {
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &ending.status);
    ending.answer = std::move(exchange.answer);
    ending.retry_after = retry_after(easy);
  } else if (code == CURLE_OPERATION_TIMEDOUT) {
    ending.problem = host_ + (is_connected(easy)
                                  ? ": timed out after " + format_duration(timeout_)
                                  : ": no connection within " + format_duration(connect_timeout_));
  } else {
    ending.problem = host_ + ": " + curl_easy_strerror(code);  // the longer text may quote the URL
  }
  report(exchange, http_outcome(target_, ending));
  curl_multi_remove_handle(multi_.get(), easy);
  curl_easy_reset(easy);
  idle_.push_back(std::move(exchange.easy));
  exchanges_.erase(found);
}

void HttpHandler::report(const Exchange& exchange, journal::Outcome outcome) {
  results_.push_back({exchange.batch, exchange.index, std::move(outcome)});
}

void HttpHandler::deliver_results() {
  if (!results_.empty()) sink_.finished(std::exchange(results_, {}));
}

}  // namespace evd::handlers

#include "common/pg/connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <utility>

#include "common/pg/connect.hpp"
#include "common/pg/connection_state.hpp"
#include "common/pg/fault.hpp"

namespace evd::pg {

namespace {

// `discard all` would also throw away the plans that functions keep, and cannot share a round trip.
constexpr const char* k_reset =
    "close all; set session authorization default; reset all; unlisten *;"
    "select pg_advisory_unlock_all(); discard temp; discard sequences;";

std::string quoted(char* escaped, pg_conn* connection) {
  if (escaped == nullptr) throw make_error(connection, nullptr);
  const std::unique_ptr<char, decltype(&PQfreemem)> owned(escaped, &PQfreemem);
  return owned.get();
}

}  // namespace

bool Canceller::cancel() const noexcept {
  std::array<char, 256> ignored{};
  return handle_ && PQcancel(handle_.get(), ignored.data(), static_cast<int>(ignored.size())) == 1;
}

Result Connection::State::checked(pg_result* raw) const {
  Result result(raw);
  switch (PQresultStatus(raw)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      return result;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:  // the next statement ends it
      throw make_error("0A000", "COPY from or to the client is not supported");
    default:
      throw explained(make_error(handle.get(), raw));
  }
}

Error Connection::State::explained(Error error) const {
  const bool is_unexplained = error.connection_lost() && error.sqlstate().empty();
  if (!is_unexplained || farewell.empty()) return error;
  return Error({.sqlstate = farewell,
                .primary = error.primary(),
                .detail = error.detail(),
                .hint = error.hint(),
                .session_ended = true});
}

// A crash or an immediate stop is told by a warning, and then the session is gone.
void Connection::State::take_notice(void* state, const pg_result* notice) {
  auto& self = *static_cast<State*>(state);
  const char* code = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
  if (code != nullptr && std::string_view(code).starts_with("57P")) self.farewell = code;
  if (self.on_notice) self.on_notice(one_line(PQresultErrorMessage(notice)));
}

void Connection::State::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Connection Connection::open(const ConnectOptions& options) {
  auto state = std::make_unique<State>();
  state->on_notice = options.on_notice;
  state->handle.reset(connect(options));
  PQsetNoticeReceiver(state->handle.get(), &State::take_notice, state.get());
  Connection connection(std::move(state));
  std::string& reset = connection.state_->reset_script;
  std::string apply;
  for (const auto& [name, value] : options.settings) {
    apply += "select set_config(" + connection.escape_literal(name) + ", " +
             connection.escape_literal(value) + ", false);";
  }
  if (!apply.empty()) connection.run_script(apply);
  reset = k_reset + apply;
  return connection;
}

Result Connection::query(const std::string& sql, const Params& params, Format format) {
  const auto values = params.values();
  const auto types = params.types();
  pg_conn* handle = state_->handle.get();
  fault_point(FaultPlace::k_before, sql);
  pg_result* raw = PQexecParams(handle, sql.c_str(), static_cast<int>(values.size()), types.data(),
                                values.data(), nullptr, nullptr, static_cast<int>(format));
  fault_point(FaultPlace::k_after, sql);
  return state_->checked(raw);
}

Result Connection::run_script(const std::string& sql) {
  return state_->checked(PQexec(state_->handle.get(), sql.c_str()));
}

bool Connection::consume_notifications() {
  pg_conn* handle = state_->handle.get();
  const bool readable = PQconsumeInput(handle) == 1;
  bool any = false;
  while (PGnotify* notification = PQnotifies(handle)) {
    PQfreemem(notification);
    any = true;
  }
  if (!readable || PQstatus(handle) == CONNECTION_BAD) {
    throw state_->explained(make_error(handle, nullptr));
  }
  // What the server says of an idle session comes as a notice, and before the end itself.
  if (!state_->farewell.empty()) {
    throw make_error(state_->farewell, "the server ended the session");
  }
  return any;
}

bool Connection::wait_notification(std::chrono::milliseconds timeout) {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + timeout;
  while (!consume_notifications()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd entry{.fd = socket(), .events = POLLIN, .revents = 0};
    ::poll(&entry, 1, static_cast<int>(left.count()));
  }
  return true;
}

int Connection::socket() const { return PQsocket(state_->handle.get()); }

void Connection::reset_session() {
  if (PQtransactionStatus(state_->handle.get()) != PQTRANS_IDLE) run_script("rollback");
  run_script(state_->reset_script);
}

bool Connection::is_open() const {
  return state_ && PQstatus(state_->handle.get()) == CONNECTION_OK;
}

bool Connection::in_transaction() const {
  const auto status = PQtransactionStatus(state_->handle.get());
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

int Connection::backend_pid() const { return PQbackendPID(state_->handle.get()); }
int Connection::server_version() const { return PQserverVersion(state_->handle.get()); }

Canceller Connection::canceller() const {
  return Canceller({PQgetCancel(state_->handle.get()), &PQfreeCancel});
}

std::string Connection::escape_identifier(const std::string& name) const {
  pg_conn* handle = state_->handle.get();
  return quoted(PQescapeIdentifier(handle, name.data(), name.size()), handle);
}

std::string Connection::escape_literal(const std::string& text) const {
  pg_conn* handle = state_->handle.get();
  return quoted(PQescapeLiteral(handle, text.data(), text.size()), handle);
}

}  // namespace evd::pg

#include "common/ingest/write.hpp"

#include <charconv>

#include "common/base/text.hpp"

namespace evd::ingest {
namespace {

// As little as can be for the server to plan, for every group. Null: it was written before.
constexpr const char* k_write = "select evd.emit_batch($1::uuid, $2)";
// A statement of its own, so that it sees what that one has waited for.
constexpr const char* k_written = "select evd.batch_ids($1::uuid)";
// Its keys tell the ids again, whether or not the group was written before.
constexpr const char* k_write_keyed =
    "with before as materialized (select last_value - (not is_called)::int as id"
    "                             from evd.event_id_seq)"
    " select evd.emit_many($1), b.id from before b";

constexpr std::size_t k_more_than_any_frame = 1'000'000;  // events

// One frame, without what is refused.
std::int64_t drain_frame(Spool& spool, pg::Connection& connection, Frame frame) {
  std::int64_t rejected = 0;
  std::string reason;
  while (!frame.events.empty()) {
    try {
      write_group(connection, frame);
      break;
    } catch (const pg::Error& error) {
      if (!is_refusal(error)) throw;
      const auto index = refused_index(error);
      if (!index && frame.events.size() > 1) {
        // It does not say which: one by one, each under its own uuid. All suffixes are of one
        // length, or two of them could make the same.
        std::int64_t written = 0;
        for (std::size_t i = 0; i < frame.events.size(); ++i) {
          const std::string suffix = std::to_string(k_more_than_any_frame + i).substr(1);
          std::string uuid = frame.uuid;
          uuid.replace(uuid.size() - suffix.size(), suffix.size(), suffix);
          written += drain_frame(spool, connection, {uuid, {frame.events[i]}, frame.is_keyed});
        }
        return written;
      }
      reason = error.primary();
      const auto refused = frame.events.begin() + static_cast<std::ptrdiff_t>(index.value_or(0));
      spool.reject(*refused, reason);
      frame.events.erase(refused);
      ++rejected;
    }
  }
  if (rejected > 0) {
    connection.query("select evd.tell_emit_failed($1)",
                     pg::params(std::to_string(rejected) +
                                " events that waited on disk were refused, and are kept in " +
                                spool.rejected_path().string() + ": " + reason));
  }
  return static_cast<std::int64_t>(frame.events.size());
}

}  // namespace

GroupIds write_group(pg::Connection& connection, const Frame& group) {
  const std::string events = "[" + join(group.events, ",") + "]";
  pg::Result result = group.is_keyed ? connection.query(k_write_keyed, pg::params(events))
                                     : connection.query(k_write, pg::params(group.uuid, events));
  if (result.is_null(0, 0)) result = connection.query(k_written, pg::params(group.uuid));
  GroupIds written;
  if (!result.is_null(0, 0)) written.ids = result.int64_array(0, 0);
  if (group.is_keyed) written.newest = result.int64(0, 1);
  return written;
}

bool is_refusal(const pg::Error& error) {
  const std::string& state = error.sqlstate();
  return state.starts_with("VE") || state.starts_with("22") || state.starts_with("23");
}

std::optional<std::size_t> refused_index(const pg::Error& error) {
  constexpr std::string_view k_begin = "events[";
  const std::string& message = error.primary();
  if (!message.starts_with(k_begin)) return std::nullopt;
  std::size_t index = 0;
  const char* begin = message.data() + k_begin.size();
  const auto [end, failure] = std::from_chars(begin, message.data() + message.size(), index);
  if (failure != std::errc{} || *end != ']') return std::nullopt;
  return index;
}

std::int64_t drain(Spool& spool, pg::Connection& connection) {
  std::int64_t written = 0;
  while (!spool.is_empty()) {
    written += drain_frame(spool, connection, spool.front());
    spool.pop();
  }
  return written;
}

}  // namespace evd::ingest

// Writing a group of events to the database, once, whatever became of earlier tries.
#pragma once

#include "common/ingest/spool.hpp"
#include "common/pg/connection.hpp"

namespace evd::ingest {

struct GroupIds {
  std::vector<std::int64_t> ids;  // in the order of the events
  std::int64_t newest = 0;        // of a keyed group: what is above it is new
};

// One transaction. Throws pg::Error. No ids: it was written before, and retention has taken it.
GroupIds write_group(pg::Connection& connection, const Frame& group);

// The sender's mistake, and not the database's trouble: the same events would be refused again.
bool is_refusal(const pg::Error& error);

// Which event of the group, where the error says it.
std::optional<std::size_t> refused_index(const pg::Error& error);

// Writes the spool's frames in their order, oldest first. Events that are refused for good go to
// its reject file, and somebody is told. Returns how many were written. Throws pg::Error when the
// database cannot take them now, and evd::Error when the spool cannot be read; both leave what is
// not written where it is.
std::int64_t drain(Spool& spool, pg::Connection& connection);

}  // namespace evd::ingest

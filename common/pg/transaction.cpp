#include "common/pg/transaction.hpp"

namespace evd::pg {

Transaction::Transaction(Connection& connection) : connection_(connection) {
  connection_.run_script("begin isolation level read committed");
}

Transaction::~Transaction() {
  if (!open_ || !connection_.in_transaction()) return;
  try {
    rollback();
  } catch (const Error&) {
    // The connection is lost, and with it the transaction.
  }
}

void Transaction::commit() {
  open_ = false;
  // The server answers the commit of a failed transaction with ROLLBACK and no error.
  if (connection_.run_script("commit").command_tag() != "COMMIT") {
    throw make_error("25P02",
                     "the transaction was rolled back, since a statement in it had failed");
  }
}

void Transaction::rollback() {
  open_ = false;
  connection_.run_script("rollback");
}

}  // namespace evd::pg

#include "common/schema/check.hpp"

#include "common/base/error.hpp"

namespace evd::schema {
namespace {

[[noreturn]] void refuse_version(int version) {
  const auto versions = "version " + std::to_string(version) + ", this program needs " +
                        std::to_string(k_schema_version);
  if (version < k_schema_version)
    throw SchemaError("the schema \"evd\" is too old (" + versions + "): run \"evctl migrate\"");
  throw SchemaError("the schema \"evd\" is too new (" + versions + "): install the newer evd");
}

void refuse_missing(pg::Connection& connection) {
  const auto found = connection.query(
      "select to_regclass('evd.meta') is not null,"
      " coalesce(has_schema_privilege(to_regnamespace('evd')::oid, 'usage'), true), current_user");
  if (!found.boolean(0, 1))
    throw SchemaError("database role \"" + found.string(0, 2) +
                      "\" may not use the schema \"evd\": grant it one of evd's roles");
  if (!found.boolean(0, 0))
    throw SchemaError("the schema \"evd\" is missing in this database: run \"evctl migrate\"");
}

}  // namespace

SchemaStatus check_schema(pg::Connection& connection, const std::string& instance) {
  refuse_missing(connection);
  const auto meta = connection.query(
      "select m.schema_version, coalesce(m.instance, ''), c.system_identifier::text,"
      " m.cluster <> c.system_identifier::text from evd.meta m, pg_control_system() c");
  if (meta.empty()) throw SchemaError("evd.meta is empty: run \"evctl migrate\"");
  SchemaStatus status;
  status.version = meta.int32(0, 0);
  status.instance = meta.string(0, 1);
  status.cluster = meta.string(0, 2);
  status.is_other_cluster = meta.boolean(0, 3);
  if (status.version != k_schema_version) refuse_version(status.version);
  if (!instance.empty() && !status.instance.empty() && instance != status.instance)
    throw SchemaError("the database belongs to instance \"" + status.instance + "\", not \"" +
                      instance + "\": a restored copy must not act for the original");
  return status;
}

bool is_behind(pg::Connection& connection) {
  return connection.query("select evd.is_behind()").boolean(0, 0);
}

SchemaStatus check_log(pg::Connection& connection, const std::string& instance) {
  SchemaStatus status = check_schema(connection, instance);
  if (is_behind(connection)) {
    throw SchemaError(
        "the log was restored into a server whose transaction ids are lower: new events would not "
        "be seen; run \"evctl adopt\"");
  }
  return status;
}

bool stamp_cluster(pg::Connection& connection, const SchemaStatus& status) {
  return status.is_other_cluster && connection.query("select evd.stamp_cluster()").boolean(0, 0);
}

}  // namespace evd::schema

#include "common/schema/migrate.hpp"

#include <algorithm>
#include <thread>

#include "common/base/error.hpp"
#include "common/pg/transaction.hpp"
#include "common/schema/scripts.hpp"
#include "common/schema/steps.hpp"
#include "common/schema/version.hpp"

namespace evd::schema {
namespace {

constexpr std::chrono::milliseconds k_pause_between_attempts{200};

class Migration {
 public:
  Migration(pg::Connection& connection, const MigrateOptions& options)
      : connection_(connection), options_(options) {}

  MigrateResult run();

 private:
  void prepare_session();
  void read_version();
  void read_meta();
  void ensure_roles();
  void ensure_schema();
  void apply_migrations();
  void apply_functions();
  void replace_function(const Script& script);
  void drop_old_functions();
  void record();
  void grant();
  void name_old_nodes();

  bool is_upgrade() const { return result_.from > 0; }

  pg::Connection& connection_;
  const MigrateOptions& options_;
  MigrateResult result_;
};

MigrateResult Migration::run() {
  pg::Transaction transaction(connection_);
  prepare_session();
  read_version();
  if (options_.dry_run) {
    name_old_nodes();
    for (const auto& script : migrations_after(result_.from))
      result_.applied.emplace_back(script.name);
    return result_;
  }
  if (options_.with_roles) ensure_roles();
  ensure_schema();
  apply_migrations();
  apply_functions();
  for (const auto& view : views()) connection_.run_script(std::string(view.text));
  record();
  grant();
  name_old_nodes();
  transaction.commit();
  return result_;
}

void Migration::prepare_session() {
  connection_.run_script(
      "set local client_min_messages = warning; set local check_function_bodies = off;"
      "set local standard_conforming_strings = on; set local search_path = pg_catalog;"
      "set local statement_timeout = 0; set local synchronous_commit = on;"
      "set local lock_timeout = " +
      std::to_string(options_.lock_timeout.count()));
  connection_.query("select pg_advisory_xact_lock(6649444, 0)");
}

void Migration::read_version() {
  result_.to = k_schema_version;
  const auto found = connection_.query(
      "select to_regnamespace('evd') is not null, to_regclass('evd.meta') is not null,"
      " exists (select from pg_class where relnamespace = to_regnamespace('evd'))");
  if (found.boolean(0, 1)) {
    read_meta();
  } else if (found.boolean(0, 2)) {
    throw SchemaError("the schema \"evd\" exists and is not this program's: rename it first");
  }
}

void Migration::read_meta() {
  const auto meta =
      connection_.query("select schema_version, coalesce(instance, '') from evd.meta");
  if (meta.empty()) throw SchemaError("evd.meta is empty: restore it, or drop the schema \"evd\"");
  result_.from = meta.int32(0, 0);
  const std::string instance = meta.string(0, 1);
  if (result_.from > k_schema_version)
    throw SchemaError("the schema is of version " + std::to_string(result_.from) +
                      ", newer than this program's " + std::to_string(k_schema_version) +
                      ": install the newer evd");
  const std::string wanted = options_.instance.value_or("");
  if (!wanted.empty() && !instance.empty() && wanted != instance)
    throw SchemaError("the database belongs to instance \"" + instance + "\", not \"" + wanted +
                      "\"");
}

void Migration::ensure_roles() {
  try {
    connection_.run_script(create_roles_sql());
  } catch (const pg::Error& error) {
    if (error.sqlstate() != "42501") throw;
    throw SchemaError("this database role may not create roles or act for evd_owner (" +
                      error.primary() +
                      "): let a superuser migrate, or use --no-roles and do without them");
  }
}

void Migration::ensure_schema() {
  connection_.query("create schema if not exists evd");
  if (!options_.with_roles) return;
  try {
    connection_.query("grant usage, create on schema evd to evd_owner");
    connection_.query("alter schema evd owner to evd_owner");
  } catch (const pg::Error& error) {
    if (error.sqlstate() != "42501") throw;
    throw SchemaError("the schema \"evd\" cannot be given to evd_owner (" + error.primary() +
                      "): grant evd_owner create on the database, or use --no-roles");
  }
}

void Migration::apply_migrations() {
  for (const auto& script : migrations_after(result_.from)) {
    connection_.run_script(std::string(script.text));
    result_.applied.emplace_back(script.name);
  }
}

void Migration::apply_functions() {
  if (!is_upgrade()) {
    std::string all;
    for (const auto& script : functions()) all += script.text;
    connection_.run_script(all);
    return;
  }
  for (const auto& script : functions()) replace_function(script);
  drop_old_functions();
}

// `create or replace` keeps what depends on a function and who may call it, but cannot change what
// it returns or what its arguments are called.
void Migration::replace_function(const Script& script) {
  connection_.query("savepoint one_function");
  try {
    connection_.run_script(std::string(script.text));
  } catch (const pg::Error& error) {
    if (error.sqlstate() != "42P13") throw;
    connection_.query("rollback to savepoint one_function");
    const auto name = script.name.substr(script.name.find('/') + 1);
    const auto old = connection_.query(
        "select oid::regprocedure::text from pg_proc"
        " where pronamespace = 'evd'::regnamespace and proname = $1",
        pg::params(name));
    for (int row = 0; row < old.rows(); ++row)
      connection_.query("drop function " + old.string(row, 0));
    connection_.run_script(std::string(script.text));
  }
  connection_.query("release savepoint one_function");
}

// Those whose row this transaction did not write are no file's any more: an old overload would take
// calls from the new one. What a trigger or view of somebody still uses stays.
void Migration::drop_old_functions() {
  const auto old = connection_.query(
      "select p.oid::regprocedure::text from pg_proc p"
      " where p.pronamespace = 'evd'::regnamespace and age(p.xmin) > 0"
      " and not exists (select from pg_depend d where d.refclassid = 'pg_proc'::regclass"
      "                 and d.refobjid = p.oid and d.deptype = 'n')"
      " and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass"
      "                 and d.objid = p.oid and d.deptype = 'e') order by 1");
  for (int row = 0; row < old.rows(); ++row) {
    connection_.query("drop function " + old.string(row, 0));
    result_.dropped_functions.push_back(old.string(row, 0));
  }
}

void Migration::record() {
  connection_.query(
      "insert into evd.meta as m (schema_version, instance, cluster)"
      " select $1, nullif($2, ''), system_identifier from pg_control_system()"
      " on conflict (only_row) do update set schema_version = excluded.schema_version,"
      " instance = coalesce(m.instance, excluded.instance)",
      pg::params(k_schema_version, options_.instance.value_or("")));
  connection_.query("select evd.make_partitions(7)");
}

void Migration::grant() {
  if (!options_.with_roles) return;
  connection_.run_script(take_ownership_sql());
  connection_.run_script(std::string(grants().text));
}

void Migration::name_old_nodes() {
  if (options_.dry_run && !is_upgrade()) return;
  const auto nodes = connection_.query(
      "select format('%s (%s %s)', name, kind, version) from evd.node"
      " where fenced_at is null and stopped_at is null and version <> $1"
      " and heartbeat_at > clock_timestamp() - interval '1 minute' order by id",
      pg::params(EVD_VERSION));
  for (int row = 0; row < nodes.rows(); ++row) result_.old_nodes.push_back(nodes.string(row, 0));
}

// Others hold its locks, or another database of the cluster grants the same roles at this moment.
bool is_worth_another_attempt(const pg::Error& error) {
  const auto& state = error.sqlstate();
  const bool raced = state == "XX000" && error.primary().find("concurrently") != std::string::npos;
  return !error.connection_lost() && (error.transient() || state == "55P03" || raced);
}

}  // namespace

MigrateResult migrate(pg::Connection& connection, const MigrateOptions& options) {
  for (int attempt = 1;; ++attempt) {
    try {
      return Migration(connection, options).run();
    } catch (const pg::Error& error) {
      if (attempt >= options.attempts || !is_worth_another_attempt(error)) throw;
    }
    std::this_thread::sleep_for(k_pause_between_attempts);
  }
}

}  // namespace evd::schema

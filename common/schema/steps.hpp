// The statements around the SQL files that an installation takes; used by migrate() and
// full_script().
#pragma once

#include <string>

namespace evd::schema {

// The roles that are missing. Two databases of one cluster may make them at once.
std::string create_roles_sql();

// What is in the schema and belongs to somebody else becomes evd_owner's.
std::string take_ownership_sql();

}  // namespace evd::schema

# Writes scripts_data.cpp, the SQL files as string literals, and version.hpp, the number of the last migration.
# A file is a literal of its own: compilers need not take one above 64 KiB.
cmake_policy(VERSION 3.25)

function(embed array folder)
  file(GLOB files ${SQL_DIR}/${folder}/*.sql)
  list(SORT files)
  set(entries "")
  foreach(path IN LISTS files)
    get_filename_component(name ${path} NAME_WE)
    file(READ ${path} text)
    string(APPEND entries "    {\"${folder}/${name}\", R\"evd_sql(${text})evd_sql\"},\n")
    set(last_name ${name} PARENT_SCOPE)
  endforeach()
  list(LENGTH files count)
  set(count ${count} PARENT_SCOPE)
  file(APPEND ${OUT_DIR}/scripts_data.cpp.new "constexpr Script ${array}[] = {\n${entries}};\n\n")
endfunction()

file(WRITE ${OUT_DIR}/scripts_data.cpp.new
     "// Generated from the files under sql/.\n#include \"common/schema/scripts.hpp\"\n\nnamespace evd::schema {\nnamespace {\n\n")
embed(k_views views)
embed(k_functions functions)
embed(k_migrations migrations)
file(READ ${SQL_DIR}/grants.sql grants)
file(APPEND ${OUT_DIR}/scripts_data.cpp.new
"constexpr Script k_grants{\"grants\", R\"evd_sql(${grants})evd_sql\"};

}  // namespace

std::span<const Script> migrations() { return k_migrations; }
std::span<const Script> functions() { return k_functions; }
std::span<const Script> views() { return k_views; }
const Script& grants() { return k_grants; }

}  // namespace evd::schema
")
file(RENAME ${OUT_DIR}/scripts_data.cpp.new ${OUT_DIR}/scripts_data.cpp)

# A database's version is the number of migrations that it has had.
string(REGEX MATCH "^0*([1-9][0-9]*)_" ignored ${last_name})
if(NOT CMAKE_MATCH_1 EQUAL count)
  message(FATAL_ERROR "sql/migrations has ${count} files, and the last is called ${last_name}")
endif()
file(WRITE ${OUT_DIR}/common/schema/version.hpp
"// Generated: the number of the last file under sql/migrations.
#pragma once

namespace evd::schema {

inline constexpr int k_schema_version = ${CMAKE_MATCH_1};

}  // namespace evd::schema
")

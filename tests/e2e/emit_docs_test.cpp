// The programs of docs/emit.md, run as they stand there. One whose client is not installed is
// skipped by the name of its test; packaging/install-dependencies installs them.
#include <gtest/gtest.h>

#include <ostream>

#include "tests/e2e/evctl_fixture.hpp"

namespace evd::test {
namespace {

struct Language {
  std::string name;   // of the test
  std::string fence;  // what follows ``` in the page
  std::string probe;  // a shell command that succeeds where the client is installed, or installs it
  std::string run;    // a shell command; in both $1 is the program's file

  friend std::ostream& operator<<(std::ostream& out, const Language& language) {
    return out << language.name;
  }
};

const std::vector<Language>& languages() {
  static const std::vector<Language> all = {
      {"Psql", "sh", "command -v psql", "sh \"$1\""},
      {"Python", "python", "/usr/bin/python3 -c 'import psycopg'", "/usr/bin/python3 \"$1\""},
      {"Node", "javascript",
       "NODE_PATH=$NODE_PATH:/usr/share/nodejs node -e 'require(\"pg\")' ||"
       " npm install --silent --no-audit --no-fund --prefix \"$(dirname \"$1\")\" pg@8.11.3",
       "NODE_PATH=$NODE_PATH:/usr/share/nodejs node \"$1\""},
      {"Php", "php", "php -r 'exit(function_exists(\"pg_connect\") ? 0 : 1);'", "php \"$1\""},
      {"Ruby", "ruby", "ruby -e 'require \"pg\"'", "ruby \"$1\""},
      {"Cpp", "cpp", "command -v c++ && command -v pg_config",
       "c++ -x c++ \"$1\" -o \"$1.program\" -I\"$(pg_config --includedir)\" -lpq &&"
       " \"$1.program\""},
      {"Java", "java", "command -v java && test -r /usr/share/java/postgresql.jar",
       "/usr/bin/python3 " EVD_SOURCE_DIR
       "/tests/e2e/loopback.py java --source 17 -cp /usr/share/java/postgresql.jar \"$1\""},
      {"Go", "go", "command -v go && test -d /usr/share/gocode/src/github.com/lib/pq",
       "cp \"$1\" \"$1.go\" && GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=\"$1.cache\""
       " go run \"$1.go\""},
  };
  return all;
}

// The first program in that language; "" where there is none.
std::string program_of(const std::string& page, const std::string& fence) {
  const std::string opening = "\n```" + fence + "\n";
  const auto start = page.find(opening);
  if (start == std::string::npos) return {};
  const auto first = start + opening.size();
  return page.substr(first, page.find("\n```\n", first) + 1 - first);
}

class EmitDocs : public InstalledEvctl, public testing::WithParamInterface<Language> {
 protected:
  RunResult shell(const std::string& command, const std::string& file = {}) {
    SpawnOptions options;
    auto connection = database_.connect();
    for (const auto& [variable, sql] : std::vector<std::pair<std::string, std::string>>{
             {"PGHOST",
              "trim('\"' from split_part(current_setting('unix_socket_directories'), ',', 1))"},
             {"PGPORT", "current_setting('port')"},
             {"PGUSER", "current_user"},
             {"PGDATABASE", "current_database()"}}) {
      options.env.emplace_back(variable, value(connection, "select " + sql));
    }
    return run({"/bin/sh", "-c", command, "sh", file}, options);
  }
};

TEST_P(EmitDocs, Emits) {
  const auto file = directory_ / "emit";
  if (shell(GetParam().probe, file.string()).exit != 0) {
    GTEST_SKIP() << "the client of docs/emit.md for " << GetParam().name << " is not installed";
  }
  const std::string program =
      program_of(read_file(EVD_SOURCE_DIR "/docs/emit.md"), GetParam().fence);
  ASSERT_NE(program, "") << "docs/emit.md has no program for " << GetParam().name;
  write_file(file, program);
  const RunResult emitted = shell(GetParam().run, file.string());
  EXPECT_EQ(emitted.exit, 0) << emitted.out << emitted.err;
  auto connection = database_.connect();
  EXPECT_EQ(rows(connection, "select event_name, args from evd.events"),
            R"(purchased|["user A", 5000])");
}

INSTANTIATE_TEST_SUITE_P(Languages, EmitDocs, testing::ValuesIn(languages()),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace evd::test

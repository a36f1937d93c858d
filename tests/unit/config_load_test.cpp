#include <gtest/gtest.h>

#include <filesystem>
#include <regex>

#include "common/base/error.hpp"
#include "common/base/file.hpp"
#include "common/base/random.hpp"
#include "common/config/load.hpp"

namespace evd {
namespace {

std::string error_of(std::string_view text) {
  try {
    parse_config(text, "evd.toml");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

std::string sample_path() { return std::filesystem::path(EVD_SOURCE_DIR) / "packaging/evd.toml"; }

TEST(Config, LoadsTheShippedSample) {
  const Config config = load_config(sample_path());
  EXPECT_EQ(config.database.url, "postgresql:///shop");
  EXPECT_EQ(config.events.at("purchased").handlers,
            (std::vector<std::string>{"giveCoupon", "lottery"}));
  EXPECT_EQ(config.handlers.at("giveCoupon").kind, HandlerKind::k_sql);
  EXPECT_EQ(config.handlers.at("lottery").timeout, Milliseconds(10'000));
}

TEST(Config, TheSampleHoldsEveryKey) {
  const std::string sample = read_file(sample_path());
  for (const std::string& key : config_keys()) {
    const std::string last = key.substr(key.rfind('.') + 1);
    EXPECT_TRUE(std::regex_search(sample, std::regex("\\b" + last + "\\s*="))) << key;
  }
}

TEST(Config, ListsKeysOfNamedAndNestedTables) {
  const auto keys = config_keys();
  for (const char* key : {"database.url_file", "daemon.tokens.role", "events.*.deadline",
                          "handlers.*.backoff.base", "alerts.*.email.smtp"})
    EXPECT_NE(std::find(keys.begin(), keys.end(), key), keys.end()) << key;
}

TEST(Config, RefusesAnUnknownKeyWithLineAndSuggestion) {
  EXPECT_EQ(error_of("[daemon]\n\nbatch_szie = 3\n"),
            "evd.toml:3: unknown key \"batch_szie\" in [daemon]; did you mean \"batch_size\"?");
  EXPECT_EQ(error_of("[databse]\n"),
            "evd.toml:1: unknown key \"databse\"; did you mean \"database\"?");
}

TEST(Config, RefusesASyntaxErrorInOneLine) {
  const std::string error = error_of("[daemon]\nhosts = [\n");
  EXPECT_EQ(error.find("evd.toml:"), 0U) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
}

TEST(Config, RefusesWrongTypesAndBadDurations) {
  EXPECT_EQ(error_of("[database]\nurl = 3\n"), "evd.toml:2: database.url must be a string");
  EXPECT_EQ(error_of("[defaults]\ntimeout = \"10 s\"\n"),
            "evd.toml:2: defaults.timeout must be a duration such as \"250ms\", \"10s\" or "
            "\"1h\", not \"10 s\"");
  EXPECT_NE(error_of("[defaults]\ntimeout = \"0s\"\n").find("longer"), std::string::npos);
  EXPECT_NE(error_of("[defaults]\nmax_attempts = 0\n").find("from 1"), std::string::npos);
  EXPECT_NE(error_of("database = 1\n").find("must be a table"), std::string::npos);
}

TEST(Config, RefusesNamesThatAreNotDefined) {
  EXPECT_EQ(error_of("[handlers.lottery]\nsql='x'\n[events.e]\nhandlers = [\n 'lotery']\n"),
            "evd.toml:5: events.e.handlers names the handler \"lotery\", which is not defined; "
            "did you mean \"lottery\"?");
  EXPECT_NE(error_of("[owners.o]\nalerts=['x']\n").find("channel \"x\""), std::string::npos);
  EXPECT_NE(error_of("[events.e]\nowner='o'\n").find("owner \"o\""), std::string::npos);
  EXPECT_NE(error_of("[handlers.h]\nsql='x'\nowner='o'\n").find("owner \"o\""), std::string::npos);
  EXPECT_NE(error_of("[daemon]\nhosts=['h']\n").find("handler \"h\""), std::string::npos);
}

TEST(Config, RefusesAHandlerWithNoKindOrTwo) {
  EXPECT_EQ(error_of("[handlers.h]\nbatch = 1\n"),
            "evd.toml:1: [handlers.h] must have one of sql, exec, worker, http, plugin");
  EXPECT_NE(error_of("[handlers.h]\nsql='x'\nexec=['x']\n").find("has sql and exec"),
            std::string::npos);
  EXPECT_NE(error_of("[handlers.h]\nexec=[]\n").find("must not be empty"), std::string::npos);
}

TEST(Config, RefusesBadNames) {
  EXPECT_NE(error_of("[handlers.\"a.b\"]\nsql='x'\n").find("not a name"), std::string::npos);
  EXPECT_EQ(error_of("[events.\"a.b\"]\nhandlers=[]\n"), "no error");
  EXPECT_NE(error_of("[events.\"" + std::string(64, 'a') + "\"]\n").find("not a name"),
            std::string::npos);
}

TEST(Config, MergesDefaultsIntoHandlersAndEvents) {
  const Config config = parse_config(
      "[handlers.h]\nexec=['x']\nbackoff={max='2h'}\n[handlers.s]\nsql='x'\n[events.e]\n"
      "[defaults]\ntimeout='7s'\ndeadline='9m'\nmax_args='2KiB'\nbackoff={base='2s'}\n",
      "evd.toml");
  const HandlerConfig& handler = config.handlers.at("h");
  EXPECT_EQ(handler.timeout, Milliseconds(7'000));
  EXPECT_EQ(handler.backoff.base, Milliseconds(2'000));
  EXPECT_EQ(handler.backoff.max, Milliseconds(7'200'000));
  EXPECT_EQ(handler.concurrency, 4);
  EXPECT_EQ(config.handlers.at("s").concurrency, 1);
  EXPECT_EQ(config.events.at("e").deadline, Milliseconds(540'000));
  EXPECT_EQ(config.events.at("e").max_args, 2048);
}

TEST(Config, ReadsSecretsFromFilesBesideIt) {
  const std::filesystem::path directory = testing::TempDir() + "evd-" + random_uuid();
  std::filesystem::create_directory(directory);
  write_file_atomically(directory / "s", " secret\n");
  const Config config = parse_config(
      "[handlers.h]\nhttp={url='http://x', secret_file=['s','s']}\n"
      "[daemon]\ntokens=[{role='emitter', file='s'}]\n",
      directory / "evd.toml");
  std::filesystem::remove_all(directory);
  EXPECT_EQ(config.handlers.at("h").http.secrets, (std::vector<std::string>{"secret", "secret"}));
  EXPECT_EQ(config.daemon.tokens.at(0).token, "secret");
}

TEST(Config, RefusesAFileThatCannotBeReadAndAValueBesideIt) {
  EXPECT_EQ(error_of("[database]\nurl_file = '/no/such'\n"),
            "evd.toml:2: database.url_file: cannot read \"/no/such\": No such file or directory");
  EXPECT_NE(error_of("[database]\nurl='x'\nurl_file='/y'\n").find("either url or url_file"),
            std::string::npos);
}

TEST(Config, RefusesAnOpenAddressWithoutTls) {
  EXPECT_NE(error_of("[daemon]\nlisten=['0.0.0.0:80']\n").find("not a loopback"),
            std::string::npos);
  EXPECT_EQ(error_of("[daemon]\nbehind_proxy=true\nlisten=['0.0.0.0:80']\n"), "no error");
  EXPECT_NE(error_of("[daemon]\nlisten=['nonsense']\n").find("addresses such as"),
            std::string::npos);
}

TEST(Config, ReadsEveryKindOfChannel) {
  const Config config = parse_config(
      "[alerts.a]\nslack={url='https://x'}\nkinds=['failing']\n[alerts.b]\nexec=['x']\n"
      "[alerts.c]\nelasticsearch={url='http://x'}\n[alerts.d]\nalertmanager={url='http://x'}\n"
      "[alerts.e]\nemail={smtp='smtp://x', from='a@b', to=['c@d']}\n"
      "[alerts.f]\nwebhook={url='http://x', secret='s'}\n[owners.default]\nalerts=['b']\n",
      "evd.toml");
  EXPECT_TRUE(config.channels.at("a").wants("failing"));
  EXPECT_FALSE(config.channels.at("a").wants("stalled"));
  EXPECT_EQ(config.channels.at("c").target.index, "evd-alerts");
  EXPECT_EQ(config.channels.at("e").kind, ChannelKind::k_email);
  EXPECT_EQ(config.channels_of("nobody"), std::vector<std::string>{"b"});
  EXPECT_NE(error_of("[alerts.a]\nslack={}\n").find("needs an http"), std::string::npos);
  EXPECT_NE(error_of("[alerts.a]\nexec=['x']\nkinds=['faling']\n").find("\"failing\"?"),
            std::string::npos);
}

TEST(Config, HostsTheHandlersThatItNames) {
  Config config = default_config();
  EXPECT_TRUE(config.hosts_handler("h"));
  config.daemon.hosts = {"g"};
  EXPECT_FALSE(config.hosts_handler("h"));
}

TEST(Config, TheFlagOverridesTheFilesDatabase) {
  Config config = default_config();
  override_database(config, "postgresql:///other");
  EXPECT_EQ(config.database.url, "postgresql:///other");
  EXPECT_EQ(find_config_path("x.toml"), "x.toml");
}

}  // namespace
}  // namespace evd

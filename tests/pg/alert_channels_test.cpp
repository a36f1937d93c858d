// Channels against what they talk to: Debian's Alertmanager, an SMTP server with STARTTLS and a
// password, and, since Elasticsearch is not to be had, a server that is as strict about _bulk.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/alert/alertmanager_channel.hpp"
#include "common/alert/elasticsearch_channel.hpp"
#include "common/alert/email_channel.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace evd::alert {
namespace {

using nlohmann::json;
using test::eventually;
using testing::HasSubstr;
using testing::Not;

Alert some_alert() {
  Alert alert;
  alert.id = "A17";
  alert.instance = "shop";
  alert.kind = "escalated";
  alert.event_name = "purchased";
  alert.handler = "lottery";
  alert.owner = "growth";
  alert.count = 2;
  alert.event_ids = {42, 43};
  alert.last_error = "no \"prizes\" left – <sorry>";
  alert.first_at = "2026-01-02T03:04:05Z";
  alert.last_at = "2026-01-02T03:05:05Z";
  return alert;
}

Alert recovered() {
  Alert alert = some_alert();
  alert.id = "A18";
  alert.kind = "recovered";
  alert.recovers = {"A17"};
  return alert;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class RealAlertmanager : public testing::Test {
 protected:
  RealAlertmanager() {
    const auto config = directory.path() / "alertmanager.yml";
    test::write_file(config, R"(
route: {receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}
receivers: [{name: hook, webhook_configs: [{url: ")" +
                                 receiver.url("/hook") + R"("}]}]
)");
    program = std::make_unique<test::ChildProcess>(std::vector<std::string>{
        "prometheus-alertmanager", "--config.file=" + config.string(),
        "--storage.path=" + (directory.path() / "data").string(),
        "--web.listen-address=127.0.0.1:" + std::to_string(port), "--cluster.listen-address="});
    channel_config.name = "am";
    channel_config.target.url = base + "/";
  }

  bool is_ready() {
    return eventually([&] { return client.get("/-/ready").status == 200; });
  }

  json alerts() { return client.get("/api/v2/alerts").parsed(); }

  // What the receiver was told, by status.
  bool was_told(const std::string& status) {
    for (const auto& request : receiver.requests()) {
      const json body = json::parse(request.body);
      for (const json& alert : body.at("alerts")) {
        if (alert.at("status") == status && alert.at("labels").at("alertname") == "evd_escalated")
          return true;
      }
    }
    return false;
  }

  int port = test::free_port();
  std::string base = "http://127.0.0.1:" + std::to_string(port);
  test::HttpServer receiver;
  test::TempDir directory;
  test::HttpClient client{base};
  std::unique_ptr<test::ChildProcess> program;
  ChannelConfig channel_config;
};

TEST_F(RealAlertmanager, ReceivesGroupsAndResolves) {
  ASSERT_TRUE(is_ready()) << program->err();
  AlertmanagerChannel channel(channel_config);
  EXPECT_EQ(channel.send(some_alert()), std::nullopt);
  ASSERT_TRUE(eventually([&] { return alerts().size() == 1; }));
  const json alert = alerts().at(0);
  EXPECT_EQ(alert.at("labels"), (json{{"alertname", "evd_escalated"},
                                      {"severity", "critical"},
                                      {"instance", "shop"},
                                      {"event", "purchased"},
                                      {"handler", "lottery"},
                                      {"owner", "growth"}}));
  EXPECT_EQ(alert.at("annotations").at("event_ids"), "42 43");
  EXPECT_EQ(alert.at("annotations").at("command"), "evctl re-emit 42 43 --handler lottery");
  EXPECT_EQ(channel.send(some_alert()), std::nullopt) << "posted again, it is the same";
  EXPECT_EQ(alerts().size(), 1U);
  EXPECT_TRUE(eventually([&] { return was_told("firing"); })) << program->err();
  EXPECT_EQ(channel.send(recovered()), std::nullopt);
  EXPECT_TRUE(eventually([&] { return was_told("resolved"); }));
  EXPECT_TRUE(eventually([&] { return alerts().empty(); }));
}

TEST_F(RealAlertmanager, ItsRefusalIsToldWithoutTheRestOfTheUrl) {
  ASSERT_TRUE(is_ready()) << program->err();
  Alert alert = some_alert();
  alert.first_at = "never";
  const auto failure = AlertmanagerChannel(channel_config).send(alert);
  ASSERT_TRUE(failure);
  EXPECT_THAT(*failure, HasSubstr("127.0.0.1 answered 4"));
}

TEST(AlertmanagerAlerts, LastFiveMinutesAndNoLabelHoldsAnId) {
  const json alerts = alertmanager_alerts(some_alert(), 1'767'322'000);
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].at("endsAt"), "2026-01-02T02:51:40Z");
  EXPECT_EQ(alerts[0].at("startsAt"), "2026-01-02T03:04:05Z");
  EXPECT_THAT(alerts[0].at("labels").dump(), Not(HasSubstr("42")));
}

class Mail : public testing::Test {
 protected:
  Mail() {
    certify();
    std::filesystem::create_directory(directory.path() / "mails");
    program = std::make_unique<test::ChildProcess>(std::vector<std::string>{
        "/usr/bin/python3", std::string(EVD_SOURCE_DIR) + "/tests/support/smtp_server.py",
        std::to_string(port), path("cert.pem"), path("key.pem"), path("mails")});
    config.name = "mail";
    config.target.smtp = "smtp://localhost:" + std::to_string(port);
    config.target.username = "evd";
    config.target.password = "let me send";
    config.target.from = "evd@shop.example";
    config.target.to = {"ann@shop.example", "bob@shop.example"};
    config.target.ca_file = path("cert.pem");
  }

  void certify() const {
    const auto made =
        test::run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                   "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                   path("key.pem"), "-out", path("cert.pem")});
    if (made.exit != 0) throw Error(made.err);
  }

  std::string path(const std::string& name) const { return (directory.path() / name).string(); }

  test::TempDir directory;
  int port = test::free_port();
  std::unique_ptr<test::ChildProcess> program;
  ChannelConfig config;
};

TEST_F(Mail, IsSentOverTlsWithAPassword) {
  ASSERT_TRUE(program->wait_for_output("ready")) << program->err();
  EXPECT_EQ(EmailChannel(config).send(some_alert()), std::nullopt);
  const std::string mail = read(path("mails/1.mail"));
  const json envelope = json::parse(mail.substr(0, mail.find('\n')));
  EXPECT_EQ(envelope.at("from"), "evd@shop.example");
  EXPECT_EQ(envelope.at("to"), (json{"ann@shop.example", "bob@shop.example"}));
  EXPECT_EQ(envelope.at("tls"), true);
  // As a mail reader sees it.
  const auto parsed =
      test::run({"/usr/bin/python3", "-c",
                 "import sys, email, email.policy\n"
                 "m = email.message_from_bytes(open(sys.argv[1], 'rb').read().split(b'\\n', 1)[1],"
                 " policy=email.policy.default)\n"
                 "print(m['subject']); print(m['to']); print(m['date'].datetime.year > 2000)\n"
                 "print(m.get_content_type()); print(m.get_content())",
                 path("mails/1.mail")});
  EXPECT_EQ(parsed.exit, 0) << parsed.err;
  EXPECT_THAT(parsed.out, HasSubstr("[shop] escalated: purchased/lottery, 2 events (A17)\n"
                                    "ann@shop.example, bob@shop.example\nTrue\ntext/plain\n"));
  EXPECT_THAT(parsed.out, HasSubstr("no \"prizes\" left – <sorry>"));
}

TEST_F(Mail, IsNotSentWithTheWrongPasswordOrToWhoeverPretends) {
  ASSERT_TRUE(program->wait_for_output("ready")) << program->err();
  ChannelConfig wrong = config;
  wrong.target.password = "hushhush";
  const auto refused = EmailChannel(wrong).send(some_alert());
  ASSERT_TRUE(refused);
  EXPECT_THAT(*refused, Not(HasSubstr("hushhush")));
  ChannelConfig stranger = config;
  stranger.target.ca_file.clear();
  EXPECT_TRUE(EmailChannel(stranger).send(some_alert())) << "its certificate is nobody's";
  EXPECT_FALSE(std::filesystem::exists(path("mails/1.mail")));
}

TEST(MailText, LetsNoTextBeginAHeader) {
  ChannelTarget target;
  target.from = "evd@shop.example\r\nBcc: eve@example.org";
  target.to = {"ann@shop.example"};
  Alert alert = some_alert();
  alert.event_name = "a\r\nBcc: eve@example.org\r\n\r\nhello";
  const std::string text = mail_text(target, alert, 1'767'322'000);
  EXPECT_THAT(text, Not(HasSubstr("\nBcc:")));
  EXPECT_THAT(text, HasSubstr("\r\nDate: Fri, 2 Jan 2026 02:46:40 +0000\r\n"));
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
    EXPECT_EQ(text.at(at - 1), '\r') << "lines end as SMTP wants it";
}

// https://www.elastic.co/guide/en/elasticsearch/reference/current/docs-bulk.html
class Elasticsearch : public testing::Test {
 protected:
  Elasticsearch() {
    config.name = "es";
    config.target.url = server.url("/");
    config.target.index = "shop-alerts";
  }

  std::optional<std::string> send(const std::string& answer, int status = 200) {
    server.script({{static_cast<unsigned>(status), answer}});
    return ElasticsearchChannel(config).send(some_alert());
  }

  test::HttpServer server;
  ChannelConfig config;
};

TEST_F(Elasticsearch, GetsADocumentByTheBulkApi) {
  EXPECT_EQ(send(R"({"took": 3, "errors": false, "items": [{"create": {"status": 201}}]})"),
            std::nullopt);
  const auto request = server.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/_bulk");
  EXPECT_EQ(request.headers.at("content-type"), "application/x-ndjson");
  std::istringstream lines(request.body);
  std::string action, document, rest;
  ASSERT_TRUE(std::getline(lines, action) && std::getline(lines, document));
  EXPECT_FALSE(std::getline(lines, rest)) << "and a newline at the end";
  EXPECT_EQ(request.body.back(), '\n');
  EXPECT_EQ(json::parse(action),
            (json{{"create", {{"_index", "shop-alerts"}, {"_id", "shop:A17"}}}}));
  const json alert = json::parse(document);
  EXPECT_EQ(alert.at("@timestamp"), "2026-01-02T03:05:05Z");
  EXPECT_EQ(alert.at("kind"), "escalated");
  EXPECT_EQ(alert.at("event_ids"), (json{42, 43}));
}

TEST_F(Elasticsearch, AFailureOfTheDocumentIsOneOfTheChannel) {
  EXPECT_EQ(send(R"({"errors": true, "items": [{"create": {"status": 400,
                 "error": {"type": "mapper_parsing_exception", "reason": "failed to parse field"}}}]})"),
            "Elasticsearch refused the document: failed to parse field");
  EXPECT_EQ(send(R"({"errors": true, "items": [{"create": {"status": 409}}]})"), std::nullopt)
      << "it is there already: the answer was lost the first time";
  EXPECT_EQ(send("<html>"), "the answer is not that of Elasticsearch's _bulk");
  EXPECT_THAT(send("{}", 503).value_or(""), HasSubstr("answered 503"));
}

TEST_F(Elasticsearch, TheShippedTemplateMapsWhatIsSent) {
  const json shipped =
      json::parse(std::ifstream(EVD_SOURCE_DIR "/packaging/elasticsearch/evd-alerts.json"));
  const json& properties = shipped.at("template").at("mappings").at("properties");
  std::istringstream lines(bulk_body("i", some_alert()));
  std::string action, document;
  std::getline(lines, action);
  std::getline(lines, document);
  const json sent = json::parse(document);
  for (const auto& [field, value] : sent.items()) EXPECT_TRUE(properties.contains(field)) << field;
}

}  // namespace
}  // namespace evd::alert

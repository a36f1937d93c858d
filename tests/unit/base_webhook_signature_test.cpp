#include <gtest/gtest.h>

#include "common/base/error.hpp"
#include "common/base/webhook_signature.hpp"

namespace evd {
namespace {

constexpr const char* k_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr const char* k_id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::int64_t k_timestamp = 1614265330;
constexpr const char* k_body = R"({"test": 2432232314})";

TEST(WebhookSignature, IsTheOneOfTheSpecification) {
  EXPECT_EQ(sign_webhook(k_secret, k_id, k_timestamp, k_body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignature, DiffersWithEachThingSigned) {
  const std::string good = sign_webhook(k_secret, k_id, k_timestamp, k_body);
  EXPECT_NE(sign_webhook("plain", k_id, k_timestamp, k_body), good);
  EXPECT_NE(sign_webhook(k_secret, "other", k_timestamp, k_body), good);
  EXPECT_NE(sign_webhook(k_secret, k_id, k_timestamp + 1, k_body), good);
  EXPECT_NE(sign_webhook(k_secret, k_id, k_timestamp, "{}"), good);
}

TEST(WebhookSignature, TakesASecretWithoutPrefixAsItStands) {
  // The bytes "hello" in base64 are aGVsbG8=, with and without its padding.
  const std::string plain = sign_webhook("hello", k_id, k_timestamp, k_body);
  EXPECT_EQ(sign_webhook("whsec_aGVsbG8=", k_id, k_timestamp, k_body), plain);
  EXPECT_EQ(sign_webhook("whsec_aGVsbG8", k_id, k_timestamp, k_body), plain);
}

TEST(WebhookSignature, RefusesASecretThatIsNotBase64) {
  EXPECT_THROW(sign_webhook("whsec_*", k_id, k_timestamp, k_body), Error);
}

TEST(WebhookHeaders, CarryOneSignatureForEachSecret) {
  const auto headers = webhook_headers({k_secret, "second"}, k_id, k_timestamp, k_body);
  ASSERT_EQ(headers.size(), 3U);
  EXPECT_EQ(headers[0], std::string("webhook-id: ") + k_id);
  EXPECT_EQ(headers[1], "webhook-timestamp: 1614265330");
  EXPECT_EQ(headers[2], "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= " +
                            sign_webhook("second", k_id, k_timestamp, k_body));
}

TEST(WebhookHeaders, CarryNoSignatureWithoutSecrets) {
  EXPECT_EQ(webhook_headers({}, k_id, k_timestamp, k_body).size(), 2U);
}

}  // namespace
}  // namespace evd

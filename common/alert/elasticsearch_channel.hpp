// A document for each alert in an index of Elasticsearch, by its bulk API. The id is the message's,
// so that one that is sent twice is there once.
#pragma once

#include "common/alert/channel.hpp"

namespace evd::alert {

class ElasticsearchChannel : public Channel {
 public:
  explicit ElasticsearchChannel(const ChannelConfig& config) : config_(config) {}

  const std::string& name() const override { return config_.name; }
  std::optional<std::string> send(const Alert& alert) override;

 private:
  ChannelConfig config_;
};

// The body of POST /_bulk: an action and the document, a line each.
std::string bulk_body(const std::string& index, const Alert& alert);

// Why a document was not taken, by the answer to _bulk; none: it was, or is there already.
std::optional<std::string> bulk_failure(const std::string& answer);

}  // namespace evd::alert

#include "common/alert/sender.hpp"

#include <future>

#include "common/base/random.hpp"

namespace evd::alert {
namespace {

constexpr int k_fold_limit = 1'000;  // rows in a transaction

std::vector<std::string> names_of(const Channels& channels) {
  std::vector<std::string> names;
  for (const auto& [name, channel] : channels) names.push_back(name);
  return names;
}

bool includes_args(const Config& config, const std::string& channel) {
  const auto found = config.channels.find(channel);
  return found != config.channels.end() && found->second.include_args;
}

}  // namespace

Sender::Sender(Outbox& outbox, Channels& channels, logging::Logger& logger, const Clock& clock)
    : outbox_(outbox),
      channels_(channels),
      logger_(logger),
      clock_(clock),
      token_(random_token()) {}

int Sender::send_due(const Config& config, const SendOptions& options) {
  const auto deadline = clock_.now() + options.max_runtime;
  const std::string routes = routes_json(config, options.wait_for_group);
  while (outbox_.fold(routes, k_fold_limit) > 0 && clock_.now() < deadline) {
  }
  refresh();
  int sent = 0;
  std::vector<std::string> active = names_of(channels_);
  while (!active.empty() && clock_.now() < deadline) {
    std::vector<Posting> postings = lease(config, active);
    post(postings);
    for (const auto& posting : postings) {
      if (record(posting)) ++sent;
      if (posting.failure) std::erase(active, posting.channel->name());
    }
  }
  return sent;
}

// Of what was told before: one that fails is had again by the next refresh.
void Sender::refresh() {
  for (const auto& [name, channel] : channels_) {
    for (const Alert& alert : outbox_.refresh(name, channel->refresh_every())) {
      const auto failure = channel->send(alert);
      if (!failure) continue;
      logger_.warn("alert not refreshed",
                   {{"alert", alert.id}, {"channel", name}, {"error", *failure}});
      break;
    }
  }
}

// One message of each channel that has one; those that have none are no longer active.
std::vector<Sender::Posting> Sender::lease(const Config& config, std::vector<std::string>& active) {
  std::vector<Posting> postings;
  const std::vector<std::string> known = names_of(channels_);
  std::erase_if(active, [&](const std::string& name) {
    auto leased = outbox_.take({token_, name, known, includes_args(config, name)});
    if (!leased) return true;
    postings.push_back({channels_.at(name).get(), std::move(*leased), std::nullopt});
    return false;
  });
  return postings;
}

void Sender::post(std::vector<Posting>& postings) {
  std::vector<std::future<void>> others;
  for (std::size_t i = 1; i < postings.size(); ++i) {
    others.push_back(std::async(std::launch::async, [&posting = postings[i]] {
      posting.failure = posting.channel->send(posting.leased.alert);
    }));
  }
  if (!postings.empty()) {
    postings.front().failure = postings.front().channel->send(postings.front().leased.alert);
  }
  for (auto& other : others) other.get();
}

bool Sender::record(const Posting& posting) {
  const Alert& alert = posting.leased.alert;
  if (!posting.failure) {
    outbox_.sent(posting.leased.group, token_);
    logger_.info("alert sent",
                 {{"alert", alert.id}, {"kind", alert.kind}, {"channel", posting.channel->name()}});
    return true;
  }
  outbox_.failed(posting.leased.group, token_, *posting.failure);
  logger_.warn("alert not sent, to be tried again", {{"alert", alert.id},
                                                     {"kind", alert.kind},
                                                     {"channel", posting.channel->name()},
                                                     {"error", *posting.failure}});
  return false;
}

}  // namespace evd::alert

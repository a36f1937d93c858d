// emit --file: events by the thousand. Each batch is a transaction, and is known by what stands in
// it and where, so that a file is not loaded twice by mistake, and an interrupted load goes on.
#include "cli/evctl/emit_file.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>
#include <thread>

#include "cli/evctl/event_file.hpp"
#include "cli/evctl/json.hpp"
#include "common/base/random.hpp"
#include "common/base/text.hpp"
#include "common/pg/backoff.hpp"
#include "common/pg/error.hpp"

namespace evd::evctl {
namespace {

constexpr int k_connects = 8;  // in a row, about half a minute

class Loader {
 public:
  Loader(Context& context, const EmitFileFlags& flags, EventFile& file, std::int64_t size)
      : context_(context),
        file_(file),
        size_(size),
        is_resuming_(flags.resume),
        salt_(flags.again ? std::to_string(random_token()) : ""),
        connection_(context.connect()),
        shows_progress_(context.out().is_terminal() && !context.json()) {}

  ExitCode run() {
    try {
      while (const auto batch = file_.next()) load(*batch);
    } catch (const Error&) {
      end_progress();
      if (line_ > 0)
        std::cerr << "evctl: lines 1 to " << line_ << " are loaded; --resume goes on from there\n";
      throw;
    }
    end_progress();
    report();
    return ExitCode::k_ok;
  }

 private:
  void load(const EventBatch& batch) {
    const bool is_new = emit(batch);
    if (!is_new && !is_resuming_)
      throw Error(file_.place(batch.lines.front()) +
                  "this and what follows was loaded before: --resume skips what was, --again loads "
                  "it once more");
    (is_new ? emitted_ : skipped_) += static_cast<std::int64_t>(batch.lines.size());
    line_ = batch.lines.back();
    show_progress();
  }

  // False: it was loaded before. Where the connection is lost nobody knows whether it is, and the
  // batch's own name tells.
  bool emit(const EventBatch& batch) {
    bool is_in_doubt = false;
    for (;;) {
      try {
        const pg::Result result = connection_.query(
            "select evd.emit_batch(md5($1 || ' ' || $2 || $3)::uuid, $3::jsonb) is not null",
            pg::params(salt_, std::to_string(batch.lines.front()), batch.events));
        return result.boolean(0, 0) || is_in_doubt;
      } catch (const pg::Error& error) {
        if (!error.connection_lost()) throw Error(blame(batch, error));
        is_in_doubt = true;
      }
      reconnect();
    }
  }

  void reconnect() {
    pg::ReconnectBackoff backoff;
    for (int tried = 1;; ++tried) {
      try {
        connection_ = context_.connect();
        return;
      } catch (const pg::Error&) {
        if (tried == k_connects) throw;
      }
      std::this_thread::sleep_for(backoff.next());
    }
  }

  // Names the line instead of the place in the batch.
  std::string blame(const EventBatch& batch, const pg::Error& error) const {
    static const std::regex index(R"(^events\[(\d{1,9})\]\.)");
    std::smatch match;
    const std::string& text = error.primary();
    if (std::regex_search(text, match, index)) {
      const std::size_t which = std::stoul(match[1]);
      if (which < batch.lines.size()) return file_.place(batch.lines[which]) + match.suffix().str();
    }
    return file_.place(batch.lines.front()) + "in this line or one of the " +
           std::to_string(batch.lines.size() - 1) + " after it: " + text;
  }

  void show_progress() const {
    if (!shows_progress_) return;
    std::cerr << "\r" << emitted_ + skipped_ << " events";
    if (size_ > 0)
      std::cerr << ", " << std::min<std::int64_t>(100, file_.bytes() * 100 / size_) << " %";
    std::cerr << "  " << std::flush;
  }
  void end_progress() const {
    if (shows_progress_ && line_ > 0) std::cerr << "\n";
  }

  void report() const {
    if (context_.json()) {
      context_.out().line(Json{{"emitted", emitted_}, {"skipped", skipped_}}.dump());
      return;
    }
    context_.out().line(std::to_string(emitted_) + " events emitted" +
                        (skipped_ > 0 ? ", " + std::to_string(skipped_) + " were already" : ""));
  }

  Context& context_;
  EventFile& file_;
  std::int64_t size_;
  bool is_resuming_;
  std::string salt_;
  pg::Connection connection_;
  bool shows_progress_;
  std::int64_t emitted_ = 0;
  std::int64_t skipped_ = 0;
  std::int64_t line_ = 0;  // the last that is loaded
};

}  // namespace

ExitCode emit_file(Context& context, const EmitFileFlags& flags) {
  if (flags.file == "-") {
    EventFile file(std::cin, "stdin");
    return Loader(context, flags, file, 0).run();
  }
  std::ifstream stream(flags.file);
  if (!stream) throw Error("cannot read " + flags.file + ": " + errno_text(errno));
  std::error_code unknown;
  const auto size = std::filesystem::file_size(flags.file, unknown);
  EventFile file(stream, flags.file);
  return Loader(context, flags, file, unknown ? 0 : static_cast<std::int64_t>(size)).run();
}

}  // namespace evd::evctl

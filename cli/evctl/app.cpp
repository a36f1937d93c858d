#include "cli/evctl/app.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "cli/evctl/errors.hpp"
#include "cli/evctl/verbs.hpp"
#include "common/base/text.hpp"
#include "common/base/version.hpp"

namespace evd::evctl {
namespace {

constexpr std::array<Verb, 22> k_verbs{{
    {"migrate", "Create or upgrade the schema", declare_migrate},
    {"apply", "Put the file's events and handlers into the database", declare_apply},
    {"emit", "Write one event and print its id", declare_emit},
    {"export", "Events of a time, as emit --file takes them", declare_export},
    {"list", "Events, newest first", declare_list},
    {"show", "One event's whole story", declare_show},
    {"status", "Nodes, lag, what is outstanding and what is escalated", declare_status},
    {"audit", "Prove that no event is unaccounted for", declare_audit},
    {"tail", "Follow events as they come and end", declare_tail},
    {"re-emit", "Run what is missing of events again, with fresh attempts", declare_re_emit},
    {"replay", "Give a handler the events of a time once more", declare_replay},
    {"resolve", "A person dealt with it: settle pairs without running them", declare_resolve},
    {"pause", "Stop starting a handler; nothing is lost meanwhile", declare_pause},
    {"resume", "Start a handler again that is paused or out of reach", declare_resume},
    {"handlers", "Handlers, where they are hosted and what waits for them", declare_handlers},
    {"run", "Try a handler here and now, recording nothing", declare_run},
    {"alerts", "What people were told, or are to be told", declare_alerts},
    {"ack", "Somebody has seen an alert: no more about it for a while", declare_ack},
    {"adopt", "Take up a log that was restored into another PostgreSQL, or as a copy",
     declare_adopt},
    {"prune", "Drop now what retention would drop with the next passes", declare_prune},
    {"doctor", "Check everything that can be wrong and say how to mend it", declare_doctor},
    {"version", "Versions of the program, the schema and PostgreSQL", declare_version},
}};

class CommandLine {
 public:
  CommandLine() : app_("Look after the events of an evd installation.", "evctl") {
    // Global options are taken after the verb too; what no verb knows is judged by check_rest().
    app_.fallthrough();
    app_.allow_extras();
    app_.require_subcommand(0, 1);
    app_.add_option("--config", globals_.config, "Configuration file ($EVD_CONFIG)")
        ->type_name("FILE");
    app_.add_option("--database", globals_.database, "Database instead ($EVD_DATABASE_URL)")
        ->type_name("URL");
    app_.add_flag("--json", globals_.json, "Print JSON");
    app_.set_version_flag("--version", std::string("evctl ") + k_version);
    for (const Verb& verb : k_verbs) {
      CLI::App* command = app_.add_subcommand(verb.name, verb.summary);
      actions_[command] = verb.declare(*command);
    }
  }

  // False: help or the version was asked for and printed.
  bool parse(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& help) {
      app_.exit(help, std::cout, std::cerr);
      return false;
    } catch (const CLI::ParseError& error) {
      check_rest();
      const auto chosen = app_.get_subcommands();
      const std::string of = chosen.empty() ? "" : " " + chosen.front()->get_name();
      throw ConfigError(std::string(error.what()) + "; see evctl" + of + " --help");
    }
    check_rest();
    return true;
  }

  ExitCode run(Output& output) {
    Context context(globals_, output);
    return actions_.at(app_.get_subcommands().front())(context);
  }

 private:
  void check_rest() const {
    const std::vector<std::string> rest = app_.remaining();
    const auto chosen = app_.get_subcommands();
    const auto is_option = [](const std::string& word) { return word.starts_with('-'); };
    const auto option = std::find_if(rest.begin(), rest.end(), is_option);
    const auto word = std::find_if_not(rest.begin(), rest.end(), is_option);
    if (chosen.empty() && word != rest.end()) {
      throw ConfigError("no such verb: \"" + *word + "\"" + suggestion(*word, verb_names()));
    }
    if (option != rest.end()) throw ConfigError(unknown_option(*option, chosen));
    if (word != rest.end()) throw ConfigError("one argument too many: \"" + *word + "\"");
    if (chosen.empty()) throw ConfigError("no verb given; see evctl --help");
  }

  std::string unknown_option(const std::string& option,
                             const std::vector<CLI::App*>& chosen) const {
    std::vector<std::string> known;
    const auto collect = [&](const CLI::App& command) {
      for (const CLI::Option* each : command.get_options()) {
        for (const auto& name : each->get_lnames()) known.push_back("--" + name);
      }
    };
    collect(app_);
    for (const CLI::App* command : chosen) collect(*command);
    const std::string name = option.substr(0, option.find('='));
    const std::string of = chosen.empty() ? "" : " of " + chosen.front()->get_name();
    return "no such option" + of + ": " + name + suggestion(name, known);
  }

  static std::vector<std::string> verb_names() {
    std::vector<std::string> names;
    std::transform(k_verbs.begin(), k_verbs.end(), std::back_inserter(names),
                   [](const Verb& verb) { return verb.name; });
    return names;
  }

  Globals globals_;
  CLI::App app_;
  std::map<const CLI::App*, Action> actions_;
};

ExitCode run_verb(int argc, char** argv) {
  CommandLine line;
  if (!line.parse(argc, argv)) return ExitCode::k_ok;
  Output output(STDOUT_FILENO);
  const ExitCode code = line.run(output);
  output.flush();
  return code;
}

}  // namespace

int run_command(int argc, char** argv) {
  try {
    return static_cast<int>(run_verb(argc, argv));
  } catch (const OutputClosed&) {
    return static_cast<int>(ExitCode::k_ok);
  } catch (const std::exception& error) {
    const Verdict verdict = judge(error);
    std::cerr << "evctl: " << verdict.message << '\n';
    return static_cast<int>(verdict.code);
  }
}

}  // namespace evd::evctl

// The verbs of evctl. Each declares its options on its subcommand and returns what to do once they
// are parsed; the options live as long as that action.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/evctl/context.hpp"
#include "common/base/error.hpp"

namespace evd::evctl {

using Action = std::function<ExitCode(Context&)>;

struct Verb {
  const char* name;
  const char* summary;
  Action (*declare)(CLI::App& command);
};

Action declare_migrate(CLI::App& command);
Action declare_apply(CLI::App& command);
Action declare_emit(CLI::App& command);
Action declare_export(CLI::App& command);
Action declare_list(CLI::App& command);
Action declare_show(CLI::App& command);
Action declare_status(CLI::App& command);
Action declare_audit(CLI::App& command);
Action declare_tail(CLI::App& command);
Action declare_re_emit(CLI::App& command);
Action declare_replay(CLI::App& command);
Action declare_resolve(CLI::App& command);
Action declare_pause(CLI::App& command);
Action declare_resume(CLI::App& command);
Action declare_handlers(CLI::App& command);
Action declare_run(CLI::App& command);
Action declare_alerts(CLI::App& command);
Action declare_ack(CLI::App& command);
Action declare_prune(CLI::App& command);
Action declare_adopt(CLI::App& command);
Action declare_doctor(CLI::App& command);
Action declare_version(CLI::App& command);

}  // namespace evd::evctl

// The command line of evctl: global options, the table of verbs, and errors as exit codes.
#pragma once

namespace evd::evctl {

// The exit code. Errors are told on stderr, in one line each.
int run_command(int argc, char** argv);

}  // namespace evd::evctl

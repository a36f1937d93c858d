// emit --file; see emit.cpp for its flags.
#pragma once

#include <string>

#include "cli/evctl/context.hpp"
#include "common/base/error.hpp"

namespace evd::evctl {

struct EmitFileFlags {
  std::string file;     // "-": stdin
  bool resume = false;  // batches that were loaded before are skipped …
  bool again = false;   // … or loaded once more; otherwise they are refused
};

ExitCode emit_file(Context& context, const EmitFileFlags& flags);

}  // namespace evd::evctl

// Where a test can kill the program: between any two of its statements. In what is installed the
// function is empty; tests/faults links programs with one that reads from the environment where to
// die.
#pragma once

#include <string_view>

namespace evd::pg {

enum class FaultPlace {
  k_before,  // the statement is about to be sent
  k_after,   // it is over on the server, and this process does not know its result yet
};

void fault_point(FaultPlace place, std::string_view sql);

}  // namespace evd::pg

// Randomness from the kernel: tokens that fence leases must never repeat, also not between two
// processes that start in the same instant, so no seeded generator is used.
#pragma once

#include <cstdint>
#include <string>

namespace evd {

// Between 1 and 2^63-1.
std::int64_t random_token();

// A version 4 UUID in lower case: "f81d4fae-7dec-41d0-a765-00a0c91e6bf6".
std::string random_uuid();

}  // namespace evd

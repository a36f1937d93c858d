// The whole conformance suite. Include it in one source file of a test binary.
#pragma once

#include "tests/support/journal_conformance_breakers.hpp"
#include "tests/support/journal_conformance_deliveries.hpp"
#include "tests/support/journal_conformance_parts.hpp"
#include "tests/support/journal_conformance_recovery.hpp"
#include "tests/support/journal_conformance_windows.hpp"

// `make_fixture` makes a fresh log for each test.
#define INSTANTIATE_JOURNAL_CONFORMANCE(name, make_fixture)                              \
  INSTANTIATE_TEST_SUITE_P(name, JournalConformance,                                     \
                           testing::Values(evd::test::MakeJournalFixture(make_fixture)), \
                           [](const auto&) { return std::string("journal"); })

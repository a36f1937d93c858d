// Look-ups by id: an index that summarises ranges of pages, and who keeps it up to date.
#include <algorithm>

#include "tests/sql/log_fixture.hpp"

namespace evd::test {
namespace {

class Summarize : public LogFixture {
 protected:
  // Pages read to look up one event, by the server's own count. The least of a few: when others
  // have changed the catalog, the first reads that anew.
  std::int64_t pages(std::int64_t id) {
    std::int64_t least = counted_pages(id);
    for (int i = 0; i < 4; ++i) least = std::min(least, counted_pages(id));
    return least;
  }

 private:
  std::int64_t counted_pages(std::int64_t id) {
    const auto plan = rows(connection,
                           "explain (analyze, buffers, costs off, timing off, summary off)"
                           " select * from evd.events_by_id(array[" +
                               std::to_string(id) + "])");
    std::int64_t total = 0;
    for (const std::string kind : {"hit=", "read="}) {
      const auto at = plan.find(kind);
      if (at != std::string::npos) total += std::stoll(plan.substr(at + kind.size()));
    }
    return total;
  }
};

TEST_F(Summarize, KeepsALookUpByIdFromReadingAllThatIsNew) {
  connection.query("select evd.make_partitions(1)");
  connection.query(
      "select evd.emit_many(jsonb_agg('{\"event_name\": \"purchased\"}'::jsonb))"
      " from generate_series(1, 40000)");
  const auto before = pages(17000);
  EXPECT_GT(number(connection, "select evd.summarize_log()"), 0);
  EXPECT_EQ(number(connection, "select evd.summarize_log()"), 0) << "there is nothing left";
  EXPECT_LT(pages(17000) * 3, before);
}

}  // namespace
}  // namespace evd::test

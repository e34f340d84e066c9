#include "tests/bench/common_cases.hpp"
#include <gmock/gmock.h>

namespace {

struct Answer {
  const char* name;
  double makespan_us;
};

// SimGrid 3.32, plain max-min (`make bench-peers`), rounded to the nanosecond.
class CommonCases : public testing::TestWithParam<Answer> {};
INSTANTIATE_TEST_SUITE_P(, CommonCases,
                         testing::Values(Answer{"T1a_perm", 6714.886}, Answer{"T1a1_perm1M", 108.858}, Answer{"T1b_ws", 3819.176},
                                         Answer{"T1c_ring", 44821.901}, Answer{"T1d_a2a", 1323.206}, Answer{"T1e_incast", 5370.709}),
                         [](const auto& answer) { return answer.param.name; });

TEST_P(CommonCases, makespan_is_that_of_simgrid) {
  EXPECT_NEAR(bench::simulate(bench::make_case(GetParam().name)).makespan.in_seconds() * 1e6, GetParam().makespan_us, 1e-3);
}
}  // namespace

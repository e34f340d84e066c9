#include <gmock/gmock.h>
#include <fmt/format.h>
#include <set>
#include "kernels/collectives/algorithm_check.hpp"
#include "sim/error.hpp"

namespace kernels::collectives {
namespace {

using testing::HasSubstr;
using enum CollectiveOp;

std::string mistake_of(const Schedule& schedule, const Request& request) {
  const auto mistake = find_mistake(schedule, Layout(request));
  return mistake ? mistake->text : "";
}

Request request_of(CollectiveOp op, int ranks, int per_host, std::int64_t count) {
  return {.op = op, .ranks = ranks, .per_host = per_host, .count = count, .root = ranks / 3};
}

std::string described(const Algorithm& algorithm, const Request& q) {
  return fmt::format("{} {}: {} ranks, {} a host, {} elements, {} channels, {} pieces", algorithm.name, name_of(q.op), q.ranks, q.per_host,
                     q.count, q.channels, q.pieces);
}

class EveryAlgorithm : public testing::TestWithParam<std::string_view> {
 protected:
  // Every operation that it can do.
  void check(Request request) {
    const Algorithm& algorithm = algorithm_named(GetParam());
    for (const CollectiveOp op : algorithm.ops) {
      request.op = op;
      if (!why_not(algorithm, request).empty()) continue;
      ASSERT_EQ(mistake_of(make_schedule(algorithm, request), request), "") << described(algorithm, request);
      ++checked_;
    }
  }
  int checked_ = 0;
};

// Every rank count from 1 to 64, on one host and on one each; elements that ranks do not divide, fewer than ranks, and none.
TEST_P(EveryAlgorithm, every_rank_ends_with_its_elements) {
  for (int ranks = 1; ranks <= 64; ++ranks)
    for (const int per_host : {1, ranks})
      for (const std::int64_t count : {0, ranks / 2, 2 * ranks + 1}) check(request_of(all_reduce, ranks, per_host, count));
  EXPECT_GT(checked_, 150);
}

// Hosts of every size, the last one not full; channels and pieces that do not divide the elements.
TEST_P(EveryAlgorithm, hosts_channels_and_pieces) {
  for (const int per_host : {2, 3, 4, 8})
    for (const int ranks : {2, 3, 6, 7, 8, 12, 16, 23, 24, 40, 64})
      for (const int channels : {1, 3}) {
        Request request = request_of(all_reduce, ranks, per_host, 37);
        request.channels = channels;
        request.pieces = channels + 1;
        check(request);
      }
  EXPECT_GT(checked_, 0);
}

std::vector<std::string_view> names() {
  std::vector<std::string_view> all;
  for (const Algorithm& algorithm : algorithms()) all.push_back(algorithm.name);
  return all;
}
INSTANTIATE_TEST_SUITE_P(All, EveryAlgorithm, testing::ValuesIn(names()), [](const auto& each) { return std::string(each.param); });

TEST(CollectiveAlgorithms, every_operation_has_one) {
  std::set<CollectiveOp> ops;
  for (const Algorithm& algorithm : algorithms()) ops.insert(algorithm.ops.begin(), algorithm.ops.end());
  EXPECT_EQ(ops.size(), 9u);
}

TEST(CollectiveAlgorithms, skewed_all_to_all) {
  for (const int ranks : {2, 5, 8, 16, 23})
    for (const std::string_view name : {"direct", "pxn"}) {
      Request request = request_of(all_to_all, ranks, 4, 0);
      // A hot destination, empty pairs, and one rank that sends nothing.
      for (int s = 0; s < ranks; ++s)
        for (int d = 0; d < ranks; ++d) request.counts.push_back(s == 1 ? 0 : d == 0 ? 9 : (s * 7 + d * 3) % 4);
      EXPECT_EQ(mistake_of(make_schedule(algorithm_named(name), request), request), "") << name << ranks;
    }
}

TEST(CollectiveAlgorithms, one_rank_is_free) {
  for (const Algorithm& algorithm : algorithms())
    EXPECT_TRUE(make_schedule(algorithm, request_of(algorithm.ops.front(), 1, 1, 100)).steps.empty()) << algorithm.name;
}

// Each rank sends n-1 parts of 1/n in each half, no more: what makes the ring optimal in bytes.
TEST(CollectiveAlgorithms, ring_sends_the_least_bytes) {
  const Schedule schedule = make_schedule(algorithm_named("ring"), request_of(all_reduce, 6, 6, 60));
  std::vector<std::int64_t> sent(6);
  for (const Step& step : schedule.steps) sent[step.source] += step.range.count;
  EXPECT_THAT(sent, testing::Each(2 * 5 * 10));
}

// With as many channels as GPUs each GPU sends to other hosts on one channel, and to the same GPU number: its rail.
TEST(CollectiveAlgorithms, each_channel_leaves_by_a_nic_of_its_own) {
  Request request = request_of(all_gather, 32, 8, 320);
  request.channels = 8;
  std::set<std::pair<int, int>> leaving;  // GPU, channel
  for (const Step& step : make_schedule(algorithm_named("ring"), request).steps)
    if (step.source / 8 != step.destination / 8) {
      EXPECT_EQ(step.source % 8, step.destination % 8);
      leaving.insert({step.source, step.channel});
    }
  EXPECT_EQ(leaving.size(), 32u);
}

// PXN: between hosts, only along rails.
TEST(CollectiveAlgorithms, pxn_stays_on_rails) {
  for (const Step& step : make_schedule(algorithm_named("pxn"), request_of(all_to_all, 32, 8, 320)).steps)
    EXPECT_TRUE(step.source / 8 == step.destination / 8 || step.source % 8 == step.destination % 8);
}

TEST(CollectiveAlgorithms, say_what_they_cannot_do) {
  const auto message = [](std::string_view name, const Request& request) {
    try {
      make_schedule(algorithm_named(name), request);
    } catch (const sim::InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(message("pat", request_of(all_reduce, 4, 4, 8)), "collective: 'pat' is no algorithm for all_reduce. Choose another algorithm.");
  EXPECT_THAT(message("nvls", request_of(all_reduce, 16, 8, 8)), HasSubstr("stays inside one scale-up domain"));
  EXPECT_THAT(message("hierarchical", request_of(all_reduce, 12, 8, 8)), HasSubstr("needs equally many ranks on every host"));
  EXPECT_THAT(message("rings", request_of(all_reduce, 12, 8, 8)), HasSubstr("Did you mean 'ring'?"));
  EXPECT_THAT(message("direct", request_of(all_to_all, 4096, 8, 4096)), HasSubstr("more than"));
}

class CollectiveCheck : public testing::Test {
 protected:
  Request request_ = request_of(all_reduce, 4, 4, 4);
  Schedule schedule_ = make_schedule(algorithm_named("ring"), request_);
};

TEST_F(CollectiveCheck, names_what_is_missing) {
  const Step last = schedule_.steps.back();
  schedule_.steps.pop_back();
  EXPECT_THAT(mistake_of(schedule_, request_), HasSubstr(fmt::format("rank {} lacks rank", last.destination)));
}

TEST_F(CollectiveCheck, names_what_is_there_twice) {
  schedule_.steps.insert(schedule_.steps.begin(), schedule_.steps.front());
  EXPECT_THAT(mistake_of(schedule_, request_), HasSubstr("times after step 5"));
}

TEST_F(CollectiveCheck, names_two_writers) {
  schedule_.steps.push_back({5, 0, 1, {0, 1}, Effect::copy});
  schedule_.steps.push_back({5, 2, 1, {0, 1}, Effect::copy});
  EXPECT_THAT(mistake_of(schedule_, request_), HasSubstr("both write element 0 of rank 1 in step 5"));
}

TEST_F(CollectiveCheck, names_who_has_nothing_to_send) {
  const Request gather = request_of(all_gather, 4, 4, 4);
  const Schedule schedule{.ranks = 4, .elements = 4, .steps = {{3, 2, 1, {0, 1}}}};
  EXPECT_EQ(mistake_of(schedule, gather), "rank 2 has nothing of element 0 to send to rank 1 in step 3");
}

// A step sends what was there before: passing on what arrives at the same time needs a later number.
TEST_F(CollectiveCheck, steps_of_one_number_are_simultaneous) {
  const Request request = request_of(broadcast, 3, 3, 1);  // the root is rank 1
  const auto chain = [](std::uint32_t second) {
    return Schedule{.ranks = 3, .elements = 1, .steps = {{0, 1, 0, {0, 1}}, {second, 0, 2, {0, 1}}}};
  };
  EXPECT_EQ(mistake_of(chain(0), request), "rank 0 has nothing of element 0 to send to rank 2 in step 0");
  EXPECT_EQ(mistake_of(chain(1), request), "");
}

// No step is idle, and the check sees when any one is left out.
TEST(CollectiveCheckAll, sees_every_dropped_step) {
  for (const Algorithm& algorithm : algorithms())
    for (const CollectiveOp op : algorithm.ops) {
      const Request request = request_of(op, 6, algorithm.hosts == Hosts::one ? 6 : 3, 12);
      const Schedule whole = make_schedule(algorithm, request);
      for (std::size_t i = 0; i < whole.steps.size(); ++i) {
        Schedule part = whole;
        part.steps.erase(part.steps.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_NE(mistake_of(part, request), "") << described(algorithm, request) << " without step " << i;
      }
    }
}

}  // namespace
}  // namespace kernels::collectives

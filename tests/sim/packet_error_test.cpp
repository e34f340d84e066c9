// The reason that `make bench` gives for what packets and the fluid network differ in.
#include "tests/bench/packet_error.hpp"
#include <gmock/gmock.h>

namespace {
using namespace sim::literals;
using bench::PacketError;
using testing::StartsWith;

TEST(PacketError, is_the_mean_of_what_flows_are_off) {
  PacketError error;
  error.add(90_us, 100_us);
  error.add(130_us, 100_us);
  EXPECT_DOUBLE_EQ(error.mean(), .2);
}

TEST(PacketError, has_a_reason) {
  PacketError early, late;
  early.add(70_us, 100_us);
  early.add(110_us, 100_us);
  EXPECT_THAT(early.reason(), StartsWith("uneven rates (1 of 2 early, by 30 % in the mean; the others late by 10 us, 10 %"));

  late.add(110_us, 100_us);
  EXPECT_THAT(late.reason(), StartsWith("idle links"));
  late.counts.marks = 1;
  EXPECT_THAT(late.reason(), StartsWith("rates after cuts"));
  late.queue_time = 5_us;
  EXPECT_THAT(late.reason(), StartsWith("queues"));
  late.packet_time = 1_us;
  late.links_of_way = 2;
  EXPECT_THAT(late.reason(), StartsWith("queues"));
  late.messages_of_chain = 5;
  EXPECT_THAT(late.reason(), StartsWith("store and forward"));
}
}  // namespace

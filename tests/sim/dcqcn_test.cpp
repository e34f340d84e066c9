// DCQCN's sender by itself, against its equations.
#include <gtest/gtest.h>
#include <cmath>
#include "sim/packet/congestion_control.hpp"

namespace {
using namespace sim;
using namespace sim::literals;

constexpr double line = 50e9, gain = 1 / 256.;

DcqcnSpec spec() {
  return {.gain = gain,
          .increase_share = .01,
          .fast_increase_share = .1,
          .least_rate = 1_Gbps,
          .alpha_period = 1_us,
          .cut_period = 4_us,
          .increase_period = 300_us,
          .fast_recovery = 1,
          .clamp_target = false};
}

// One flow of packets of 4096 bytes and a round trip of 10 us.
struct Sender {
  explicit Sender(const DcqcnSpec& spec) : control(make_dcqcn(spec)) {
    EXPECT_EQ(control->start(0, {.line_rate = 50_GBps, .round_trip = 10_us, .packet = 4096}, Time{}).rate, line);
  }
  void hear(Time now, bool marked = true) {
    Acknowledgement ack;
    ack.now = now;
    ack.marked = marked;
    control->on_acknowledgement(0, ack);
  }
  double rate_at(Time now) { return control->before_packet(0, 0, now).rate / line; }

  std::unique_ptr<CongestionControl> control;
};

TEST(Dcqcn, without_notifications_a_flow_keeps_the_line_rate) {
  Sender sender(spec());
  for (Time t; t < 2_ms; t += 10_us) sender.hear(t, false);
  EXPECT_EQ(sender.rate_at(2_ms), 1);
}

// However late the first notification comes, alpha is 1 then; it falls for four periods until the cut.
TEST(Dcqcn, the_first_notification_halves_the_rate) {
  for (const Time first : {10_us, 5_ms}) {
    Sender sender(spec());
    sender.rate_at(first);
    sender.hear(first);
    EXPECT_EQ(sender.rate_at(first + 3_us), 1);
    EXPECT_DOUBLE_EQ(sender.rate_at(first + 4_us), 1 - std::pow(1 - gain, 4) / 2);
    EXPECT_DOUBLE_EQ(sender.rate_at(first + 8_us), 1 - std::pow(1 - gain, 4) / 2);  // it heard of nothing more
  }
}

// A notification in each period of alpha keeps it up, one in four lets it fall to a quarter. 2,000 periods long no increase comes between.
TEST(Dcqcn, alpha_is_the_share_of_periods_with_a_notification) {
  DcqcnSpec never_low = spec();
  never_low.least_rate = BytesPerSecond{1e-280};
  for (const auto& [every, alpha] : {std::pair(1, 1.), std::pair(4, .25)}) {
    Sender sender(never_low);
    for (int us = 0; us < 2000; us += every) sender.hear(Time::picoseconds(us * 1'000'000LL + 500'000));
    const double before = sender.rate_at(Time::picoseconds(2000'000'000)), after = sender.rate_at(Time::picoseconds(2004'600'000));
    EXPECT_NEAR(after / before, 1 - alpha / 2, .01) << every;
  }
}

// Half of the way back to the old rate; then the target rises by a hundredth of the line, then by a tenth.
TEST(Dcqcn, rates_rise_by_recovery_then_slowly_then_fast) {
  DcqcnSpec half = spec();
  half.gain = 0;  // alpha stays 1
  half.clamp_target = true;
  Sender sender(half);
  sender.hear(Time{});
  sender.hear(5_us);  // cut at 4 and at 8 us: to a quarter, with a target of a half
  double rate = .25, target = .5;
  EXPECT_EQ(sender.rate_at(307_us), rate);
  for (const auto& [at, step] : {std::pair(308_us, 0.), std::pair(608_us, .01), std::pair(908_us, .1), std::pair(1208_us, .1)}) {
    target += step;
    rate = (rate + target) / 2;
    EXPECT_DOUBLE_EQ(sender.rate_at(at), rate);
  }
}

// Without clamping, cuts without an increase between them leave the target where it was.
TEST(Dcqcn, the_target_outlives_cuts_that_follow_each_other) {
  DcqcnSpec half = spec();
  half.gain = 0;
  Sender sender(half);
  sender.hear(Time{});
  sender.hear(5_us);
  EXPECT_DOUBLE_EQ(sender.rate_at(308_us), (.25 + 1) / 2);
}

TEST(Dcqcn, bytes_raise_the_rate_as_time_does) {
  DcqcnSpec by_bytes = spec();
  by_bytes.gain = 0;
  by_bytes.increase_bytes = 1'000'000;
  Sender sender(by_bytes);
  sender.hear(Time{});
  EXPECT_EQ(sender.rate_at(4_us), .5);
  EXPECT_EQ(sender.control->before_packet(0, 999'999, 5_us).rate / line, .5);
  EXPECT_EQ(sender.control->before_packet(0, 1, 6_us).rate / line, .75);
}

TEST(Dcqcn, a_receiver_notifies_once_a_period) {
  DcqcnSpec quiet = spec();
  quiet.gain = 0;
  quiet.notification_period = 50_us;
  Sender sender(quiet);
  for (int us = 0; us < 49; ++us) sender.hear(Time::picoseconds(us * 1'000'000LL));
  EXPECT_EQ(sender.rate_at(49_us), .5);
}

TEST(Dcqcn, a_window_holds_what_the_rate_sends_in_a_round_trip) {
  DcqcnSpec bounded = spec();
  bounded.gain = 0;
  bounded.window = true;
  Sender sender(bounded);
  EXPECT_DOUBLE_EQ(sender.control->before_packet(0, 0, Time{}).window, line * 10e-6 + 4096);
  sender.hear(Time{});
  EXPECT_DOUBLE_EQ(sender.control->before_packet(0, 0, 4_us).window, line / 2 * 10e-6 + 4096);
}
}  // namespace

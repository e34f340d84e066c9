#include "bindings/report/timeline_svg.hpp"
#include <gmock/gmock.h>
#include "bindings/report/svg.hpp"
#include "tests/xml.hpp"

namespace {

using namespace sim::literals;
using report::TimelineBox;
using sim::OpKind;
using testing::HasSubstr;
using testing::Not;

int occurrences(const std::string& text, const std::string& part) {
  int number = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++number;
  return number;
}

// Two stages, one micro-batch: forward 0-1-2 ms, backward 2-4-6 ms, the optimizer of stage 0, its gradients below.
std::vector<TimelineBox> two_stages() {
  return {{.rank = 0, .kind = OpKind::forward, .micro_batch = 0, .chunk = 0, .start = 0_ms, .end = 1_ms},
          {.rank = 4, .kind = OpKind::forward, .micro_batch = 0, .chunk = 0, .start = 1_ms, .end = 2_ms},
          {.rank = 4, .kind = OpKind::backward, .micro_batch = 0, .chunk = 0, .start = 2_ms, .end = 4_ms},
          {.rank = 0, .kind = OpKind::backward, .micro_batch = 0, .chunk = 0, .start = 4_ms, .end = 6_ms},
          {.rank = 0, .kind = OpKind::dp_collective, .start = 6_ms, .end = 7_ms},
          {.rank = 0, .kind = OpKind::optimizer, .start = 7_ms, .end = 8_ms}};
}

report::TimelineSpec spec() { return {.title = "toy", .ranks = {0, 4}, .from = 0_ms, .to = 8_ms, .bubble_share = 0.25}; }

TEST(TimelineSvg, is_well_formed_and_says_what_it_shows) {
  const std::string svg = report::timeline_svg(two_stages(), spec());
  EXPECT_EQ(parsed_xml(svg).count("svg"), 1u);
  for (const char* text :
       {">toy<", "one step: 8.000 ms; pipeline bubble 25.0 % of it, mean over ranks", ">stage 0<", ">stage 1<",
        "backward, micro-batch 0: 2.000 ms", ">data-parallel collective<", ">optimizer<", "time since the start of the step [ms]"})
    EXPECT_THAT(svg, HasSubstr(text));
  EXPECT_EQ(occurrences(svg, "<title>"), 6) << "one tooltip a box";
}

// 1,500 pixels are 8 ms from x = 76 on: the backward pass of stage 0 lies at 826 and is 375 wide, less a thread at each side.
TEST(TimelineSvg, boxes_are_where_time_says) {
  EXPECT_THAT(report::timeline_svg(two_stages(), spec()), HasSubstr(R"(<rect x="826.35" y="84.0" width="374.30")"));
}

TEST(TimelineSvg, escapes_names) {
  auto odd = spec();
  odd.title = "<b> & \"c\" > d\x01";
  const std::string svg = report::timeline_svg(two_stages(), odd);
  EXPECT_THAT(svg, HasSubstr("&lt;b&gt; &amp; &quot;c&quot; &gt; d<"));
  EXPECT_NO_THROW(parsed_xml(svg));
  EXPECT_EQ(report::xml_escaped("a\tb\nc\x02"), "a\tb\nc");
}

// What began before the picture or ends after it is cut at its edge; what is outside is not there.
TEST(TimelineSvg, shows_one_step_only) {
  auto later = spec();
  later.from = 4_ms;
  later.to = 7500_us;
  const std::string svg = report::timeline_svg(two_stages(), later);
  EXPECT_EQ(occurrences(svg, "<title>"), 3);
  EXPECT_THAT(svg, Not(HasSubstr("forward, micro-batch")));
}

TEST(TimelineSvg, of_nothing_is_a_picture_too) {
  EXPECT_NO_THROW(parsed_xml(report::timeline_svg({}, spec())));
  EXPECT_THAT(report::timeline_svg({}, {.title = "one", .ranks = {3}, .from = 0_ms, .to = 1_ms}), HasSubstr(">rank 3<"));
}

// Equal runs give equal files, in whatever order the boxes were recorded.
TEST(TimelineSvg, does_not_depend_on_the_order_of_boxes) {
  auto backwards = two_stages();
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(report::timeline_svg(backwards, spec()), report::timeline_svg(two_stages(), spec()));
}

// 100,000 boxes on 1,500 pixels: neighbours are joined, and the picture says so.
TEST(TimelineSvg, joins_what_is_too_narrow) {
  std::vector<TimelineBox> many;
  for (int i = 0; i < 100'000; ++i)
    many.push_back(
        {.rank = 0, .kind = i % 2 ? OpKind::backward : OpKind::forward, .micro_batch = i, .start = 80_ns * i, .end = 80_ns * (i + 1)});
  const std::string svg = report::timeline_svg(many, spec());
  EXPECT_LE(occurrences(svg, "<rect"), 20'100);
  EXPECT_NO_THROW(parsed_xml(svg));
}

// Keeps passes of the wanted ranks of the first job, and hands all on.
TEST(TimelineRecorder, keeps_what_the_picture_shows) {
  report::TimelineRecorder all({0}, nullptr), first({0, 4}, &all);
  EXPECT_EQ(first.record(sim::OpRecord{.rank = 0, .kind = OpKind::forward, .end = 1_ms}), 0);
  EXPECT_EQ(first.record(sim::OpRecord{.rank = 4, .kind = OpKind::backward, .end = 1_ms}), 1);
  EXPECT_EQ(first.record(sim::OpRecord{.rank = 1, .kind = OpKind::forward, .end = 1_ms}), 2);
  EXPECT_EQ(first.record(sim::OpRecord{.rank = 0, .kind = OpKind::kernel, .end = 1_ms}), 3);
  EXPECT_EQ(first.record(sim::OpRecord{.job = 1, .rank = 0, .kind = OpKind::forward, .end = 1_ms}), 4);
  EXPECT_EQ(first.boxes().size(), 2u);
  EXPECT_EQ(all.boxes().size(), 1u);
}

TEST(SvgTime, takes_the_unit_that_reads_well) {
  EXPECT_EQ(report::svg_time(2_s).number(1500_ms), "1.500");
  EXPECT_STREQ(report::svg_time(2_ms).name, "ms");
  EXPECT_STREQ(report::svg_time(2_us).name, "us");
  EXPECT_EQ(report::svg_time(1_s).number(1234_s), "1234");
}

}  // namespace

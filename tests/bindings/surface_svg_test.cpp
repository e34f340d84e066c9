#include "bindings/report/surface_svg.hpp"
#include <gmock/gmock.h>
#include "tests/kernels/sample_profile.hpp"
#include "tests/xml.hpp"

using testing::HasSubstr;
using testing::Not;

// Two precisions of five weights: ten curves; one measured point, 2 * 4096^3 FLOPs in 2 ms: 68.7 TFLOP/s of 100.
TEST(SurfaceSvg, curves_and_measured_points_stand_in_one_picture) {
  const kernels::OperationTimes times(sample_profile());
  const std::string svg = report::surface_svg(times, {{{4096, 4096, 4096}, 2e-3}});
  EXPECT_EQ(parsed_xml(svg).get_child("svg").count("polyline"), 10u);
  EXPECT_THAT(svg, HasSubstr("4096 x 4096 x 4096: measured 2000.0 us, 69 %"));
  EXPECT_THAT(svg, HasSubstr("fp8: part of the peak of 200 TFLOP/s, quantising included"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(SurfaceSvg, a_device_that_was_not_measured_is_marked) {
  kernels::DeviceProfile profile = sample_profile();
  profile.calibrated = false;
  EXPECT_THAT(report::surface_svg(kernels::OperationTimes(profile), {}), HasSubstr("made up for tests, not measured"));
}

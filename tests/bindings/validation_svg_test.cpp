#include "bindings/report/validation_svg.hpp"
#include <gmock/gmock.h>
#include "tests/xml.hpp"

namespace {
using testing::HasSubstr;

TEST(ValidationSvg, draws_a_row_as_a_square_with_its_figures) {
  const std::string svg = report::validation_svg("steps", {{"a", "T1", 1.1, 1}, {"b & c", "T2", 20, 25}});
  EXPECT_EQ(parsed_xml(svg).count("svg"), 1u);
  for (const char* text :
       {">steps<", "2 rows", "a T1: 1.1 s predicted, 1 s measured, +10.0 %", "b &amp; c T2: 20 s predicted, 25 s measured, -20.0 %"})
    EXPECT_THAT(svg, HasSubstr(text));
}

TEST(ValidationSvg, without_rows_is_a_picture_too) { EXPECT_EQ(parsed_xml(report::validation_svg("none", {})).count("svg"), 1u); }
}  // namespace

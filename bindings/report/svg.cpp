#include "bindings/report/svg.hpp"
#include <iterator>
#include <fmt/format.h>

namespace report {

std::string xml_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n') escaped += c;  // others are not XML at all
    }
  }
  return escaped;
}

SvgText::SvgText(double width, double height) {
  out_ = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0:.0f}" height="{1:.0f}" viewBox="0 0 {0:.0f} {1:.0f}" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif">
<style>
.title{{font-size:17px;font-weight:bold;fill:#1d2733}} .facts{{font-size:12.5px;fill:#4a5563}} .label{{font-size:11.5px;fill:#1d2733}}
.tick{{font-size:11px;fill:#4a5563;text-anchor:middle}} .row{{font-size:11.5px;fill:#1d2733;text-anchor:end}}
.light{{font-size:10px;fill:#ffffff;text-anchor:middle}} .dark{{font-size:10px;fill:#1d2733;text-anchor:middle}}
</style>
<rect width="100%" height="100%" fill="#ffffff"/>
)",
      width, height);
}

void SvgText::rect(double x, double y, double width, double height, std::string_view fill, std::string_view tooltip) {
  fmt::format_to(std::back_inserter(out_), R"(<rect x="{:.2f}" y="{:.1f}" width="{:.2f}" height="{:.1f}" fill="{}")", x, y, width, height,
                 fill);
  out_ += tooltip.empty() ? "/>\n" : fmt::format("><title>{}</title></rect>\n", xml_escaped(tooltip));
}

void SvgText::line(double x0, double y0, double x1, double y1, std::string_view colour) {
  fmt::format_to(std::back_inserter(out_), R"(<line x1="{:.2f}" y1="{:.1f}" x2="{:.2f}" y2="{:.1f}" stroke="{}"/>)", x0, y0, x1, y1,
                 colour);
  out_ += '\n';
}

void SvgText::curve(std::span<const std::pair<double, double>> points, std::string_view colour) {
  out_ += "<polyline fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" points=\"";
  for (const auto& [x, y] : points) fmt::format_to(std::back_inserter(out_), "{:.1f},{:.1f} ", x, y);
  fmt::format_to(std::back_inserter(out_), "\" stroke=\"{}\"/>\n", colour);
}

void SvgText::text(double x, double y, std::string_view style, std::string_view words) {
  fmt::format_to(std::back_inserter(out_), R"(<text x="{:.2f}" y="{:.1f}" class="{}">{}</text>)", x, y, style, xml_escaped(words));
  out_ += '\n';
}

std::string SvgText::finished() { return std::move(out_) + "</svg>\n"; }

std::string SvgTime::number(sim::Time time) const {
  const double value = in_unit(time);
  return fmt::format("{:.{}f}", value, value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3);
}

SvgTime svg_time(sim::Time span) {
  if (span.in_seconds() >= 1) return {1, "s"};
  if (span.in_seconds() >= 1e-3) return {1e-3, "ms"};
  return {1e-6, "us"};
}

}  // namespace report

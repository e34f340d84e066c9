#include "bindings/report/diagram.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>

namespace report {
namespace {
constexpr const char *grid = "#e3e7ec", *frame = "#8a94a0";
}

Axis::Axis(double low, double high, double from, double to) : low_(low), high_(high), from_(from), to_(to) {
  if (!(high_ > low_)) high_ = low_ > 0 ? low_ * 1.05 : 1, low_ = low_ * 0.95;
  log_ = low_ > 0 && high_ / low_ >= 10;
}

double Axis::at(double value) const {
  const double part = log_ ? std::log(value / low_) / std::log(high_ / low_) : (value - low_) / (high_ - low_);
  return from_ + std::clamp(part, 0.0, 1.0) * (to_ - from_);
}

std::vector<double> Axis::ticks() const {
  std::vector<double> found;
  if (log_) {
    const bool wide = high_ / low_ >= 2e4;
    for (double decade = std::pow(10, std::floor(std::log10(low_))); decade <= high_ * 1.0001; decade *= 10)
      for (const double digit : wide                  ? std::vector<double>{1}
                                : high_ / low_ >= 300 ? std::vector<double>{1, 3}
                                                      : std::vector<double>{1, 2, 5})
        if (decade * digit >= low_ * 0.9999 && decade * digit <= high_ * 1.0001) found.push_back(decade * digit);
    return found;
  }
  const double rough = (high_ - low_) / 5, power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
  for (double tick = std::ceil(low_ / step - 1e-6) * step + 0.0; tick <= high_ + step * 1e-6; tick += step) found.push_back(tick);
  return found;
}

void Panel::draw(SvgText& out, const std::string& title, const std::string& x_label, const std::function<std::string(double)>& x_text,
                 const std::function<std::string(double)>& y_text) const {
  const double bottom = top + height, right = left + width;
  for (const double tick : x.ticks()) {
    out.line(x.at(tick), top, x.at(tick), bottom, grid);
    out.text(x.at(tick), bottom + 17, "tick", x_text(tick));
  }
  for (const double tick : y.ticks()) {
    out.line(left, y.at(tick), right, y.at(tick), grid);
    out.text(left - 7, y.at(tick) + 4, "row", y_text(tick));
  }
  out.line(left, bottom, right, bottom, frame);
  out.line(left, top, left, bottom, frame);
  out.text(left, top - 12, "label", title);
  out.text(left + width / 2, bottom + 38, "tick", x_label);
}

std::string time_text(double seconds) {
  if (seconds >= 1) return fmt::format("{:.4g} s", seconds);
  if (seconds >= 0.9999e-3) return fmt::format("{:.4g} ms", seconds * 1e3);
  if (seconds >= 0.9999e-6 || seconds == 0) return fmt::format("{:.4g} us", seconds * 1e6);
  return fmt::format("{:.4g} ns", seconds * 1e9);
}
std::string size_text(double bytes) {
  if (bytes >= 0.9999e9) return fmt::format("{:.4g} GB", bytes * 1e-9);
  if (bytes >= 0.9999e6) return fmt::format("{:.4g} MB", bytes * 1e-6);
  return bytes >= 0.9999e3 ? fmt::format("{:.4g} kB", bytes * 1e-3) : fmt::format("{:.4g} B", bytes);
}
}  // namespace report

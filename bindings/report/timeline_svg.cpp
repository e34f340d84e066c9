#include "bindings/report/timeline_svg.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>
#include <fmt/format.h>
#include "bindings/report/svg.hpp"

namespace report {
namespace {

using sim::OpKind;

// Pixels.
constexpr double left = 76, plot_width = 1500, right = 24, top = 84, row_height = 24, thin_height = 6, row_gap = 5, bottom = 48;
constexpr double narrowest = 0.3;
constexpr std::size_t most_boxes = 20'000, most_with_tooltips = 5'000;

struct Look {
  OpKind kind;
  const char* name;
  std::array<int, 3> colour;  // of the first chunk; later ones are lighter
};
// Blue against orange, told apart by colour-blind eyes and in grey.
constexpr std::array looks = {Look{OpKind::forward, "forward", {47, 109, 174}}, Look{OpKind::recompute, "recompute", {240, 196, 138}},
                              Look{OpKind::backward, "backward", {222, 134, 44}}, Look{OpKind::optimizer, "optimizer", {122, 74, 158}},
                              Look{OpKind::dp_collective, "data-parallel collective", {63, 143, 97}}};

const Look* look_of(OpKind kind) {
  const auto found = std::find_if(looks.begin(), looks.end(), [kind](const Look& look) { return look.kind == kind; });
  return found == looks.end() ? nullptr : &*found;
}

struct Rgb {
  std::array<int, 3> value;
  std::string text() const { return fmt::format("#{:02x}{:02x}{:02x}", value[0], value[1], value[2]); }
  bool dark() const { return 0.3 * value[0] + 0.59 * value[1] + 0.11 * value[2] < 140; }
};

Rgb shade(const Look& look, int chunk) {
  const double white = std::min(0.62, 0.2 * std::max(chunk, 0));
  Rgb rgb{};
  for (std::size_t i = 0; i < 3; ++i) rgb.value[i] = static_cast<int>(std::lround(look.colour[i] + white * (255 - look.colour[i])));
  return rgb;
}

// A box on the page. `count` boxes were merged into it; it has their mean colour.
struct Drawn {
  std::size_t row;
  double x0, x1;
  TimelineBox box;
  Rgb colour;
  int count = 1;
  bool thin() const { return box.kind == OpKind::dp_collective; }
  double width() const { return x1 - x0; }
};

Rgb mean(const Drawn& a, const Drawn& b) {
  Rgb rgb{};
  for (std::size_t i = 0; i < 3; ++i)
    rgb.value[i] = static_cast<int>(std::lround((a.colour.value[i] * a.width() + b.colour.value[i] * b.width()) / (a.width() + b.width())));
  return rgb;
}

// Joins neighbours that are all narrower than `limit`, up to about that width. Boxes come by row, lane and time.
std::vector<Drawn> merged(const std::vector<Drawn>& boxes, double limit) {
  std::vector<Drawn> kept;
  for (const Drawn& next : boxes) {
    const bool joins = !kept.empty() && kept.back().row == next.row && kept.back().thin() == next.thin() && kept.back().width() < limit &&
                       next.width() < limit && next.x0 - kept.back().x1 < limit;
    if (!joins) {
      kept.push_back(next);
      continue;
    }
    kept.back().colour = mean(kept.back(), next);
    kept.back().x1 = std::max(kept.back().x1, next.x1);
    kept.back().count += next.count;
  }
  return kept;
}

class Drawing {
 public:
  Drawing(std::span<const TimelineBox> boxes, const TimelineSpec& spec);
  std::string svg();

 private:
  double x_of(sim::Time time) const { return left + plot_width * ((time - spec_.from) / (spec_.to - spec_.from)); }
  double y_of(std::size_t row) const { return top + static_cast<double>(row) * row_pitch(); }
  double row_pitch() const { return row_height + (thin_bars_ ? thin_height + 1 : 0) + row_gap; }
  double plot_bottom() const { return y_of(spec_.ranks.size()); }
  void title(SvgText& out) const;
  void legend(SvgText& out) const;
  void axis(SvgText& out) const;
  void rows(SvgText& out) const;
  void boxes(SvgText& out) const;
  std::string tooltip(const Drawn& drawn) const;

  const TimelineSpec& spec_;
  std::vector<Drawn> drawn_;
  double limit_ = narrowest;
  bool thin_bars_ = false;
  int chunks_ = 1;
  std::size_t digits_ = 1;  // of the longest number: numbers are shown where any would fit
  SvgTime unit_;
};

Drawing::Drawing(std::span<const TimelineBox> all, const TimelineSpec& spec) : spec_(spec), unit_(svg_time(spec.to - spec.from)) {
  std::map<std::uint32_t, std::size_t> row_of;
  for (std::size_t row = 0; row < spec.ranks.size(); ++row) row_of[spec.ranks[row]] = row;
  for (const auto& box : all) {
    const auto row = row_of.find(box.rank);
    if (row == row_of.end() || !look_of(box.kind) || box.start >= spec.to || box.end <= spec.from || box.start == box.end) continue;
    drawn_.push_back(
        {row->second, x_of(std::max(box.start, spec.from)), x_of(std::min(box.end, spec.to)), box, shade(*look_of(box.kind), box.chunk)});
    thin_bars_ |= box.kind == OpKind::dp_collective;
    chunks_ = std::max(chunks_, box.chunk + 1);
    digits_ = std::max(digits_, std::to_string(std::max(box.micro_batch, 0)).size());
  }
  // By row, lane (thin bars apart), time, and content, so that equal runs give equal files.
  std::sort(drawn_.begin(), drawn_.end(), [](const Drawn& a, const Drawn& b) {
    const auto key = [](const Drawn& d) {
      return std::tuple(d.row, d.thin(), d.box.start, d.box.end, d.box.kind, d.box.micro_batch, d.box.chunk);
    };
    return key(a) < key(b);
  });
  auto fewer = merged(drawn_, limit_);
  while (fewer.size() > most_boxes && limit_ < plot_width) fewer = merged(drawn_, limit_ *= 1.5);
  drawn_ = std::move(fewer);
}

void Drawing::title(SvgText& out) const {
  out.text(left, 26, "title", spec_.title);
  std::string facts = fmt::format("one step: {} {}", unit_.number(spec_.to - spec_.from), unit_.name);
  if (spec_.bubble_share > 0) facts += fmt::format("; pipeline bubble {:.1f} % of it, mean over ranks", 100 * spec_.bubble_share);
  if (limit_ > narrowest) facts += "; neighbours too narrow to be told apart are drawn as one, in their mean colour";
  out.text(left, 45, "facts", facts);
}

void Drawing::legend(SvgText& out) const {
  double x = left;
  for (const Look& look : looks) {
    const bool used = std::any_of(drawn_.begin(), drawn_.end(), [&](const Drawn& d) { return d.box.kind == look.kind; });
    if (!used) continue;
    const bool thin = look.kind == OpKind::dp_collective;
    const int shades = look.kind == OpKind::forward || look.kind == OpKind::backward ? std::min(chunks_, 4) : 1;
    for (int chunk = 0; chunk < shades; ++chunk) {
      out.rect(x, thin ? 62 : 58, 12, thin ? thin_height : 12, shade(look, chunk).text());
      x += 13;
    }
    const std::string label = shades > 1 ? fmt::format("{} (lighter: later chunk)", look.name) : look.name;
    out.text(x + 4, 68, "label", label);
    x += 26 + 6.2 * static_cast<double>(label.size());
  }
  out.rect(x, 58, 12, 12, "#eef0f3");
  out.text(x + 17, 68, "label", "idle");
}

// Ticks at 1, 2 or 5 times a power of ten, eight to twenty of them.
void Drawing::axis(SvgText& out) const {
  const double span = unit_.in_unit(spec_.to - spec_.from);
  const double rough = span / 10, power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough / power < 2 ? 1 : rough / power < 5 ? 2 : 5);
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  for (int i = 0; i * step <= span * (1 + 1e-9); ++i) {
    const double x = left + plot_width * i * step / span;
    out.line(x, top - 4, x, plot_bottom(), "#d4d8de");
    out.text(x, plot_bottom() + 15, "tick", fmt::format("{:.{}f}", i * step, decimals));
  }
  out.text(left + plot_width / 2, plot_bottom() + 34, "tick", fmt::format("time since the start of the step [{}]", unit_.name));
}

void Drawing::rows(SvgText& out) const {
  for (std::size_t row = 0; row < spec_.ranks.size(); ++row) {
    out.rect(left, y_of(row), plot_width, row_height, "#eef0f3");
    out.text(left - 8, y_of(row) + row_height / 2 + 4, "row",
             spec_.ranks.size() > 1 ? fmt::format("stage {}", row) : fmt::format("rank {}", spec_.ranks[row]));
  }
}

void Drawing::boxes(SvgText& out) const {
  for (const Drawn& drawn : drawn_) {
    const double inset = drawn.width() > 3 ? 0.35 : 0;  // a thread of background between neighbours
    const double y = drawn.thin() ? y_of(drawn.row) + row_height + 1 : y_of(drawn.row);
    out.rect(drawn.x0 + inset, y, std::max(drawn.width() - 2 * inset, narrowest), drawn.thin() ? thin_height : row_height,
             drawn.colour.text(), drawn_.size() <= most_with_tooltips ? tooltip(drawn) : "");
    if (!drawn.thin() && drawn.count == 1 && drawn.box.micro_batch >= 0 && drawn.width() > 3 + 5.7 * static_cast<double>(digits_))
      out.text((drawn.x0 + drawn.x1) / 2, y + row_height / 2 + 4, drawn.colour.dark() ? "light" : "dark",
               std::to_string(drawn.box.micro_batch));
  }
}

std::string Drawing::tooltip(const Drawn& drawn) const {
  if (drawn.count > 1) return fmt::format("{} boxes in one", drawn.count);
  const TimelineBox& box = drawn.box;
  std::string words = look_of(box.kind)->name;
  if (box.micro_batch >= 0) words += fmt::format(", micro-batch {}", box.micro_batch);
  if (box.chunk >= 0 && chunks_ > 1) words += fmt::format(", chunk {}", box.chunk);
  return words + fmt::format(": {} {}", unit_.number(box.end - box.start), unit_.name);
}

std::string Drawing::svg() {
  SvgText out(left + plot_width + right, plot_bottom() + bottom);
  title(out);
  legend(out);
  rows(out);
  axis(out);
  boxes(out);
  return out.finished();
}

}  // namespace

TimelineRecorder::TimelineRecorder(std::vector<std::uint32_t> ranks, sim::TraceSink* next) : ranks_(std::move(ranks)), next_(next) {}

std::int64_t TimelineRecorder::record(const sim::OpRecord& op) {
  if (op.job == 0 && look_of(op.kind) && std::find(ranks_.begin(), ranks_.end(), op.rank) != ranks_.end())
    boxes_.push_back({op.rank, op.kind, op.micro_batch, op.chunk, op.start, op.end});
  return next_ ? next_->record(op) : rows_++;
}
void TimelineRecorder::record(const sim::FlowRecord& flow) {
  if (next_) next_->record(flow);
}
void TimelineRecorder::record(const sim::MemoryRecord& sample) {
  if (next_) next_->record(sample);
}

std::string timeline_svg(std::span<const TimelineBox> boxes, const TimelineSpec& spec) { return Drawing(boxes, spec).svg(); }

}  // namespace report

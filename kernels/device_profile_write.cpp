#include <fmt/format.h>
#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <span>
#include "kernels/collectives/collective_profile_json.hpp"
#include "kernels/device_profile_format.hpp"

namespace kernels {
namespace {

std::string number_text(double value) {
  return value == std::floor(value) && std::abs(value) < 1e15 ? fmt::format("{:.0f}", value) : fmt::format("{}", value);
}
std::string quoted(std::string_view text) { return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

// Members of an object on lines of their own, indented.
class Writer {
 public:
  explicit Writer(int depth) : indent_(static_cast<std::size_t>(depth) * 2 + 2, ' ') {}
  Writer& raw(std::string_view key, std::string_view value) {
    text_ += fmt::format("{}{}{}: {}", text_.empty() ? "" : ",\n", indent_, quoted(key), value);
    return *this;
  }
  Writer& text(std::string_view key, std::string_view value) { return raw(key, quoted(value)); }
  Writer& number(std::string_view key, double value) { return raw(key, number_text(value)); }
  Writer& lines(std::string_view key, const std::vector<std::string>& entries) {
    if (entries.empty()) return raw(key, "[]");
    return raw(key, fmt::format("[\n{}  {}\n{}]", indent_, fmt::join(entries, ",\n  " + indent_), indent_));
  }
  std::string str() const { return fmt::format("{{\n{}\n{}}}", text_, indent_.substr(2)); }
  std::string one_line() const {  // for entries of a list: no member spans lines
    std::string flat;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] != '\n') {
        flat += text_[i];
        continue;
      }
      flat += ' ';
      i += indent_.size();
    }
    return fmt::format("{{{}}}", flat.substr(indent_.size()));
  }

 private:
  std::string indent_, text_;
};

std::string row(std::initializer_list<double> numbers) {
  std::string text;
  for (const double n : numbers) text += (text.empty() ? "[" : ", ") + number_text(n);
  return text + "]";
}

template <class Numbers>
std::string row_of(const Numbers& numbers) {
  std::string text;
  for (const auto n : numbers) text += (text.empty() ? "[" : ", ") + number_text(double(n));
  return text.empty() ? "[]" : text + "]";
}

std::string gemm_json(const GemmTable& gemm) {
  std::vector<std::string> used, rows;
  for (const auto p : gemm.used_for) used.push_back(quoted(name_of(p)));
  for (std::size_t first = 0; first < gemm.correction.size(); first += gemm.k.size())
    rows.push_back(row_of(std::span(gemm.correction).subspan(first, gemm.k.size())));
  Writer peaks(4), tiles(3), quantise(3);
  for (std::size_t i = 0; i < gemm.tiles.tile_peak.size(); ++i) peaks.number(tile_names[i], gemm.tiles.tile_peak[i]);
  tiles.number("floor_seconds", gemm.tiles.floor_seconds).number("prologue_k", gemm.tiles.prologue_k);
  tiles.number("memory_efficiency", gemm.tiles.memory_efficiency).number("wave_rounding", gemm.tiles.wave_rounding);
  tiles.raw("tile_peak", peaks.str());
  quantise.number("floor_seconds", gemm.quantise.floor_seconds).number("bytes_per_element", gemm.quantise.bytes_per_element);
  return Writer(2)
      .text("precision", name_of(gemm.precision))
      .raw("used_for", fmt::format("[{}]", fmt::join(used, ", ")))
      .raw("tiles", tiles.str())
      .raw("quantise", quantise.str())
      .raw("m", row_of(gemm.m))
      .raw("n", row_of(gemm.n))
      .raw("k", row_of(gemm.k))
      .lines("correction", rows)
      .str();
}

std::string attention_json(const AttentionProfile& a) {
  Writer model(2);
  model.number("floor_seconds", a.model.floor_seconds).number("peak_fraction", a.model.peak_fraction);
  model.number("memory_efficiency", a.model.memory_efficiency).number("diagonal_tokens", a.model.diagonal_tokens);
  std::vector<std::string> points;
  for (const auto& p : a.points)
    points.push_back(row({double(p.batch), double(p.seq_len), double(p.heads), double(p.kv_heads), double(p.head_dim), p.utilisation}));
  return Writer(1)
      .raw("model", model.str())
      .number("backward_flops", a.backward_flops)
      .number("backward_rate", a.backward_rate)
      .text("source", a.source)
      .lines("points", points)
      .str();
}

std::string scale_up_json(const ScaleUpProfile& s) {
  Writer writer(1);
  if (!s.library.empty()) writer.text("library", s.library);
  return writer.number("bandwidth_Bps", s.bandwidth_Bps)
      .number("efficiency", s.efficiency)
      .number("base_seconds", s.base_seconds)
      .number("step_seconds", s.step_seconds)
      .text("nccl", s.nccl)
      .text("generation", s.generation)
      .lines("models", lines_of(s.models))
      .lines("versions", lines_of(s.versions))
      .lines("tables", lines_of(s.tables))
      .str();
}

std::string network_json(const NetworkProfile& n) {
  std::vector<std::string> sets;
  for (const auto& s : n.sets)
    sets.push_back(Writer(2)
                       .text("source", s.source)
                       .text("network", s.network)
                       .text("traffic", s.traffic)
                       .number("ranks", s.ranks)
                       .number("hosts", s.hosts)
                       .number("host_Bps", s.host_Bps)
                       .number("efficiency", s.efficiency)
                       .number("latency_seconds", s.latency_seconds)
                       .number("median_abs_error", s.median_abs_error)
                       .one_line());
  return Writer(1)
      .number("base_seconds", n.base_seconds)
      .number("inter_step_seconds", n.inter_step_seconds)
      .number("intra_step_seconds", n.intra_step_seconds)
      .number("nic_efficiency", n.nic_efficiency)
      .text("source", n.source)
      .lines("sets", sets)
      .lines("transports", lines_of(n.transports))
      .str();
}

}  // namespace

std::string to_json(const DeviceProfile& p) {
  std::vector<std::string> provenance, residuals, gemm;
  for (const auto& table : p.gemm) gemm.push_back(gemm_json(table));
  for (const auto& e : p.provenance)
    provenance.push_back(
        Writer(1).text("what", e.what).text("source", e.source).text("how", e.how).number("rows", double(e.rows)).one_line());
  for (const auto& r : p.residuals)
    residuals.push_back(Writer(1)
                            .text("what", r.what)
                            .number("n", double(r.n))
                            .number("held_out", double(r.held_out))
                            .number("median_abs_error", r.median_abs_error)
                            .number("p90_abs_error", r.p90_abs_error)
                            .number("bias", r.bias)
                            .number("sigma", r.sigma)
                            .number("mean_abs_error", r.mean_abs_error)
                            .number("p95_abs_error", r.p95_abs_error)
                            .number("low", r.low)
                            .number("high", r.high)
                            .one_line());
  Writer peaks(1), memory(1), batched(1);
  for (const auto precision : all_precisions)
    if (p.peak(precision) > 0) peaks.number(name_of(precision), p.peak(precision));
  memory.number("capacity_bytes", p.memory.capacity_bytes)
      .number("bandwidth_Bps", p.memory.bandwidth_Bps)
      .number("efficiency", p.memory.efficiency);
  if (!p.memory.points.empty()) memory.raw("bytes_microseconds", line_of(p.memory.points));
  batched.number("peak_fraction", p.batched_gemm.peak_fraction).text("source", p.batched_gemm.source);
  return Writer(0)
             .text("schema", fmt::format("{}{}", device_schema_name, device_schema_version))
             .text("name", p.name)
             .text("description", p.description)
             .text("vendor", p.vendor)
             .raw("calibrated", p.calibrated ? "true" : "false")
             .lines("residuals", residuals)
             .lines("provenance", provenance)
             .number("multiprocessors", p.multiprocessors)
             .raw("peak_flops", peaks.str())
             .raw("memory", memory.str())
             .raw("batched_gemm", batched.str())
             .raw("network", network_json(p.network))
             .raw("scale_up", scale_up_json(p.scale_up))
             .raw("attention", attention_json(p.attention))
             .lines("gemm", gemm)
             .str() +
         "\n";
}

}  // namespace kernels

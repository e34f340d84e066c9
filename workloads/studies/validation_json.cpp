#include <nlohmann/json.hpp>
#include "workloads/studies/validate.hpp"

namespace workloads {
namespace {
using Json = nlohmann::ordered_json;

Json json_of(const ErrorStatistics& s) {
  return {{"n", s.n},
          {"median_abs_error", s.median_abs_error},
          {"mean_abs_error", s.mean_abs_error},
          {"mean_error", s.mean_error},
          {"p90_abs_error", s.p90_abs_error},
          {"max_abs_error", s.max_abs_error},
          {"geometric_error", s.geometric_error},
          {"inside_interval", s.inside_interval}};
}
}  // namespace

std::string validation_json(const Validation& validation) {
  Json json;
  json["rows"] = Json::array();
  for (const ValidationRow& r : validation.rows)
    json["rows"].push_back({{"set", r.set},
                            {"id", r.id},
                            {"grade", r.grade},
                            {"gpu_type", r.gpu_type},
                            {"hosts", r.hosts},
                            {"precision", r.precision},
                            {"family", r.family},
                            {"source", r.source},
                            {"quantity", r.quantity},
                            {"predicted", r.predicted},
                            {"measured", r.measured},
                            {"error", r.error()},
                            {"interval", {r.low, r.high}},
                            {"inside_interval", r.inside()}});
  json["by_set"] = Json::object();
  for (const auto& [set, statistics] : validation.by_set()) json["by_set"][set] = json_of(statistics);
  for (const auto& [gpu, statistics] : validation.by_gpu()) json["by_gpu"][gpu] = json_of(statistics);
  for (const auto& [size, statistics] : validation.by_model_size()) json["by_model_size"][size] = json_of(statistics);
  if (!validation.held_out.empty()) json["held_out"] = Json::array();
  for (const HeldOutSet& s : validation.held_out)
    json["held_out"].push_back({{"device", s.device},
                                {"operation", s.operation},
                                {"size", s.size},
                                {"unseen", s.unseen},
                                {"n", s.n},
                                {"geometric_error", s.geometric_error},
                                {"bias", s.bias},
                                {"spread", s.spread}});
  json["over_sets"] = validation.rows.empty() ? Json(nullptr) : json_of(validation.over_sets());
  json["skipped"] = Json::array();
  for (const SkippedRow& s : validation.skipped) json["skipped"].push_back({{"id", s.id}, {"reason", s.reason}});
  return json.dump(2);
}

}  // namespace workloads

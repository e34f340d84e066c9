#include <fmt/format.h>
#include "workloads/studies/validate.hpp"

namespace workloads {

std::string validation_table(const Validation& validation) {
  std::string text = "by,name,rows,median_abs_error,mean_abs_error,mean_error,p90_abs_error,max_abs_error,inside_interval\n";
  const auto line = [&](std::string_view by, std::string_view name, const ErrorStatistics& s) {
    text += fmt::format("{},\"{}\",{},{:.4f},{:.4f},{:.4f},{:.4f},{:.4f},{:.4f}\n", by, name, s.n, s.median_abs_error, s.mean_abs_error,
                        s.mean_error, s.p90_abs_error, s.max_abs_error, s.inside_interval);
  };
  for (const auto& [name, statistics] : validation.by_set()) line("set", name, statistics);
  for (const auto& [name, statistics] : validation.by_gpu()) line("gpu", name, statistics);
  for (const auto& [name, statistics] : validation.by_model_size()) line("model size", name, statistics);
  line("all", "mean over sets", validation.over_sets());
  return text;
}

}  // namespace workloads

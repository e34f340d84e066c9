#include "kernels/calibrate/fit/bare_loops.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include "kernels/fit/numerics.hpp"

namespace kernels::calibrate {
namespace {

using P = SoftwareProfile;
using enum MemoryKernel;
constexpr BareLoop loops[] = {{"layer_norm", &P::layer_norm_forward, "layer_norm_forward", layer_norm},
                              {"layer_norm_backward", &P::layer_norm_backward, "layer_norm_backward", layer_norm},
                              {"final_norm", &P::layer_norm_forward, "layer_norm_forward", layer_norm},
                              {"final_norm_backward", &P::layer_norm_backward, "layer_norm_backward", layer_norm},
                              {"residual", &P::residual_forward, "residual_forward", sum},
                              {"residual_backward", &P::residual_backward, "residual_backward", sum},
                              {"activation", &P::activation_forward, "activation_forward", scale},
                              {"activation_backward", &P::activation_backward, "activation_backward", sum},
                              {"rotary", &P::rotary_forward, "rotary_forward", sum},
                              {"rotary_backward", &P::rotary_backward, "rotary_backward", sum},
                              {"softmax_dropout", &P::score_forward, "score_forward", softmax},
                              {"softmax_dropout_backward", &P::score_backward, "score_backward", sum},
                              {"embedding", &P::embedding_forward, "embedding_forward", copy},
                              {"cross_entropy", &P::cross_entropy_forward, "cross_entropy_forward", softmax},
                              {"cross_entropy_backward", &P::cross_entropy_backward, "cross_entropy_backward", scale},
                              {"gradient_accumulation", &P::gradient_accumulation_bytes, "gradient_accumulation_bytes", sum},
                              {"cast", &P::fp8_cast, "fp8_cast", scale},
                              {"optimizer", &P::optimizer_step_bytes, "optimizer_step_bytes", adam}};

std::string entry(std::string_view key, double value, const std::string& source) {
  return fmt::format(",\n  \"{}\": {{\"value\": {}, \"source\": {}}}", key, fit::rounded(value), nlohmann::json(source).dump());
}

}  // namespace

std::span<const BareLoop> bare_loops() { return loops; }

MemoryKernel loop_of(std::string_view op) {
  const auto found = std::find_if(std::begin(loops), std::end(loops), [&](const BareLoop& loop) { return loop.op == op; });
  return found == std::end(loops) ? copy : found->kernel;
}

std::string software_json(const BareCosts& costs, const std::string& name, const std::string& source) {
  const SoftwareProfile bare = load_software_profile("bare");
  std::string text =
      fmt::format("{{\n  \"schema\": \"weftsim-software/1\",\n  \"name\": {},\n  \"based_on\": \"bare\",\n  \"description\": {}",
                  nlohmann::json(name).dump(), nlohmann::json("Bare loops on " + source).dump());
  std::vector<std::string_view> written;
  for (const BareLoop& loop : loops) {
    const double factor = costs.factor[static_cast<std::size_t>(loop.kernel)];
    if (factor == 1 || std::find(written.begin(), written.end(), loop.key) != written.end()) continue;
    written.push_back(loop.key);
    text += entry(loop.key, bare.*loop.bytes * factor,
                  fmt::format("{:g} bytes by {}, {:.4g} times as long as a copy of them: {}", bare.*loop.bytes, name_of(loop.kernel),
                              factor, source));
  }
  const auto add = [&](std::string_view key, const std::optional<double>& value) {
    if (value) text += entry(key, *value, "measured: " + source);
  };
  add("host_op_s", costs.host_op_s);
  add("host_collective_s", costs.host_op_s);
  add("overlap_slowdown", costs.overlap_slowdown);
  add("overlap_collective_slowdown", costs.overlap_collective_slowdown);
  return text + "\n}\n";
}

double factor_in(const SoftwareProfile& software, MemoryKernel kernel) {
  static const SoftwareProfile bare = load_software_profile("bare");
  for (const BareLoop& loop : loops)
    if (loop.kernel == kernel) return software.*loop.bytes / (bare.*loop.bytes);
  return 1;
}

}  // namespace kernels::calibrate

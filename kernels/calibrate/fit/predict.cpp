#include "kernels/calibrate/fit/predict.hpp"
#include <fmt/format.h>

namespace kernels::calibrate {
namespace {

template <class... Each>
struct Overloaded : Each... {
  using Each::operator()...;
};

OperationTime message_time(const Message& message, const DeviceProfile& profile) {
  const ScaleUpProfile& scale_up = profile.scale_up;
  OperationTime time{profile.network.intra_step_seconds + message.bytes / (scale_up.bandwidth_Bps * scale_up.efficiency)};
  if (const Residual* r = profile.residual("message")) time.low = r->low, time.high = r->high;
  return time;
}

}  // namespace

LoopFactors factors_in(const SoftwareProfile& software) {
  LoopFactors factors;
  for (std::size_t k = 0; k < factors.size(); ++k) factors[k] = factor_in(software, static_cast<MemoryKernel>(k));
  return factors;
}

std::optional<OperationTime> predict(const Operation& operation, const OperationTimes& times, const LoopFactors& factors) {
  using Answer = std::optional<OperationTime>;
  return std::visit(Overloaded{[&](const Product& product) -> Answer { return times.gemm(product.shape); },
                               [&](const Attention& a) -> Answer {
                                 if (!a.fused) return std::nullopt;  // its products and its softmax are asked for
                                 return times.flash_attention(a.shape, a.direction);
                               },
                               [&](const MemoryPass& pass) -> Answer {
                                 OperationTime time = times.memory_bound(pass.bytes);
                                 time.seconds *= factors[static_cast<std::size_t>(pass.kernel)];
                                 return time;
                               },
                               [&](const Collective& c) -> Answer {
                                 return times.scale_up_collective(c.op, static_cast<int>(c.members.size()), c.bytes);
                               },
                               [&](const Message& message) -> Answer { return message_time(message, times.profile()); },
                               [](const Launch&) -> Answer { return std::nullopt; }, [](const Copy&) -> Answer { return std::nullopt; }},
                    operation);
}

std::string residual_class(const Operation& operation, const DeviceProfile& profile) {
  return std::visit(Overloaded{[&](const Product& p) {
                                 return p.shape.batch > 1 ? std::string("gemm_batched")
                                                          : gemm_residual(p.shape, profile.gemm_table(p.shape.precision).precision);
                               },
                               [](const Attention& a) { return std::string(attention_residual(a.shape.seq_len)); },
                               [](const Collective& c) { return std::string(collective_residual(c.op, c.bytes)); },
                               [](const MemoryPass&) { return std::string("memory_bound_common"); },
                               [](const Message&) { return std::string("message"); }, [](const auto&) { return std::string(); }},
                    operation);
}

std::string kind_of(const Operation& operation) {
  return std::visit(
      Overloaded{[](const Product& p) {
                   return fmt::format("{} {}", p.shape.batch > 1 ? "batched product" : "product", name_of(p.shape.precision));
                 },
                 [](const Attention& a) { return fmt::format("attention {}", name_of(a.direction)); },
                 [](const MemoryPass& pass) { return fmt::format("{} in memory", name_of(pass.kernel)); },
                 [](const Launch&) { return std::string("launch"); }, [](const Copy& c) { return fmt::format("copy {}", name_of(c.way)); },
                 [](const Collective& c) { return std::string(name_of(c.op)); }, [](const Message&) { return std::string("message"); }},
      operation);
}

}  // namespace kernels::calibrate

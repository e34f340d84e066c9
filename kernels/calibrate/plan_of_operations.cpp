#include "kernels/calibrate/plan_of_operations.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include "kernels/fit/numerics.hpp"

namespace kernels::calibrate {
namespace {

// Sizes that a training step has on such a machine.
struct Sizes {
  std::vector<Precision> precisions;  // the most important first
  std::vector<std::int64_t> tokens, widths;
  double most_flops = 0;
  double least_pass = 0, most_pass = 0;  // bytes
  double most_collective = 0;            // bytes
  std::vector<std::int64_t> sequences;
  std::int64_t head_dim = 0;
  double seconds_each = 0;  // that an operation needs until its median is known
};

Sizes sizes_of(const Machine& machine) {
  using enum Precision;
  if (machine.platform == "cpu")
    return {.precisions = {fp32},
            .tokens = {64, 128, 256, 384, 512, 768, 1024, 1536, 2048},
            .widths = {64, 128, 256, 384, 512, 768, 1024, 1536, 2048, 3072},
            .most_flops = 3e9,
            .least_pass = 0x1p14,
            .most_pass = 0x1p27,
            .most_collective = 0x1p26,
            .sequences = {64, 128, 256, 512},
            .head_dim = 64,
            .seconds_each = 0.25};
  return {.precisions = {bf16, fp8, fp16, tf32, fp32},
          .tokens = {128, 256, 512, 1000, 1024, 2048, 3000, 4096, 6144, 8192, 12288, 16384, 32768},
          .widths = {512, 768, 1024, 1536, 2048, 2560, 3072, 4096, 5120, 6144, 8192, 10240, 12288, 14336, 16384, 28672, 53248},
          .most_flops = 2e13,
          .least_pass = 0x1p16,
          .most_pass = 0x1p32,
          .most_collective = 0x1p32,
          .sequences = {512, 1024, 2048, 4096, 8192, 16384},
          .head_dim = 128,
          .seconds_each = 0.25};
}

using Operations = std::vector<Operation>;

// Each once, in an order that jumps between sizes, so that any beginning of it covers them all; the same everywhere.
Operations shuffled(Operations operations) {
  const auto key = [](const Operation& operation) {
    const std::string json = to_json(operation);
    std::uint64_t place = 0;
    for (int digit = 0; digit < 16; ++digit)
      place = place * fit::folds + static_cast<std::uint64_t>(fit::fold_of(fmt::format("{} {}", digit, json)));
    return std::pair(place, json);
  };
  std::vector<std::pair<std::pair<std::uint64_t, std::string>, Operation>> keyed;
  for (Operation& operation : operations) keyed.emplace_back(key(operation), operation);
  std::sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  keyed.erase(std::unique(keyed.begin(), keyed.end(), same), keyed.end());
  operations.clear();
  for (auto& entry : keyed) operations.push_back(std::move(entry.second));
  return operations;
}

// The smallest and the largest first: what lies between them is interpolated.
Operations ends_first(Operations operations, const std::function<double(const Operation&)>& size) {
  if (operations.size() < 2) return operations;
  const auto smaller = [&](const auto& a, const auto& b) { return size(a) < size(b); };
  std::iter_swap(operations.begin(), std::min_element(operations.begin(), operations.end(), smaller));
  std::iter_swap(operations.begin() + 1, std::max_element(operations.begin() + 1, operations.end(), smaller));
  return operations;
}

Operations products(const Sizes& sizes, Precision precision) {
  Operations all;
  for (const auto m : sizes.tokens)
    for (const auto n : sizes.widths)
      for (const auto k : sizes.widths) {
        const Gemm shape{m, n, k, 1, precision};
        if (shape.flops() > sizes.most_flops) continue;
        all.push_back(Product{shape});
        all.push_back(Product{{k, n, m, 1, precision}});  // of the weight's gradient
      }
  return all;
}

Operations batched_products(const Sizes& sizes) {
  Operations all;
  for (const auto s : sizes.sequences)
    for (const std::int64_t batch : {4, 8, 16, 32})
      for (const bool scores : {true, false}) {
        const Gemm shape{s, scores ? s : sizes.head_dim, scores ? sizes.head_dim : s, batch, sizes.precisions.front()};
        if (shape.flops() <= sizes.most_flops) all.push_back(Product{shape});
      }
  return all;
}

Operations passes(const Sizes& sizes, MemoryKernel kernel) {
  Operations all;
  for (double bytes = sizes.least_pass; bytes <= sizes.most_pass; bytes *= 2) all.push_back(MemoryPass{kernel, bytes});
  return all;
}

Operations attentions(const Sizes& sizes) {
  Operations all;
  for (const auto s : sizes.sequences)
    for (const std::int64_t batch : {1, 2, 4})
      for (const std::int64_t heads : {8, 16, 32, 64})
        for (const std::int64_t kv_heads : {heads, std::int64_t{8}})
          for (const Direction direction : {Direction::forward, Direction::backward})
            all.push_back(Attention{{batch, s, heads, kv_heads, sizes.head_dim, true}, direction, true, Precision::bf16});
  return all;
}

std::vector<int> first_ranks(int count) {
  std::vector<int> ranks(static_cast<std::size_t>(count));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

Operations collectives(const Sizes& sizes, int ranks) {
  using enum CollectiveOp;
  Operations all;
  for (const CollectiveOp op : {all_reduce, all_gather, reduce_scatter, broadcast, all_to_all})
    for (double bytes = 8; bytes <= sizes.most_collective; bytes *= 2) {
      // Whole elements for each rank, 16 bytes where they are many: as nccl-tests rounds.
      const double part = 4.0 * ranks;
      if (bytes < part) continue;
      all.push_back(Collective{op, first_ranks(ranks), op == all_reduce || op == broadcast ? bytes : std::floor(bytes / part) * part});
    }
  return all;
}

Operations messages(const Sizes& sizes) {
  Operations all;
  for (double bytes = 1024; bytes <= sizes.most_collective; bytes *= 2) all.push_back(Message{0, 1, bytes});
  return all;
}

std::vector<Planned> beside(const Sizes& sizes, int ranks) {
  std::vector<Planned> all;
  const double bytes = std::min(sizes.most_collective, 0x1p28) / 4;
  const std::int64_t side = sizes.precisions.front() == Precision::fp32 ? 512 : 8192;
  for (const CollectiveOp op : {CollectiveOp::all_reduce, CollectiveOp::all_gather})
    for (const double part : {1.0, 4.0})
      all.emplace_back(Beside{{{side, side, side, 1, sizes.precisions.front()}}, {op, first_ranks(ranks), bytes / part}});
  return all;
}

// Kinds with their part of a plan; each gives its next operation when it lags behind its part the most.
class Mixer {
 public:
  explicit Mixer(bool held_out) : held_out_(held_out) {}
  void add(double part, const Operations& operations) {
    Kind kind{.part = part};
    for (const Operation& operation : operations)
      if (is_held_out(operation) == held_out_) kind.left.push_back(operation);
    if (!kind.left.empty()) kinds_.push_back(std::move(kind));
  }
  std::vector<Planned> take(std::size_t count) {
    std::vector<Planned> plan;
    while (plan.size() < count) {
      Kind* next = nullptr;
      for (Kind& kind : kinds_)
        if (kind.taken < kind.left.size() && (!next || double(kind.taken) / kind.part < double(next->taken) / next->part)) next = &kind;
      if (!next) break;
      plan.emplace_back(next->left[next->taken++]);
    }
    return plan;
  }

 private:
  struct Kind {
    double part = 0;
    Operations left{};
    std::size_t taken = 0;
  };
  bool held_out_;
  std::vector<Kind> kinds_;
};

double bytes_of(const Operation& operation) {
  if (const auto* pass = std::get_if<MemoryPass>(&operation)) return pass->bytes;
  if (const auto* collective = std::get_if<Collective>(&operation)) return collective->bytes;
  if (const auto* message = std::get_if<Message>(&operation)) return message->bytes;
  return std::get<Product>(operation).shape.flops();
}

std::size_t count_in(double budget_seconds, const Sizes& sizes) {
  return static_cast<std::size_t>(std::clamp(budget_seconds / sizes.seconds_each, 30.0, 1e5));
}

void add_collectives(Mixer& mixer, double part, const Sizes& sizes, int ranks) {
  for (int n = 2; n <= ranks; ++n) mixer.add(part / (ranks - 1), ends_first(shuffled(collectives(sizes, n)), bytes_of));
}

}  // namespace

bool is_held_out(const Operation& operation) { return fit::fold_of(to_json(operation)) == 0; }

std::vector<Planned> plan_of_calibration(const Machine& machine, double budget_seconds) {
  const Sizes sizes = sizes_of(machine);
  const bool cuda = machine.platform == "cuda";
  Mixer mixer(false);
  double part = cuda ? 0.25 : 0.5;
  for (const Precision precision : sizes.precisions) {
    mixer.add(part, ends_first(shuffled(products(sizes, precision)), bytes_of));
    part = 0.08;
  }
  mixer.add(0.05, shuffled(batched_products(sizes)));
  mixer.add(0.06, ends_first(shuffled(passes(sizes, MemoryKernel::copy)), bytes_of));
  for (const MemoryKernel kernel :
       {MemoryKernel::scale, MemoryKernel::sum, MemoryKernel::layer_norm, MemoryKernel::softmax, MemoryKernel::adam})
    mixer.add(0.02, shuffled(passes(sizes, kernel)));
  if (cuda) {
    mixer.add(0.1, shuffled(attentions(sizes)));
    for (const CopyWay way : {CopyWay::host_to_device, CopyWay::device_to_host, CopyWay::peer})
      if (way != CopyWay::peer || machine.ranks > 1) mixer.add(0.002, {Copy{way, 0x1p28}, Copy{way, 0x1p16}});
    mixer.add(0.01, {Launch{false}, Launch{true}});
  }
  std::vector<Planned> pairs;
  if (machine.ranks > 1) {
    add_collectives(mixer, 0.25, sizes, machine.ranks);
    mixer.add(0.06, ends_first(shuffled(messages(sizes)), bytes_of));
    pairs = beside(sizes, machine.ranks);
  }
  std::vector<Planned> plan = mixer.take(count_in(budget_seconds, sizes) - pairs.size());
  plan.insert(plan.begin() + static_cast<std::ptrdiff_t>(plan.size() / 2), pairs.begin(), pairs.end());
  return plan;
}

std::vector<Planned> plan_of_selfcheck(const Machine& machine, double budget_seconds) {
  const Sizes sizes = sizes_of(machine);
  Mixer mixer(true);
  double part = machine.platform == "cuda" ? 0.4 : 0.6;
  for (const Precision precision : sizes.precisions) {
    mixer.add(part, shuffled(products(sizes, precision)));
    part = 0.1;
  }
  if (machine.ranks > 1) add_collectives(mixer, 0.4, sizes, machine.ranks);
  return mixer.take(count_in(budget_seconds, sizes));
}

}  // namespace kernels::calibrate

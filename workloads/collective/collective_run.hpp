#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include "kernels/collectives/custom_collective.hpp"
#include "kernels/collectives/nccl_tuning.hpp"  // NcclSettings
#include "workloads/scenario.hpp"

// What `weftsim collective` does: one collective of the first GPUs of a cluster, at many sizes.
namespace workloads::collective {

struct ElementType {
  std::string_view name, nccl_name;  // as users and as nccl-tests write it
  int bytes = 0;
};
std::span<const ElementType> element_types();  // the first is the default
ElementType element_type_named(std::string_view name);
// A size as nccl-tests reads it: bytes, or with K, M, G (or T) of 1024. Throws sim::InputError that begins with `where`.
std::int64_t nccl_size(std::string_view text, std::string_view where);

// What each rank sends to each other, relative to the others: [source * ranks + destination].
struct PairWeights {
  std::string file;
  int ranks = 0;
  std::vector<double> of_pair;
};
// A CSV with the columns source, destination and weight; pairs that are left out send nothing. Throws sim::InputError.
PairWeights read_pair_weights(const std::string& path);

struct CollectiveSpec {
  kernels::CollectiveOp op = kernels::CollectiveOp::all_reduce;
  std::int64_t min_bytes = 8, max_bytes = std::int64_t{1} << 33;
  int factor = 2;  // from size to size
  int ranks = 0;   // 0: all GPUs
  int stride = 1;  // GPUs from rank to rank: 8 takes one of each host of eight
  int root = 0;    // broadcast, reduce, gather, scatter
  ElementType type = element_types().front();
  kernels::NcclSettings nccl;  // algorithm and protocol: forced, over what the scenario forces
  // Not as a training step would, but step by step on the fabric: a built-in algorithm, or an own one.
  std::string steps;
  std::optional<kernels::collectives::CustomCollective> custom;
  std::optional<PairWeights> weights;  // all_to_all with unequal parts, step by step
  int channels = 0;  // that share the elements; 0: NCCL's choice; step by step one for each GPU of a host, or one inside a domain
  int threads = 1;
};

struct CollectiveRow {
  std::int64_t bytes = 0, count = 0;  // as nccl-tests prints them
  double time_s = 0, algbw_GBps = 0, busbw_GBps = 0;
  std::string algorithm, protocol;  // empty: not known
  int channels = 0;                 // 0: not known
};

struct CollectiveTable {
  std::string scenario;
  kernels::CollectiveOp op = kernels::CollectiveOp::all_reduce;
  ElementType type;
  int ranks = 0, hosts = 0, root = -1;  // -1: the operation has none
  int factor = 2;
  std::vector<CollectiveRow> rows;
};

// Inside a scale-up domain a closed form, across hosts flows over the fabric, as in a training step; what is no ring or tree
// (all_to_all, send_receive, gather, scatter across hosts) is carried out step by step.
// Throws sim::InputError when the spec does not fit the cluster.
CollectiveTable run_collective(const Scenario& scenario, const CollectiveSpec& spec);

}  // namespace workloads::collective

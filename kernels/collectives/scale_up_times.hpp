#pragma once
#include <map>
#include <set>
#include <tuple>
#include "kernels/collectives/collective_profile.hpp"
#include "kernels/collectives/nccl_tuning.hpp"
#include "kernels/local_linear.hpp"

namespace kernels {

// Times of collectives among devices of one scale-up domain. NCCL's tuning model says which algorithm and protocol runs;
// a closed form, fitted for each, says how long it takes for any number of ranks; where there are measurements, their ratio to
// the form corrects it, interpolated over the bytes of a chunk and the ranks. Chunk: bytes / ranks, what one step of a ring carries.
class ScaleUpTimes {
 public:
  explicit ScaleUpTimes(const ScaleUpProfile& profile, NcclSettings settings = {});

  // One rank, or no bytes: zero. `inside`: between measurements of this operation.
  struct Answer {
    double seconds = 0;
    bool inside = true;
  };
  Answer time(CollectiveOp op, int ranks, double bytes) const;
  NcclChoice choice(CollectiveOp op, int ranks, double bytes) const;
  // The form alone.
  double form_seconds(CollectiveOp op, int ranks, double bytes, const NcclChoice& choice) const;

 private:
  using Key = std::tuple<CollectiveOp, NcclAlgorithm, NcclProtocol>;
  CollectiveOp own_or_like(CollectiveOp op, const NcclChoice& choice) const;  // whose form it follows
  const CollectiveModel* model_of(const Key& key) const;
  double version_factor(const NcclChoice& choice) const;
  bool inside(CollectiveOp op, int ranks, double bytes) const;
  ScaleUpProfile profile_;
  NcclSettings settings_;
  NcclGroup group_;
  // Logarithms of measured / form; between few points a plane could leave their range.
  struct Correction {
    LocalLinear at;
    double least, most;
  };
  std::map<Key, Correction> corrections_;
  std::set<Key> measured_;  // these have models of their own
};

// "2.29.2" -> "2.29"
std::string_view minor_version(std::string_view version);
// The version and generation of a profile, its bandwidth in NCCL's terms.
NcclGroup nccl_group(const ScaleUpProfile& profile, const NcclSettings& settings);
// The unknowns of CollectiveModel, in its order, times which each stands.
std::array<double, 6> model_terms(CollectiveOp op, NcclAlgorithm algorithm, int ranks, double bytes);

// What a library other than NCCL runs, as its entries are filed.
NcclChoice library_choice(CollectiveOp op);

// Log-log between points (ascending), constant time below the first, constant bandwidth above the last.
double interpolated_seconds(const std::vector<TimedBytes>& points, double bytes);

}  // namespace kernels

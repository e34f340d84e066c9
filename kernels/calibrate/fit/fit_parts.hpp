#pragma once
#include <span>
#include <string>
#include <vector>
#include "kernels/calibrate/fit/bare_loops.hpp"
#include "kernels/calibrate/journal.hpp"
#include "kernels/device_profile.hpp"
#include "kernels/fit/fit_device_profile.hpp"  // CollectiveRow

// Samples -> profile: each part that has enough of them is fitted, the others stay as they were.
namespace kernels::calibrate {

using Samples = std::vector<const Sample*>;  // measured, none skipped

struct Parts {
  DeviceProfile profile;
  BareCosts costs;
  std::vector<std::string> fitted;  // what: "gemm fp32", "memory", …
};
// `library`: of the collectives, if it is not NCCL; `nccl`: its version, if known. `ranks_of_host`: groups that span hosts are left out;
// 0: there is one host.
struct CollectiveLibrary {
  std::string library, nccl;
  int ranks_of_host = 0;
  int hosts_of(const Collective& collective) const { return ranks_of_host > 0 ? collective.members.back() / ranks_of_host + 1 : 1; }
};
fit::CollectiveRow collective_row(const Collective& collective, double seconds, const CollectiveLibrary& library);
Parts fit_parts(const DeviceProfile& base, const Samples& samples, const CollectiveLibrary& library);
// How much a product and a collective slow each other, median over pairs; and what the host needs to issue a kernel.
void fit_costs(const Journal& journal, BareCosts& costs);

}  // namespace kernels::calibrate

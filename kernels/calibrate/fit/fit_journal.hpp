#pragma once
#include <string>
#include <string_view>
#include <vector>
#include "kernels/calibrate/fit/compared_rows.hpp"
#include "kernels/calibrate/fit/fit_parts.hpp"
#include "kernels/calibrate/fit/platform.hpp"
#include "kernels/calibrate/journal.hpp"
#include "kernels/calibrate/logs/read_logs.hpp"

// A journal -> the device profile and the software profile of one machine, and how well they predict what they did not see.
namespace kernels::calibrate {

struct Calibration {
  DeviceProfile profile;
  BareCosts costs;
  std::vector<ComparedRow> rows;  // each predicted by a fit that did not see its fifth of the samples
};

struct FitSettings {
  std::string name;    // of the profile
  DeviceProfile base;  // what stays where nothing was measured
  CollectiveLibrary library;
  double drift_sigma = 0;  // of all operations alike, between now and later
  std::string drift_source;
  std::string source;         // of the samples, for provenance
  std::string network;        // between hosts, "8x400G InfiniBand"; empty: not known
  bool whole_machine = true;  // else parts may be missing: logs of collectives alone
};
FitSettings settings_of(const Machine& machine, const std::string& name);
// `across_hosts`: collectives beside those of the journal. Throws sim::InputError where there are too few samples.
Calibration fit_journal(const Journal& journal, const FitSettings& settings, std::vector<fit::CollectiveRow> across_hosts = {});

// What other tools measured (logs/) over the profile of the device that they name, or over `accelerator`. Throws sim::InputError.
Calibration fit_logs(const Logs& logs, const std::string& accelerator, const std::string& name);

}  // namespace kernels::calibrate

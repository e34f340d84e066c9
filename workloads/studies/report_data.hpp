#pragma once
#include <string>
#include <vector>

namespace workloads {

// What the page of `weftsim report` shows, as JSON (docs/report.md): {"version", "title", "sweeps": […], "runs": […]}. Each of `files` is a
// trace, or the results.h5 or results.csv of a sweep (read from the results.h5 beside it). Numbers are those of the files, unrounded;
// what a picture cannot show apart is added up: passes to the last step, links to at most 64 boxes a tier. Throws sim::InputError.
std::string report_data(const std::vector<std::string>& files);

}  // namespace workloads

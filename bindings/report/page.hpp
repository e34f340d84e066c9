#pragma once
#include <string>
#include <string_view>

namespace report {

// One HTML file that needs nothing else, made from page/report.html with `data` (workloads::report_data) in it.
std::string page(std::string_view data);

}  // namespace report

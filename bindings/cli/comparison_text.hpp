#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>
#include "kernels/calibrate/fit/compared_rows.hpp"
#include "kernels/calibrate/operation_backend.hpp"  // Machine

// Predicted beside measured, as `calibrate` and `selfcheck` say it.
namespace cli {

using kernels::calibrate::ComparedRow;

std::string rows_text(const std::vector<ComparedRow>& rows);
std::string errors_text(const std::vector<ComparedRow>& rows);  // by kind
nlohmann::ordered_json rows_json(const std::vector<ComparedRow>& rows);
nlohmann::ordered_json errors_json(const std::vector<ComparedRow>& rows);
nlohmann::ordered_json machine_json(const kernels::calibrate::Machine& machine);  // device, provenance
std::string machine_text(const kernels::calibrate::Machine& machine);

}  // namespace cli

#include "kernels/fit/fit_device_profile.hpp"

namespace kernels::fit {

FitInput read_fit_input(const std::string& directory, std::string_view device) {
  DataSheet sheet = load_data_sheet(device);
  DataSheet measured = load_data_sheet(sheet.measured_on);
  const std::string gemm = directory + "/gemm_" + measured.gemm_table + ".csv";
  return {std::move(sheet), std::move(measured), CsvTable::read(gemm), CsvTable::read(directory + "/attention.csv"),
          CsvTable::read(directory + "/collectives.csv")};
}

DeviceProfile fit_device_profile(const FitInput& input) {
  DeviceProfile profile = input.sheet.profile;
  profile.calibrated = true;
  fit_gemm(input.gemm, input.measured, profile);
  fit_attention(input.attention, input.measured, profile);
  fit_scale_up(input.collectives, input.measured, profile);
  fit_network(input.collectives, input.measured, profile);
  return profile;
}

}  // namespace kernels::fit

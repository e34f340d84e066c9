#include "kernels/fit/fit_device_profile.hpp"
#include <fmt/format.h>
#include "sim/error.hpp"

namespace kernels::fit {

FitInput read_fit_input(const std::string& directory, std::string_view device) {
  DataSheet sheet = load_data_sheet(device);
  if (!sheet.measured)
    throw sim::InputError(
        fmt::format("--device {}: it was never measured; its data sheet says it is like {}. Nothing to fit: use it as it is.", device,
                    sheet.like->device));
  DataSheet measured = load_data_sheet(sheet.measured->device);
  const std::string gemm = directory + "/gemm_" + measured.measured->gemm_table + ".csv";
  return {std::move(sheet), std::move(measured), CsvTable::read(gemm), CsvTable::read(directory + "/attention.csv"),
          CsvTable::read(directory + "/collectives.csv")};
}

DeviceProfile fit_device_profile(const FitInput& input) {
  DeviceProfile profile = input.sheet.profile;
  profile.calibrated = true;
  fit_gemm(input.gemm, input.measured, profile);
  fit_attention(input.attention, input.measured, profile);
  fit_scale_up(input.collectives, input.sheet, profile);
  fit_network(input.collectives, input.sheet, profile);
  return profile;
}

}  // namespace kernels::fit

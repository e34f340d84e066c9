#pragma once
#include <optional>
#include <string>
#include <string_view>

// What the words of published tables mean: GPUs, frameworks, models, networks. One table each.
namespace workloads {

// A GPU as tables name it: our profile, and the host it is usually sold in.
struct TableAccelerator {
  std::string_view gpu_type, profile, host_preset;
  double nic_gigabits = 0;
  int nics = 8;
};
const TableAccelerator* accelerator_of_gpu_type(std::string_view gpu_type);  // null: unknown

// The software profile of a framework named in free text ("Megatron-LM (2021-22), 1F1B"); empty for an unknown one.
// NVIDIA's MLPerf submissions are known by the model's name.
std::string software_of_framework(std::string_view framework, int year, std::string_view model = {});

bool runs_megatron_core(std::string_view software);

// Keys of `workload.model` that follow from a model's name.
std::string model_keys_of_name(std::string_view name, std::string_view software);

// The NICs of a host, read from free text ("8x200G HDR", "800 Gb/s per node").
struct HostNics {
  int count = 0;
  double gigabits = 0;  // of one NIC
};
// `usual_gigabits` divides a figure per host into NICs. Nothing when the text says nothing.
std::optional<HostNics> nics_of_network(std::string_view network, double usual_gigabits);

}  // namespace workloads

#include "kernels/calibrate/cuda/nvml.hpp"
#include <dlfcn.h>

// Of nvml.h, which is not installed with every CUDA.
namespace kernels::calibrate::cuda {
namespace {

constexpr unsigned clock_of_multiprocessors = 1;
constexpr unsigned long long hardware = 0x8, hot_by_software = 0x20, hot = 0x40, power_brake = 0x80;  // nvmlClocksEventReason…

// 0 is success; a function that this driver lacks is a failure.
template <class... Arguments>
bool call(void* library, const char* name, Arguments... arguments) {
  const auto function = library ? reinterpret_cast<int (*)(Arguments...)>(dlsym(library, name)) : nullptr;
  return function && function(arguments...) == 0;
}

}  // namespace

Nvml::Nvml(const std::string& bus) : library_(dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL)) {
  if (call(library_, "nvmlInit_v2") && !call(library_, "nvmlDeviceGetHandleByPciBusId_v2", bus.c_str(), &device_)) device_ = nullptr;
}
Nvml::~Nvml() {
  call(library_, "nvmlShutdown");
  if (library_) dlclose(library_);
}

std::string Nvml::driver() const {
  char text[80] = "";
  const bool known = call(library_, "nvmlSystemGetDriverVersion", static_cast<char*>(text), unsigned{sizeof text});
  return known ? text : "";
}
unsigned Nvml::most_clock_MHz() const {
  unsigned clock = 0;
  return device_ && call(library_, "nvmlDeviceGetMaxClockInfo", device_, clock_of_multiprocessors, &clock) ? clock : 0;
}
unsigned Nvml::power_limit_mW() const {
  unsigned limit = 0;
  return device_ && call(library_, "nvmlDeviceGetPowerManagementLimit", device_, &limit) ? limit : 0;
}

bool Nvml::slowed() const {
  if (!device_) return false;
  unsigned long long reasons = 0;
  if (!call(library_, "nvmlDeviceGetCurrentClocksEventReasons", device_, &reasons))
    call(library_, "nvmlDeviceGetCurrentClocksThrottleReasons", device_, &reasons);
  return reasons & (hardware | hot_by_software | hot | power_brake);
}

}  // namespace kernels::calibrate::cuda

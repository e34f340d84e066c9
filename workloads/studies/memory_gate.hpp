#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace workloads {

// Lets runs begin side by side only while this machine (or the container's limit) has as much memory left as the process
// ever used; one alone always may. So a run may need what all before needed together, and still fit.
class MemoryGate {
 public:
  class Pass {
   public:
    explicit Pass(MemoryGate& gate) : gate_(gate) { gate_.enter(); }
    ~Pass() { gate_.leave(); }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;

   private:
    MemoryGate& gate_;
  };

 private:
  void enter();
  void leave();
  std::mutex access_;
  std::condition_variable left_;
  int inside_ = 0;
};

std::uint64_t available_memory_bytes();  // 2^64 - 1 where the system does not say

}  // namespace workloads

#pragma once
#include <cuda_runtime.h>
#include <nccl.h>
#include <map>
#include <string>
#include <vector>
#include "kernels/calibrate/cuda/ranks.hpp"
#include "kernels/calibrate/operation.hpp"

namespace kernels::calibrate::cuda {

// NCCL among the ranks, started when it is first needed. The device must be set, and all streams be idle where a communicator is made.
class NcclRanks {
 public:
  explicit NcclRanks(Ranks& ranks) : ranks_(ranks) {}
  ~NcclRanks();
  NcclRanks(const NcclRanks&) = delete;
  NcclRanks& operator=(const NcclRanks&) = delete;

  // All ranks call both alike; the second does the first.
  void start();
  void make_communicator(const std::vector<int>& members);
  // Ranks that take no part return at once.
  void enqueue(const Collective& collective, const void* from, void* to, cudaStream_t stream) const;
  struct Queued {
    Message message;
    void* buffer;
  };
  void enqueue(const std::vector<Queued>& messages, cudaStream_t stream) const;  // side by side

 private:
  bool are_all(const std::vector<int>& members) const { return members.size() == static_cast<std::size_t>(ranks_.ranks()); }

  Ranks& ranks_;
  ncclComm_t world_ = nullptr;
  std::map<std::vector<int>, ncclComm_t> parts_;  // null where this rank is no member
};

std::string nccl_version();

}  // namespace kernels::calibrate::cuda

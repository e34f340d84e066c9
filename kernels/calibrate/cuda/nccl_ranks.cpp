#include "kernels/calibrate/cuda/nccl_ranks.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include "kernels/calibrate/cuda/check.hpp"

namespace kernels::calibrate::cuda {
namespace {

// Calls enqueue() within a group, which is closed even if one of them throws.
template <class Enqueue>
void grouped(Enqueue enqueue) {
  WEFTSIM_CHECK(ncclGroupStart());
  try {
    enqueue();
  } catch (...) {
    ncclGroupEnd();
    throw;
  }
  WEFTSIM_CHECK(ncclGroupEnd());
}

}  // namespace

NcclRanks::~NcclRanks() {
  for (const auto& [members, part] : parts_)
    if (part) ncclCommDestroy(part);
  if (world_) ncclCommDestroy(world_);
}

void NcclRanks::start() {
  if (world_ || ranks_.ranks() == 1) return;
  ncclUniqueId id{};
  if (ranks_.rank() == 0) WEFTSIM_CHECK(ncclGetUniqueId(&id));
  std::array<std::int64_t, sizeof id / sizeof(std::int64_t)> words;
  static_assert(sizeof words == sizeof id);
  std::memcpy(words.data(), &id, sizeof id);
  for (auto& word : words) word = ranks_.agree(word);
  std::memcpy(&id, words.data(), sizeof id);
  WEFTSIM_CHECK(ncclCommInitRank(&world_, ranks_.ranks(), id, ranks_.rank()));
}

void NcclRanks::make_communicator(const std::vector<int>& members) {
  start();
  if (are_all(members) || parts_.count(members)) return;
  const bool member = std::binary_search(members.begin(), members.end(), ranks_.rank());
  ncclComm_t part = nullptr;
  WEFTSIM_CHECK(ncclCommSplit(world_, member ? 0 : NCCL_SPLIT_NOCOLOR, ranks_.rank(), &part, nullptr));
  parts_.emplace(members, part);
}

void NcclRanks::enqueue(const Collective& collective, const void* from, void* to, cudaStream_t stream) const {
  const std::size_t size = collective.members.size();
  const ncclComm_t members = are_all(collective.members) ? world_ : parts_.at(collective.members);
  if (!members) return;
  const auto bytes = static_cast<std::size_t>(bytes_of_call(collective));
  switch (collective.op) {
    case CollectiveOp::all_reduce:
      return WEFTSIM_CHECK(ncclAllReduce(from, to, bytes / sizeof(float), ncclFloat, ncclSum, members, stream));
    case CollectiveOp::reduce_scatter:
      return WEFTSIM_CHECK(ncclReduceScatter(from, to, bytes / sizeof(float), ncclFloat, ncclSum, members, stream));
    case CollectiveOp::all_gather:
      return WEFTSIM_CHECK(ncclAllGather(from, to, bytes, ncclInt8, members, stream));
    case CollectiveOp::broadcast:
      return WEFTSIM_CHECK(ncclBroadcast(from, to, bytes, ncclInt8, 0, members, stream));
    case CollectiveOp::all_to_all:
      return grouped([&] {
        for (std::size_t peer = 0; peer < size; ++peer) {
          const int other = static_cast<int>(peer);
          WEFTSIM_CHECK(ncclSend(static_cast<const char*>(from) + peer * bytes, bytes, ncclInt8, other, members, stream));
          WEFTSIM_CHECK(ncclRecv(static_cast<char*>(to) + peer * bytes, bytes, ncclInt8, other, members, stream));
        }
      });
    default:
      throw std::logic_error("a collective without a call");  // read_operation() takes no other
  }
}

void NcclRanks::enqueue(const std::vector<Queued>& messages, cudaStream_t stream) const {
  grouped([&] {
    for (const auto& [message, buffer] : messages) {
      const auto bytes = static_cast<std::size_t>(message.bytes);
      if (ranks_.rank() == message.source) WEFTSIM_CHECK(ncclSend(buffer, bytes, ncclInt8, message.destination, world_, stream));
      if (ranks_.rank() == message.destination) WEFTSIM_CHECK(ncclRecv(buffer, bytes, ncclInt8, message.source, world_, stream));
    }
  });
}

std::string nccl_version() {
  int code = 0;
  WEFTSIM_CHECK(ncclGetVersion(&code));
  return fmt::format("{}.{}.{}", code / 10000, code % 10000 / 100, code % 100);
}

}  // namespace kernels::calibrate::cuda

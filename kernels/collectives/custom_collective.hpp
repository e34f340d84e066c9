#pragma once
#include <string>
#include <string_view>
#include <vector>
#include "kernels/collectives/algorithm.hpp"

namespace kernels::collectives {

// A collective that a user wrote down, step by step (docs/custom-collectives.md):
//   op all_reduce
//   ranks 3
//   chunks 3
//   0  0 -> 1  0 reduce     # step, from -> to, chunk or first-last, copy (if nothing is said) or reduce
class CustomCollective {
 public:
  // Both throw sim::InputError with every problem, FILE:LINE; only a collective that is correct comes out.
  static CustomCollective read(const std::string& path);
  CustomCollective(std::string_view text, std::string file);

  const std::string& file() const { return file_; }
  CollectiveOp op() const { return request_.op; }
  int ranks() const { return request_.ranks; }
  // For so many elements, as in Request; its chunks are nearly equal parts of them.
  Schedule schedule(std::int64_t count) const;

 private:
  std::string file_;
  Request request_;  // count: of chunks
  Schedule in_chunks_;
};

}  // namespace kernels::collectives

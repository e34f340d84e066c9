#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include "workloads/plan.hpp"
#include "workloads/result.hpp"

namespace workloads {

// What the end of a job waited for, back to its start.
//
// The history of a rank is what it did since it last waited for another, behind the history of that other up to the moment
// when it let go (sent, or joined the collective as the last). So no history has a gap, none has a wait for a late peer, and
// the one of the rank that ends last is the critical path. Of ranks that are equally late a rank follows itself.
class CriticalPath {
 public:
  using Point = std::uint32_t;  // the history of some rank, up to some moment
  static constexpr Point start = 0;

  explicit CriticalPath(const Plan& plan);

  void ran(std::uint32_t rank, const Block& block, std::uint32_t first, std::uint32_t last);  // ops, without a gap
  void ran(std::uint32_t rank, const Block& block, std::uint32_t op, sim::Time time);
  void spent(std::uint32_t rank, Category category, sim::Time time);
  Point now(std::uint32_t rank);
  Point after(Point point, std::uint32_t rank, Category category, sim::Time time);
  void follow(std::uint32_t rank, Point point);
  // By op and rank, the longest first; mean over `steps`.
  std::vector<PathItem> of(std::uint32_t rank, int steps);

 private:
  using Item = std::uint16_t;  // a category, or a kernel by its name
  struct Node {
    Point before = start;
    std::uint32_t rank = 0, first = 0, count = 0;  // entries
  };
  struct Entry {
    Item item = 0;
    std::int64_t ps = 0;
  };

  const std::vector<Item>& items_of(std::uint32_t rank, const Block& block) const;

  const Plan& plan_;
  std::vector<std::string> names_;                          // by item
  std::vector<std::vector<std::vector<Item>>> item_of_op_;  // by program, block, op
  std::vector<std::int64_t> open_;                          // ranks x items: not yet in a node
  std::vector<Point> last_;                                 // by rank
  std::vector<Node> nodes_;
  std::vector<Entry> entries_;
};

}  // namespace workloads

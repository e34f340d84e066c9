#pragma once
#include <compare>
#include <cstdint>
#include <functional>

// Names become ids when things are built; the event loop sees ids and arrays only.
namespace sim {

// A LinkId is no FlowId: the tag keeps them apart. The value is an index into arrays.
template <class Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(std::uint32_t value) : value_(value) {}
  constexpr std::uint32_t value() const { return value_; }
  constexpr auto operator<=>(const Id&) const = default;

 private:
  std::uint32_t value_ = 0;
};

using LinkId = Id<struct LinkTag>;
using FlowId = Id<struct FlowTag>;

}  // namespace sim

template <class Tag>
struct std::hash<sim::Id<Tag>> {
  std::size_t operator()(sim::Id<Tag> id) const noexcept { return std::hash<std::uint32_t>{}(id.value()); }
};

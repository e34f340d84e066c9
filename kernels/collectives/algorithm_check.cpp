#include "kernels/collectives/algorithm_check.hpp"
#include <fmt/format.h>
#include <algorithm>
#include <numeric>

namespace kernels::collectives {
namespace {

// How often the part of each rank is in one element of one node.
using Parts = std::vector<std::uint32_t>;

class Check {
 public:
  Check(const Schedule& schedule, const Layout& layout, std::string_view element)
      : schedule_(schedule), element_name_(element), held_(static_cast<std::size_t>(schedule.nodes())) {
    by_number_.resize(schedule.steps.size());
    std::iota(by_number_.begin(), by_number_.end(), std::size_t{0});
    std::stable_sort(by_number_.begin(), by_number_.end(),
                     [&](std::size_t a, std::size_t b) { return schedule.steps[a].number < schedule.steps[b].number; });
    find_steps_of_elements();
    for (int r = 0; r < schedule.ranks; ++r) {
      start_.push_back(layout.at_start(r));
      end_.push_back(layout.at_end(r));
    }
  }

  std::optional<Mistake> run() {
    std::optional<Mistake> first;
    const auto earlier = [&](const Mistake& mistake) {  // what lacks in the end has its cause in a step
      return !first || (mistake.step && (!first->step || schedule_.steps[*mistake.step].number < schedule_.steps[*first->step].number));
    };
    for (element_ = 0; element_ < schedule_.elements; ++element_)
      if (auto mistake = check_element(); mistake && earlier(*mistake)) first = std::move(mistake);
    return first;
  }

 private:
  void find_steps_of_elements() {
    first_.assign(static_cast<std::size_t>(schedule_.elements) + 1, 0);
    const auto each = [&](auto&& visit) {
      for (const std::size_t s : by_number_)
        for (std::int64_t e = schedule_.steps[s].range.offset; e < schedule_.steps[s].range.end(); ++e)
          visit(static_cast<std::size_t>(e), s);
    };
    each([&](std::size_t e, std::size_t) { ++first_[e + 1]; });
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    steps_.resize(first_.back());
    std::vector<std::size_t> place(first_.begin(), first_.end() - 1);
    each([&](std::size_t e, std::size_t s) { steps_[place[e]++] = s; });
  }

  bool in(const Range& range) const { return range.offset <= element_ && element_ < range.end(); }
  std::string node(int n) const { return n < schedule_.ranks ? fmt::format("rank {}", n) : fmt::format("switch {}", n - schedule_.ranks); }
  std::string element() const { return fmt::format("{} {}", element_name_, element_); }

  std::optional<Mistake> check_element() {
    required_.assign(static_cast<std::size_t>(schedule_.ranks), 0);
    for (auto& parts : held_) parts.clear();  // empty: nothing there
    for (int r = 0; r < schedule_.ranks; ++r) {
      if (!in(start_[r])) continue;
      required_[r] = 1;
      held_[r].assign(static_cast<std::size_t>(schedule_.ranks), 0);
      held_[r][r] = 1;
    }
    const std::size_t end = first_[static_cast<std::size_t>(element_) + 1];
    for (std::size_t at = first_[static_cast<std::size_t>(element_)]; at < end;) {
      std::size_t next = at;
      while (next < end && schedule_.steps[steps_[next]].number == schedule_.steps[steps_[at]].number) ++next;
      if (auto mistake = perform(std::span(steps_).subspan(at, next - at))) return mistake;
      at = next;
    }
    return check_end();
  }

  // Steps of one number: all are sent before any arrives.
  std::optional<Mistake> perform(std::span<const std::size_t> steps) {
    sent_.resize(std::max(sent_.size(), steps.size()));
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const Step& step = schedule_.steps[steps[i]];
      sent_[i] = held_[static_cast<std::size_t>(step.source)];
      if (sent_[i].empty())
        return Mistake{steps[i], fmt::format("{} has nothing of {} to send to {} in step {}", node(step.source), element(),
                                             node(step.destination), step.number)};
    }
    for (const std::size_t s : steps)
      if (const int source = schedule_.steps[s].source; source >= schedule_.ranks) held_[static_cast<std::size_t>(source)].clear();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const Step& step = schedule_.steps[steps[i]];
      Parts& target = held_[static_cast<std::size_t>(step.destination)];
      for (std::size_t j = 0; j < i; ++j) {
        const Step& other = schedule_.steps[steps[j]];
        if (other.destination == step.destination && (other.effect == Effect::copy || step.effect == Effect::copy))
          return Mistake{steps[i], fmt::format("{} and {} both write {} of {} in step {}", node(other.source), node(step.source), element(),
                                               node(step.destination), step.number)};
      }
      if (step.effect == Effect::copy || target.empty())
        target = sent_[i];
      else
        std::transform(target.begin(), target.end(), sent_[i].begin(), target.begin(), std::plus());
    }
    return std::nullopt;
  }

  std::optional<Mistake> check_end() const {
    for (int r = 0; r < schedule_.ranks; ++r) {
      if (std::none_of(end_[r].begin(), end_[r].end(), [&](const Range& range) { return in(range); })) continue;
      const Parts& parts = held_[static_cast<std::size_t>(r)];
      for (int from = 0; from < schedule_.ranks; ++from) {
        const std::uint32_t has = parts.empty() ? 0 : parts[from];
        if (has == required_[from]) continue;
        const std::string after = by_number_.empty() ? "" : fmt::format(" after step {}", schedule_.steps[by_number_.back()].number);
        return Mistake{{},
                       has < required_[from] ? fmt::format("rank {} lacks rank {}'s part of {}{}", r, from, element(), after)
                                             : fmt::format("rank {} has rank {}'s part of {} {} times{}", r, from, element(), has, after)};
      }
    }
    return std::nullopt;
  }

  const Schedule& schedule_;
  std::string_view element_name_;
  std::int64_t element_ = 0;
  std::vector<std::size_t> by_number_, first_, steps_;  // first_, steps_: steps of each element, by number
  std::vector<Range> start_;
  std::vector<std::vector<Range>> end_;
  Parts required_;
  std::vector<Parts> held_, sent_;
};

}  // namespace

std::optional<Mistake> find_mistake(const Schedule& schedule, const Layout& layout, std::string_view element) {
  return Check(schedule, layout, element).run();
}

}  // namespace kernels::collectives

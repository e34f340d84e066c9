#include "bindings/cli/compare_command.hpp"
#include <fmt/format.h>
#include <cmath>
#include "workloads/studies/compare.hpp"

namespace cli {
namespace {

using workloads::ComparedFigure;

// 1536, 1.25e6 -> "1.25 M": four digits.
std::string number(const std::optional<double>& value, std::string_view unit) {
  if (!value) return "not known";
  constexpr std::string_view prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
  double shown = *value;
  std::size_t prefix = 0;
  if (unit != "s")
    for (; std::abs(shown) >= 1e4 && prefix + 1 < std::size(prefixes); ++prefix) shown /= 1000;
  return fmt::format("{:.4g}{}{}{}", shown, prefix || !unit.empty() ? " " : "", prefixes[prefix], unit);
}

std::string lines(std::string_view title, const std::vector<ComparedFigure>& figures) {
  std::string text = fmt::format("  {}\n", title);
  for (const ComparedFigure& f : figures) {
    if ((!f.a && !f.b) || (f.a == 0 && f.b == 0)) continue;
    const auto ratio = f.ratio();
    text += fmt::format("    {:<21} {:>12} {:>12}   {}\n", f.name, number(f.a, f.unit), number(f.b, f.unit),
                        ratio ? fmt::format("x {:.3f}", *ratio) : "");
  }
  return text;
}

std::string breakdown(const workloads::Comparison& c) {
  const double all = c.b.step_time_s - c.a.step_time_s;
  std::string text = "  where the difference comes from, seconds of a step\n";
  for (const ComparedFigure& f : c.breakdown) {
    const double difference = f.difference().value_or(0);
    if (f.a == 0 && f.b == 0) continue;
    const std::string share =
        difference == 0 || all == 0 ? "" : fmt::format("{:+.4g} s, {:.0f} % of the difference", difference, 100 * difference / all);
    text += fmt::format("    {:<21} {:>12} {:>12}   {}\n", f.name, number(f.a, "s"), number(f.b, "s"), share);
  }
  return text;
}

std::string full_links(std::string_view run, const std::vector<std::string>& links) {
  constexpr std::size_t most = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, links.size()); ++i) text += fmt::format("    full in {}: {}\n", run, links[i]);
  return text;
}

std::string text_of(const workloads::Comparison& c, const std::string& a, const std::string& b) {
  const auto run = [](char letter, const std::string& what, const workloads::ComparedRun& r) {
    return fmt::format("{}  {:<32} {:>8.4g} s   90 %: {:.4g} to {:.4g} s\n", letter, what, r.step_time_s, r.low_s, r.high_s);
  };
  return run('A', a, c.a) + run('B', b, c.b) +
         fmt::format("\n  step time B / A  {:.4f}   90 %: {:.4f} to {:.4f}; errors common to both cancel\n", c.ratio, c.low, c.high) +
         breakdown(c) + lines("beside it", c.figures) + lines("memory of the fullest rank", c.memory) +
         lines("links of the network", c.links) + full_links("A", c.full_a) + full_links("B", c.full_b);
}

class CompareCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.required_positional("A", a_, "RUN.h5, a row of a sweep (results.csv:12, by its point), or a scenario, which is run")
        .required_positional("B", b_, "the same; figures are those of B by those of A");
  }
  ExitCode run(Console& console) override {
    const int threads = console.options().threads;
    const workloads::Comparison comparison = workloads::compare(workloads::summary_of(a_, threads), workloads::summary_of(b_, threads));
    console.print(text_of(comparison, a_, b_));
    console.write_json(workloads::comparison_json(comparison));
    return ExitCode::done;
  }

 private:
  std::string a_, b_;
};

std::unique_ptr<Command> make_compare() { return std::make_unique<CompareCommand>(); }

}  // namespace

const Verb compare_verb{"compare", "the ratio of two runs with its interval, and where the difference comes from",
                        "weftsim compare dp-leaf-spine dp-leaf-spine-4to1", make_compare};

}  // namespace cli

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <map>
#include "kernels/calibrate/program_player.hpp"
#include "sim/error.hpp"

// Reads programs, and finds those that would hang.
namespace kernels::calibrate {
namespace {

constexpr std::string_view schema = "weftsim-program/1";
constexpr std::int64_t most_ranks = 1 << 16, most_repeats = 1 << 20;
constexpr Stream all_streams[] = {Stream::compute, Stream::communication};

ProgramStep read_step(const JsonNode& node, const std::string& path, std::size_t operations, JsonProblems& problems) {
  JsonObject from(node, path, problems);
  ProgramStep step = Synchronize{};
  if (from.has("run")) {
    Run run;
    run.operation = static_cast<std::size_t>(from.whole("run", 0, std::max<std::int64_t>(static_cast<std::int64_t>(operations) - 1, 0)));
    run.stream = named(from, "stream", from.text("stream"), all_streams);
    step = run;
  } else if (from.has("order")) {
    std::vector<Stream> both;
    from.list("order", [&](const JsonNode& name, const std::string&) {
      for (const Stream stream : all_streams)
        if (name.kind == JsonNode::Kind::text && name.text == name_of(stream)) both.push_back(stream);
    });
    if (both.size() == 2)
      step = Order{both[0], both[1]};
    else
      from.problem("order", "this is no pair of streams (known: compute, communication). Write [\"compute\", \"communication\"].");
  } else if (!from.boolean("synchronize") && from.has("synchronize")) {
    from.problem("synchronize", "only true makes sense here. Write true, or remove the step.");
  }
  from.finish();
  return step;
}

// Messages and collectives that one rank posts at once; it goes on when all are done.
using Group = std::vector<std::size_t>;  // of operations

std::vector<Group> groups_of(const Program& program, int rank) {
  std::vector<Group> groups;
  bool open = false;  // the last group takes further messages
  for (const auto& step : program.programs[static_cast<std::size_t>(rank)]) {
    const auto* run = std::get_if<Run>(&step);
    if (!run) {
      open = false;
      continue;
    }
    const Operation& operation = program.operations[run->operation];
    const auto who = participants(operation);
    if (std::find(who.begin(), who.end(), rank) == who.end()) continue;  // a kernel, or others' business
    const bool message = std::holds_alternative<Message>(operation);
    if (!open || !message) groups.emplace_back();
    groups.back().push_back(run->operation);
    open = message;
  }
  return groups;
}

// Carries out the meetings of all ranks without time. What two ranks have posted to each other so far is matched in order.
class Meetings {
 public:
  Meetings(const Program& program, const std::string& file)
      : program_(program), file_(file), ranks_(static_cast<std::size_t>(program.ranks)) {
    for (int rank = 0; rank < program.ranks; ++rank) {
      ranks_[static_cast<std::size_t>(rank)].groups = groups_of(program, rank);
      post(rank);
    }
  }

  void carry_out() {
    for (bool moved = true; moved;) {
      moved = false;
      for (int rank = 0; rank < program_.ranks; ++rank) {
        Rank& state = ranks_[static_cast<std::size_t>(rank)];
        while (state.next < state.groups.size() &&
               std::none_of(state.waits.begin(), state.waits.end(), [&](const Wait& wait) { return missing(wait) >= 0; })) {
          ++state.next;
          post(rank);
          moved = true;
        }
      }
    }
    std::vector<std::string> problems;
    for (int rank = 0; rank < program_.ranks && problems.size() < 20; ++rank)
      for (const Wait& wait : ranks_[static_cast<std::size_t>(rank)].waits)
        if (const int other = missing(wait); other >= 0)
          problems.push_back(fmt::format(
              "{}:1: programs[{}]: rank {} would wait for ever in {}, which rank {} {}. Let all that take part call it in the same order.",
              file_, rank, rank, describe(program_.operations[wait.operation]), other, done(other) ? "never calls" : "does not reach"));
    if (!problems.empty()) throw sim::InputError(problems);
  }

 private:
  using Channel = std::pair<bool, std::vector<int>>;  // messages or not; who
  struct Wait {
    std::size_t operation;
    Channel channel;
    std::size_t position;  // in the channel
  };
  struct Rank {
    std::vector<Group> groups;
    std::size_t next = 0;
    std::vector<Wait> waits;
    std::map<Channel, std::vector<std::size_t>> posted;  // operations
  };

  bool done(int rank) const { return ranks_[static_cast<std::size_t>(rank)].next >= ranks_[static_cast<std::size_t>(rank)].groups.size(); }

  void post(int rank) {
    Rank& state = ranks_[static_cast<std::size_t>(rank)];
    state.waits.clear();
    if (done(rank)) return;
    for (const std::size_t index : state.groups[state.next]) {
      const Operation& operation = program_.operations[index];
      Channel channel{std::holds_alternative<Message>(operation), participants(operation)};
      auto& posted = state.posted[channel];
      state.waits.push_back({index, channel, posted.size()});
      posted.push_back(index);
    }
  }

  // A rank that has not posted it yet; -1: all have.
  int missing(const Wait& wait) const {
    for (const int other : wait.channel.second) {
      const auto& all = ranks_[static_cast<std::size_t>(other)].posted;
      const auto at = all.find(wait.channel);
      if (at == all.end() || at->second.size() <= wait.position) return other;
      const Operation& mine = program_.operations[wait.operation];
      const Operation& theirs = program_.operations[at->second[wait.position]];
      if (!(mine == theirs))
        throw sim::InputError(
            fmt::format("{}:1: programs[{}]: rank {} calls {} where another one calls {}. Let all that take part call the same.", file_,
                        other, other, describe(theirs), describe(mine)));
    }
    return -1;
  }

  const Program& program_;
  const std::string& file_;
  std::vector<Rank> ranks_;
};

}  // namespace

Program parse_program(std::string_view json, const std::string& file) {
  const JsonNode root = parse_json(json, file);
  JsonProblems problems(file);
  JsonObject from(root, "", problems);
  if (const std::string found = from.text("schema"); found != schema)
    from.problem("schema", fmt::format("this is '{}', not '{}'. Give a program.", found, schema));
  Program program;
  program.ranks = static_cast<int>(from.whole("ranks", 1, most_ranks));
  program.warm_up = static_cast<int>(from.whole("warm_up", 0, most_repeats));
  program.repeats = static_cast<int>(from.whole("repeats", 1, most_repeats));
  from.list("operations", [&](const JsonNode& node, const std::string& path) {
    program.operations.push_back(read_operation(node, path, problems));
    for (const int rank : participants(program.operations.back()))
      if (rank >= program.ranks)
        problems.add(node.line, path, fmt::format("rank {} is not there: the program has {} ranks.", rank, program.ranks));
  });
  if (program.operations.empty()) from.problem("operations", "there is none. Write what is run.");
  from.list("programs", [&](const JsonNode& node, const std::string& path) {
    auto& steps = program.programs.emplace_back();
    if (node.kind != JsonNode::Kind::list) problems.add(node.line, path, "this is no list of steps. Write one for each rank.");
    for (std::size_t i = 0; node.kind == JsonNode::Kind::list && i < node.items.size(); ++i)
      steps.push_back(read_step(node.items[i], fmt::format("{}[{}]", path, i), program.operations.size(), problems));
  });
  if (program.programs.size() != static_cast<std::size_t>(program.ranks))
    from.problem("programs",
                 fmt::format("these are {} programs for {} ranks. Write one for each rank.", program.programs.size(), program.ranks));
  from.finish();
  problems.throw_if_any();
  return program;
}

void check_program(const Program& program, const std::string& file) { Meetings(program, file).carry_out(); }

}  // namespace kernels::calibrate

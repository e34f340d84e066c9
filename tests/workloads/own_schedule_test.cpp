#include "workloads/schedules/own_schedule.hpp"
#include <gmock/gmock.h>
#include <random>
#include "sim/error.hpp"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using workloads::Pass;
using workloads::PassKind;
using workloads::problems_of_schedule;
using workloads::ScheduleShape;
using workloads::slots_of;

TEST(OwnSchedule, words_are_slots) {
  const ScheduleShape shape{.stages = 2, .chunks = 2, .micro_batches = 4};
  const Pass first{PassKind::forward, 3, 0}, second{PassKind::backward, 0, 1};
  EXPECT_THAT(slots_of(" F3\tB0.1  F3+B0.1 ", shape), ElementsAre(ElementsAre(first), ElementsAre(second), ElementsAre(first, second)));
}

// The built-in schedules, written out as tables, have no problem.
TEST(OwnSchedule, built_in_ones_are_sound) {
  const auto row = [](const std::vector<workloads::Slot>& slots) {
    std::string text;
    for (const auto& slot : slots) {
      std::string word;
      for (const Pass& p : slot)
        word += (word.empty() ? "" : "+") + std::string(p.kind == PassKind::forward ? "F" : "B") + std::to_string(p.micro_batch) + "." +
                std::to_string(p.chunk);
      text += word + " ";
    }
    return text;
  };
  for (const auto& [schedule, chunks] : std::initializer_list<std::pair<workloads::Schedule, int>>{
           {workloads::gpipe, 1}, {workloads::one_f_one_b, 1}, {workloads::interleaved, 3}})
    for (const int stages : {2, 4}) {
      const ScheduleShape shape{stages, chunks, 2 * stages};
      std::vector<std::string> rows;
      for (int s = 0; s < stages; ++s) rows.push_back(row(schedule(shape, s)));
      EXPECT_THAT(problems_of_schedule(rows, shape), IsEmpty());
    }
}

// Stage 0 wants the gradient of micro-batch 0 before it sends micro-batch 1; stage 1 wants that one first.
TEST(OwnSchedule, a_circle_of_waiting_is_a_deadlock) {
  const auto found = problems_of_schedule({"F0 B0 F1 B1", "F0 F1 B0 B1"}, {.stages = 2, .chunks = 1, .micro_batches = 2});
  EXPECT_THAT(found, ElementsAre(HasSubstr("deadlock: stage 0 waits at B0 for B0 of stage 1, stage 1 waits at F1 for F1 of stage 0")));
}

// Whatever stands there: slots, or a sentence.
TEST(OwnSchedule, any_text_is_read_or_refused) {
  std::mt19937 random(1);
  const std::string letters = "FB0123456789.+- x\t\xff";
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto n = random() % 12; n > 0; --n) text += letters[random() % letters.size()];
    try {
      for (const auto& slot : slots_of(text, {.stages = 1, .chunks = 2, .micro_batches = 20}))
        for (const Pass& pass : slot) EXPECT_TRUE(pass.micro_batch < 20 && pass.chunk < 2 && pass.micro_batch >= 0 && pass.chunk >= 0);
    } catch (const sim::InputError& error) {
      EXPECT_THAT(error.what(), testing::EndsWith("."));
    }
  }
}

}  // namespace

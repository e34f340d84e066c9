#include "kernels/calibrate/operation.hpp"
#include <gmock/gmock.h>
#include "sim/error.hpp"

namespace kernels::calibrate {
namespace {
using testing::HasSubstr;
using testing::StartsWith;

const std::vector<Operation> one_of_each = {
    Product{{.m = 512, .n = 256, .k = 2048, .batch = 3, .precision = Precision::fp32}},
    Attention{{.batch = 2, .seq_len = 1024, .heads = 8, .kv_heads = 2, .head_dim = 64, .causal = false},
              Direction::backward,
              true,
              Precision::fp16},
    MemoryPass{MemoryKernel::adam, 4294967296.0},
    MemoryPass{MemoryKernel::layer_norm, 0x1p44},
    Launch{true},
    Copy{CopyWay::device_to_host, 1e6},
    Collective{CollectiveOp::all_to_all, {0, 2, 7}, 65536},
    Message{3, 1, 8}};

std::string problem_of(const std::string& json) {
  try {
    parse_operation(json, "plan.jsonl:7");
  } catch (const sim::InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Operation, text_and_back_is_the_same) {
  for (const Operation& operation : one_of_each) EXPECT_EQ(parse_operation(to_json(operation), "here"), operation) << to_json(operation);
}

TEST(Operation, is_one_line_of_json_with_whole_bytes) {
  EXPECT_EQ(to_json(Collective{CollectiveOp::all_reduce, {0, 1}, 4294967296.0}),
            R"({"collective":{"op":"all_reduce","members":[0,1],"bytes":4294967296}})");
}

TEST(Operation, that_is_wrong_is_refused_with_the_place_and_the_known_words) {
  const auto expect = [](const std::string& json, const std::string& why) {
    EXPECT_THAT(problem_of(json), StartsWith("plan.jsonl:7")) << json;
    EXPECT_THAT(problem_of(json), HasSubstr(why)) << json;
  };
  expect(R"({"product":)", "this is no JSON");
  expect("[]", "this is a list, not an object");
  expect("{}", "this is no operation (known: product, attention");
  expect(R"({"launch":{"of_host":true},"copy":{}})", "this is no operation");
  expect(R"({"product":{"m":0,"n":1,"k":1,"batch":1,"precision":"fp32"}})", "product.m: 0 lies outside");
  expect(R"({"product":{"m":1e300,"n":1,"k":1,"batch":1,"precision":"fp32"}})", "product.m: 1e+300 lies outside");
  expect(R"({"product":{"m":1.5,"n":1,"k":1,"batch":1,"precision":"fp32"}})", "1.5 is not a whole number");
  expect(R"({"product":{"m":1,"n":1,"k":1,"batch":1,"precision":"fp23"}})", "Did you mean 'fp32'?");
  expect(R"({"product":{"m":1,"n":1,"k":1,"precision":"fp32"}})", "product.batch: this key is missing");
  expect(R"({"product":{"m":1,"n":1,"k":1,"batch":1,"precision":"fp32","o":1}})", "unknown key 'o'");
  expect(R"({"collective":{"op":"all_reduce","members":[1,0],"bytes":8}})", "ascending");
  expect(R"({"collective":{"op":"all_reduce","members":[0],"bytes":8}})", "two or more ranks");
  expect(R"({"collective":{"op":"all_reduce","members":[0,1e99],"bytes":8}})", "ascending");
  expect(R"({"collective":{"op":"send_receive","members":[0,1],"bytes":8}})", "'send_receive' is not known");
  expect(R"({"message":{"source":1,"destination":1,"bytes":8}})", "no message to itself");
  expect(R"({"memory_pass":{"kernel":"copy","bytes":-1}})", "lies outside");
  expect(R"({"copy":{"way":"peer","bytes":1e30}})", "lies outside");
  expect(
      R"({"attention":{"batch":1,"seq_len":8,"heads":3,"kv_heads":2,"head_dim":4,"causal":true,"direction":"forward","fused":false,"precision":"fp32"}})",
      "3 heads cannot share 2 kv_heads");
}

TEST(Operation, names_who_takes_part) {
  EXPECT_THAT(participants(one_of_each[0]), testing::IsEmpty());
  EXPECT_THAT(participants(one_of_each[6]), testing::ElementsAre(0, 2, 7));
  EXPECT_THAT(participants(one_of_each[7]), testing::ElementsAre(3, 1));
}

}  // namespace
}  // namespace kernels::calibrate

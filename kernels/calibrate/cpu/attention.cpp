#include "kernels/calibrate/cpu/attention.hpp"
#include "kernels/calibrate/cpu/blas.hpp"
#include "kernels/calibrate/cpu/host_kernels.hpp"

namespace kernels::calibrate::cpu {
namespace {
enum Part : std::size_t { queries, keys, values, result, scores, parts };

// Where the part of one head of one sequence begins; heads share keys and values in groups.
struct Head {
  const AttentionShape& shape;
  const std::vector<float*>& buffers;
  std::int64_t sequence, head;
  float* operator()(Part part, Direction direction = Direction::forward) const {
    const std::int64_t grouped = head * shape.kv_heads / shape.heads;
    const bool shared = part == keys || part == values;
    const std::int64_t index = shared ? sequence * shape.kv_heads + grouped : sequence * shape.heads + head;
    float* begin = buffers[part + (direction == Direction::backward ? std::size_t{parts} : 0)];
    return begin + index * shape.seq_len * (part == scores ? shape.seq_len : shape.head_dim);
  }
};

void forward(const AttentionShape& shape, const Head& at) {
  const int s = static_cast<int>(shape.seq_len), d = static_cast<int>(shape.head_dim);
  const auto row = static_cast<std::size_t>(s);
  multiply(s, s, d, {at(queries)}, {at(keys), Transposed::yes}, at(scores));
  for (std::size_t i = 0; i < row; ++i) softmax(at(scores) + i * row, at(scores) + i * row, row, shape.causal ? i + 1 : row);
  multiply(s, d, s, {at(scores)}, {at(values)}, at(result));
}

void backward(const AttentionShape& shape, const Head& at) {
  const int s = static_cast<int>(shape.seq_len), d = static_cast<int>(shape.head_dim);
  const auto row = static_cast<std::size_t>(s);
  const Direction back = Direction::backward;
  multiply(s, d, s, {at(scores), Transposed::yes}, {at(result, back)}, at(values, back));
  multiply(s, s, d, {at(result, back)}, {at(values), Transposed::yes}, at(scores, back));
  for (std::size_t i = 0; i < row; ++i) softmax_backward(at(scores, back) + i * row, at(scores) + i * row, at(scores, back) + i * row, row);
  multiply(s, d, s, {at(scores, back)}, {at(keys)}, at(queries, back));
  multiply(s, d, s, {at(scores, back), Transposed::yes}, {at(queries)}, at(keys, back));
}

}  // namespace

std::vector<double> attention_buffers(const AttentionShape& shape, Direction direction) {
  const double tokens = double(shape.batch) * double(shape.seq_len);
  const double mine = tokens * double(shape.heads * shape.head_dim), shared = tokens * double(shape.kv_heads * shape.head_dim);
  std::vector<double> elements = {mine, shared, shared, mine, tokens * double(shape.heads) * double(shape.seq_len)};
  if (direction == Direction::backward)
    for (std::size_t i = 0; i < parts; ++i) elements.push_back(elements[i]);
  return elements;
}

void run_attention(const AttentionShape& shape, Direction direction, const std::vector<float*>& buffers) {
  for (std::int64_t sequence = 0; sequence < shape.batch; ++sequence)
    for (std::int64_t head = 0; head < shape.heads; ++head) {
      const Head at{shape, buffers, sequence, head};
      direction == Direction::forward ? forward(shape, at) : backward(shape, at);
    }
}

}  // namespace kernels::calibrate::cpu

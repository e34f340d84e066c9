// Matrices, chunk by chunk: compressed on several threads, as HDF5's own shuffle and deflate would, then written as they are.
#include <zlib.h>
#include <algorithm>
#include "sim/error.hpp"
#include "sim/parallel.hpp"
#include "workloads/hdf5.hpp"

namespace workloads::hdf5 {
namespace {

constexpr std::size_t worth_sharing = 1 << 16;  // values; fewer are compressed before another thread has begun

// The chunk of values that begins there, filled up with zeros where the matrix ends, its bytes by place in the value.
std::vector<unsigned char> shuffled(std::span<const double> values, std::size_t columns, const MatrixChunk& chunk) {
  const std::size_t rows = values.size() / columns, count = chunk.rows * chunk.columns;
  std::vector<unsigned char> bytes(count * sizeof(double));
  for (std::size_t r = 0; r < chunk.rows && chunk.row + r < rows; ++r)
    for (std::size_t c = 0; c < chunk.columns && chunk.column + c < columns; ++c) {
      const double value = values[(chunk.row + r) * columns + chunk.column + c];
      unsigned char parts[sizeof(double)];
      std::copy_n(reinterpret_cast<const unsigned char*>(&value), sizeof(double), parts);
      for (std::size_t b = 0; b < sizeof(double); ++b) bytes[b * count + r * chunk.columns + c] = parts[b];
    }
  return bytes;
}

std::vector<unsigned char> deflated(const std::vector<unsigned char>& bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::vector<unsigned char> packed(size);
  if (compress2(packed.data(), &size, bytes.data(), static_cast<uLong>(bytes.size()), deflate_level) != Z_OK)
    throw sim::MachineError("zlib: out of memory while a matrix of the trace was compressed.");
  packed.resize(size);
  return packed;
}

}  // namespace

void write_chunks(hid_t dataset, std::span<const double> values, std::size_t columns, std::size_t chunk_rows, std::size_t chunk_columns,
                  const std::string& what) {
  std::vector<MatrixChunk> chunks;
  for (std::size_t row = 0; row < values.size() / columns; row += chunk_rows)
    for (std::size_t column = 0; column < columns; column += chunk_columns) chunks.push_back({row, column, chunk_rows, chunk_columns});
  std::vector<std::vector<unsigned char>> packed(chunks.size());
  const auto pack = [&](std::size_t i) { packed[i] = deflated(shuffled(values, columns, chunks[i])); };
  sim::parallel_for(chunks.size(), values.size() < worth_sharing ? 1 : 0, pack);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const hsize_t place[2] = {chunks[i].row, chunks[i].column};
    checked(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, place, packed[i].size(), packed[i].data()), what);
  }
}

}  // namespace workloads::hdf5

#include "workloads/hdf5.hpp"
#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>
#include <fmt/format.h>
#include "sim/error.hpp"

namespace workloads::hdf5 {
namespace {

// HDF5 prints its error stack and cleans up at exit by itself; we do the first by exceptions and the
// second by handles. (Its cleanup loops for ever after a write that failed on a full disk.)
void take_over() {
  static const bool done = [] {
    H5dont_atexit();
    H5open();
    return true;
  }();
  static_cast<void>(done);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // of this thread
}

std::string reasons() {
  std::vector<std::string> all;  // outermost first
  const auto add = [](unsigned, const H5E_error2_t* error, void* list) -> herr_t {
    const std::string text = error->desc ? error->desc : "";
    auto& found = *static_cast<std::vector<std::string>*>(list);
    if (!text.empty() && (found.empty() || found.back() != text)) found.push_back(text);
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, add, &all);
  H5Eclear2(H5E_DEFAULT);
  if (all.empty()) return "HDF5 gives no reason";
  if (all.size() == 1) return all.front();
  return all.front() + ": " + all.back();  // what failed, and the cause at the bottom
}

template <class T>
hid_t native() {
  if constexpr (std::is_same_v<T, double>)
    return H5T_NATIVE_DOUBLE;
  else if constexpr (std::is_same_v<T, std::uint8_t>)
    return H5T_NATIVE_UINT8;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return H5T_NATIVE_INT32;
  else if constexpr (std::is_same_v<T, std::uint64_t>)
    return H5T_NATIVE_UINT64;
  else
    return H5T_NATIVE_INT64;
}
template <class T>
hid_t stored() {
  if constexpr (std::is_same_v<T, double>)
    return H5T_IEEE_F64LE;
  else if constexpr (std::is_same_v<T, std::uint8_t>)
    return H5T_STD_U8LE;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return H5T_STD_I32LE;
  else if constexpr (std::is_same_v<T, std::uint64_t>)
    return H5T_STD_U64LE;
  else
    return H5T_STD_I64LE;
}

Handle text_type() {
  Handle type = handle(H5Tcopy(H5T_C_S1), "string type");
  checked(H5Tset_size(type.id(), H5T_VARIABLE), "string type");
  checked(H5Tset_cset(type.id(), H5T_CSET_UTF8), "string type");
  return type;
}

Handle scalar() { return handle(H5Screate(H5S_SCALAR), "scalar space"); }

// "run.h5.partial:/ops/start_ps", for errors.
std::string full_name(hid_t where, const std::string& name) {
  std::array<char, 512> file{}, object{};
  H5Fget_name(where, file.data(), file.size());
  H5Iget_name(where, object.data(), object.size());
  const std::string folder = object.data();
  return fmt::format("{}:{}{}{}", file.data(), folder, folder.ends_with('/') ? "" : "/", name);
}

// Replaces an attribute of the same name.
void put(hid_t where, const std::string& name, hid_t file_type, hid_t memory_type, hid_t space, const void* data) {
  const std::string what = full_name(where, name);
  if (checked(H5Aexists(where, name.c_str()), what) > 0) checked(H5Adelete(where, name.c_str()), what);
  Handle attribute = handle(H5Acreate2(where, name.c_str(), file_type, space, H5P_DEFAULT, H5P_DEFAULT), what);
  checked(H5Awrite(attribute.id(), memory_type, data), what);
  attribute.close(what);
}

template <class T>
void put_number(hid_t where, const std::string& name, T value) {
  put(where, name, stored<T>(), native<T>(), scalar().id(), &value);
}

thread_local bool uncompressed = false;

// Chunked, shuffled and deflated, growing in the first dimension.
template <std::size_t N>
Handle create_dataset(hid_t where, const std::string& name, hid_t type, std::array<hsize_t, N> size, std::array<hsize_t, N> chunk) {
  auto most = size;
  most[0] = H5S_UNLIMITED;
  if constexpr (N > 1) most[1] = H5S_UNLIMITED;  // so that no links at all is a size, too
  const Handle space = handle(H5Screate_simple(static_cast<int>(N), size.data(), most.data()), name);
  const std::string what = full_name(where, name);
  const Handle how = handle(H5Pcreate(H5P_DATASET_CREATE), what);
  checked(H5Pset_chunk(how.id(), static_cast<int>(N), chunk.data()), name);
  if (N > 1 || !uncompressed) {
    checked(H5Pset_shuffle(how.id()), name);
    checked(H5Pset_deflate(how.id(), deflate_level), name);
  }
  checked(H5Pset_obj_track_times(how.id(), false), name);  // equal contents, equal files
  return handle(H5Dcreate2(where, name.c_str(), type, space.id(), H5P_DEFAULT, how.id(), H5P_DEFAULT), what);
}

constexpr std::size_t chunk_bytes = 1 << 20;  // of a chunk of texts: what HDF5 caches

// `rows` counts what is there and grows.
void append_rows(hid_t dataset, hid_t type, hsize_t& rows, hsize_t count, const void* data, const std::string& name) {
  const hsize_t total = rows + count;
  checked(H5Dset_extent(dataset, &total), name);
  const Handle file_space = handle(H5Dget_space(dataset), name);
  checked(H5Sselect_hyperslab(file_space.id(), H5S_SELECT_SET, &rows, nullptr, &count, nullptr), name);
  const Handle memory_space = handle(H5Screate_simple(1, &count, nullptr), name);
  checked(H5Dwrite(dataset, type, memory_space.id(), file_space.id(), H5P_DEFAULT, data), name);
  rows = total;
}

}  // namespace

template <class Code>
Code checked(Code code, const std::string& what) {
  if (code >= 0) return code;
  throw sim::MachineError(fmt::format("{}: {}.", what, reasons()));
}
template herr_t checked(herr_t, const std::string&);
template hid_t checked(hid_t, const std::string&);

Handle handle(hid_t id, const std::string& what) { return Handle(checked(id, what)); }

void Handle::close(const std::string& what) {
  if (id_ >= 0) checked(H5Idec_ref(std::exchange(id_, H5I_INVALID_HID)), what);
}

// Locks the file against a second writer, where the file system has locks (NFS and Lustre may not).
// Between two flushes nothing that a flush wrote is overwritten: freed space (the last chunk of a column, when it grows)
// is not used again, and metadata stays in memory. So a writer killed then leaves the file of the last flush.
Handle create_file(const std::string& path) {
  take_over();
  const Handle creation = handle(H5Pcreate(H5P_FILE_CREATE), path), access = handle(H5Pcreate(H5P_FILE_ACCESS), path);
  checked(H5Pset_file_space_strategy(creation.id(), H5F_FSPACE_STRATEGY_NONE, false, 1), path);
  H5AC_cache_config_t cache{.version = H5AC__CURR_CACHE_CONFIG_VERSION};
  checked(H5Pget_mdc_config(access.id(), &cache), path);
  cache.evictions_enabled = false;
  cache.incr_mode = H5C_incr__off;  // HDF5 wants these two off with it
  cache.flash_incr_mode = H5C_flash_incr__off;
  cache.decr_mode = H5C_decr__off;
  checked(H5Pset_mdc_config(access.id(), &cache), path);
  checked(H5Pset_file_locking(access.id(), true, true), path);
  return handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), access.id()), path);
}

Handle create_group(hid_t where, const std::string& name) {
  return handle(H5Gcreate2(where, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), full_name(where, name));
}

void set_attribute(hid_t where, const std::string& name, std::string_view text) {
  const std::string terminated(text);
  const char* start = terminated.c_str();
  const Handle type = text_type();
  put(where, name, type.id(), type.id(), scalar().id(), &start);
}
void set_attribute(hid_t where, const std::string& name, std::uint64_t value) { put_number(where, name, value); }
void set_attribute(hid_t where, const std::string& name, std::int64_t value) { put_number(where, name, value); }
void set_attribute(hid_t where, const std::string& name, std::uint8_t value) { put_number(where, name, value); }

void set_attribute(hid_t where, const std::string& name, const std::vector<std::string>& texts) {
  std::vector<const char*> starts;
  for (const auto& text : texts) starts.push_back(text.c_str());
  const hsize_t count = texts.size();
  const Handle type = text_type();
  const Handle space = handle(H5Screate_simple(1, &count, nullptr), name);
  put(where, name, type.id(), type.id(), space.id(), starts.data());
}

void write_text(hid_t where, const std::string& name, std::string_view text) {
  const std::string terminated(text);
  const char* start = terminated.c_str();
  const Handle type = text_type();
  const std::string what = full_name(where, name);
  Handle dataset = handle(H5Dcreate2(where, name.c_str(), type.id(), scalar().id(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), what);
  checked(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &start), what);
  dataset.close(what);
}

void write_texts(hid_t where, const std::string& name, const std::vector<std::string>& texts) {
  std::size_t length = 1;
  for (const auto& text : texts) length = std::max(length, text.size());
  TextColumn column(where, name, length);
  for (const auto& text : texts) column.push(text);
  column.append();
}

Uncompressed::Uncompressed(bool wanted) : before_(std::exchange(uncompressed, wanted)) {}
Uncompressed::~Uncompressed() { uncompressed = before_; }

Handle write_matrix(hid_t where, const std::string& name, std::span<const double> values, std::size_t columns, std::string_view units) {
  const std::size_t rows = columns == 0 ? 0 : values.size() / columns;
  const std::array<hsize_t, 2> chunk{std::clamp<hsize_t>(rows, 1, 256), std::clamp<hsize_t>(columns, 1, 64)};
  Handle dataset = create_dataset<2>(where, name, stored<double>(), {rows, columns}, chunk);
  if (!values.empty()) write_chunks(dataset.id(), values, columns, chunk[0], chunk[1], full_name(where, name));
  set_attribute(dataset.id(), "units", units);
  return dataset;
}

template <class T>
Column<T>::Column(hid_t group, const std::string& name, std::string_view units)
    : name_(full_name(group, name)), dataset_(create_dataset<1>(group, name, stored<T>(), {0}, {block_rows})) {
  set_attribute(dataset_.id(), "units", units);
  buffer_.reserve(block_rows);
}

template <class T>
void Column<T>::append() {
  if (buffer_.empty()) return;
  append_rows(dataset_.id(), native<T>(), rows_, buffer_.size(), buffer_.data(), name_);
  buffer_.clear();
}

template class Column<std::uint8_t>;
template class Column<std::int32_t>;
template class Column<std::int64_t>;
template class Column<double>;

// Fixed length: only that compresses.
TextColumn::TextColumn(hid_t group, const std::string& name, std::size_t length)
    : name_(full_name(group, name)),
      length_(std::max<std::size_t>(length, 1)),
      chunk_rows_(std::clamp<std::size_t>(chunk_bytes / length_, 1, 4096)),
      type_(handle(H5Tcopy(H5T_C_S1), name)) {
  checked(H5Tset_size(type_.id(), length_), name);
  checked(H5Tset_strpad(type_.id(), H5T_STR_NULLPAD), name);
  checked(H5Tset_cset(type_.id(), H5T_CSET_UTF8), name);
  dataset_ = create_dataset<1>(group, name, type_.id(), {0}, {chunk_rows_});
  set_attribute(dataset_.id(), "units", "1");
}

void TextColumn::push(std::string_view text) {
  buffer_ += text.substr(0, length_);
  buffer_.append(length_ - std::min(text.size(), length_), '\0');
  if (buffer_.size() >= chunk_rows_ * length_) append();
}

void TextColumn::append() {
  if (buffer_.empty()) return;
  append_rows(dataset_.id(), type_.id(), rows_, buffer_.size() / length_, buffer_.data(), name_);
  buffer_.clear();
}

Handle open_file(const std::string& path) {
  take_over();
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  if (file.id() < 0) throw sim::InputError(fmt::format("{}: cannot be opened as HDF5. Is it there, and a file of weftsim?", path));
  return file;
}

bool has(const std::string& path, const std::string& object) {
  return checked(H5Lexists(open_file(path).id(), object.c_str(), H5P_DEFAULT), path) > 0;
}

std::string read_text(const std::string& path, const std::string& dataset, std::size_t row) {
  const auto refuse = [&](std::string_view what) { throw sim::InputError(fmt::format("{}: {}", path, what)); };
  const Handle file = open_file(path);
  const Handle data(H5Dopen2(file.id(), dataset.c_str(), H5P_DEFAULT));
  if (data.id() < 0) refuse(fmt::format("has no dataset {}. Is it a whole file of weftsim?", dataset));
  const Handle type = handle(H5Dget_type(data.id()), path), space = handle(H5Dget_space(data.id()), path);
  if (H5Tget_class(type.id()) != H5T_STRING) refuse(fmt::format("{} is no text.", dataset));
  hsize_t rows = 1;
  const int dimensions = H5Sget_simple_extent_ndims(space.id());
  if (dimensions > 1) refuse(fmt::format("{} is no column.", dataset));
  if (dimensions == 1) checked(H5Sget_simple_extent_dims(space.id(), &rows, nullptr), path);
  if (row >= rows) refuse(fmt::format("has no row {} (known: {} rows, from 0). Name one of them.", row, rows));
  const hsize_t first = row, count = 1;
  if (dimensions == 1) checked(H5Sselect_hyperslab(space.id(), H5S_SELECT_SET, &first, nullptr, &count, nullptr), path);
  const Handle memory = handle(H5Screate(H5S_SCALAR), path);
  if (H5Tis_variable_str(type.id()) > 0) {
    char* found = nullptr;
    checked(H5Dread(data.id(), type.id(), memory.id(), space.id(), H5P_DEFAULT, &found), path);
    std::string text = found ? found : "";
    H5free_memory(found);
    return text;
  }
  std::string text(H5Tget_size(type.id()), '\0');
  checked(H5Dread(data.id(), type.id(), memory.id(), space.id(), H5P_DEFAULT, text.data()), path);
  return text.substr(0, text.find('\0'));
}

}  // namespace workloads::hdf5

#include "workloads/hdf5.hpp"
#include <algorithm>
#include <array>
#include <type_traits>
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
  checked(H5Pset_shuffle(how.id()), name);
  checked(H5Pset_deflate(how.id(), 1), name);
  return handle(H5Dcreate2(where, name.c_str(), type, space.id(), H5P_DEFAULT, how.id(), H5P_DEFAULT), what);
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

// Fixed length: only that compresses.
void write_texts(hid_t where, const std::string& name, const std::vector<std::string>& texts) {
  std::size_t length = 1;
  for (const auto& text : texts) length = std::max(length, text.size());
  std::string flat(length * texts.size(), '\0');
  for (std::size_t i = 0; i < texts.size(); ++i) texts[i].copy(flat.data() + i * length, length);
  const Handle type = handle(H5Tcopy(H5T_C_S1), name);
  checked(H5Tset_size(type.id(), length), name);
  checked(H5Tset_strpad(type.id(), H5T_STR_NULLPAD), name);
  checked(H5Tset_cset(type.id(), H5T_CSET_UTF8), name);
  Handle dataset = create_dataset<1>(where, name, type.id(), {texts.size()}, {4096});
  const std::string what = full_name(where, name);
  checked(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, flat.data()), what);
  set_attribute(dataset.id(), "units", "1");
  dataset.close(what);
}

Handle write_matrix(hid_t where, const std::string& name, std::span<const double> values, std::size_t columns, std::string_view units) {
  const std::size_t rows = columns == 0 ? 0 : values.size() / columns;
  Handle dataset = create_dataset<2>(where, name, stored<double>(), {rows, columns}, {256, std::clamp<hsize_t>(columns, 1, 64)});
  checked(H5Dwrite(dataset.id(), native<double>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), full_name(where, name));
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
  const hsize_t count = buffer_.size(), total = rows_ + count;
  checked(H5Dset_extent(dataset_.id(), &total), name_);
  const Handle file_space = handle(H5Dget_space(dataset_.id()), name_);
  checked(H5Sselect_hyperslab(file_space.id(), H5S_SELECT_SET, &rows_, nullptr, &count, nullptr), name_);
  const Handle memory_space = handle(H5Screate_simple(1, &count, nullptr), name_);
  checked(H5Dwrite(dataset_.id(), native<T>(), memory_space.id(), file_space.id(), H5P_DEFAULT, buffer_.data()), name_);
  rows_ = total;
  buffer_.clear();
}

template class Column<std::uint8_t>;
template class Column<std::int32_t>;
template class Column<std::int64_t>;
template class Column<double>;

}  // namespace workloads::hdf5

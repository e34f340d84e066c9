#pragma once
#include <hdf5.h>
#include "workloads/hdf5_reader.hpp"
#include "workloads/trace_rows.hpp"

namespace workloads {

// The groups /queues and /rates of a trace (docs/trace.md). Used with HDF5 to oneself.
void write_queues(hid_t file, const QueueTable& table);
void write_rates(hid_t file, const RateTable& table);

// What they hold. Throws sim::InputError where columns do not fit together.
QueueTable read_queues(const hdf5::Reader& file);
RateTable read_rates(const hdf5::Reader& file);

}  // namespace workloads

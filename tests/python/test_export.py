"""`weftsim export`: what Perfetto and CSV say is what the HDF5 trace says."""

import csv
import json
import struct
from collections import defaultdict

import h5py
import numpy as np
import pytest
from conftest import SMALL, weftsim


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    (folder / "small.yaml").write_text(json.dumps(SMALL))
    for level, name in (("ops", "run"), ("full", "full")):
        done = weftsim("run", folder / "small.yaml", "--out", folder / f"{name}.h5", "--trace", level, "--no-fold")
        assert done.code == 0, done.stderr
    return folder


def fields(data: bytes):
    """(number, value) of each field of a protocol buffer: a reader that shares nothing with the writer."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < len(data):
        number, wire = divmod(varint(), 8)
        if wire == 0:
            yield number, varint()
        elif wire == 1:
            yield number, struct.unpack_from("<d", data, at)[0]
            at += 8
        else:
            size = varint()
            yield number, data[at : at + size]
            at += size


def packets(path):
    return [dict(fields(packet)) for number, packet in fields(path.read_bytes()) if number == 1]


def test_perfetto_holds_every_operation_nested_on_the_track_of_its_stream(folder):
    done = weftsim("export", folder / "full.h5", "--perfetto", folder / "full.pftrace")
    assert done.code == 0, done.stderr
    threads, slices, opened, names = {}, defaultdict(list), defaultdict(list), {}
    read = packets(folder / "full.pftrace")
    for packet in read:
        for number, table in fields(packet.get(12, b"")):
            if number == 2:
                entry = dict(fields(table))
                names[entry[1]] = entry[2].decode()
        track = dict(fields(packet.get(60, b"")))
        if 4 in track:
            threads[track[1]] = dict(fields(track[4]))
    for packet in sorted((p for p in read if 11 in p), key=lambda p: p[8]):  # stable, as Perfetto sorts
        event = dict(fields(packet[11]))
        if event[9] == 1:
            opened[event[11]].append((packet[8], names[event[10]]))
        elif event[9] == 2:
            start, name = opened[event[11]].pop()
            slices[event[11]].append((start, packet[8], name))
    assert not any(opened.values())
    with h5py.File(folder / "full.h5") as trace:
        ops, labels = trace["ops"], trace["ops/name"].attrs["labels"]
        want = sorted(zip((ops["start_ps"][:] + 500) // 1000, (ops["end_ps"][:] + 500) // 1000, (labels[i] for i in ops["name"])))
        assert len(threads) >= len(np.unique(np.stack([ops["rank"][:], ops["stream"][:]], 1), axis=0))
    got = sorted(slice for track in slices.values() for slice in track)
    assert [(s, e) for s, e, _ in got] == [(s, e) for s, e, _ in want]
    assert sorted(n for *_, n in got) == sorted(n for *_, n in want)


def test_perfetto_counters_add_up_to_the_bytes_of_the_links(folder):
    assert weftsim("export", folder / "run.h5", "--perfetto", folder / "run.pftrace", "--links", 100000).code == 0
    events = [(p[8], dict(fields(p[11]))) for p in packets(folder / "run.pftrace") if 11 in p]
    series = defaultdict(list)
    for time, event in events:
        if 44 in event:
            series[event[11]].append((time, event[44]))
    carried = sum(rate * (after - time) for points in series.values() for (time, rate), (after, _) in zip(points, points[1:]))
    with h5py.File(folder / "run.h5") as trace:
        assert carried == pytest.approx(trace["links/load"][:].sum(), rel=1e-3)
        memory = [event[30] for _, event in events if 30 in event]
        assert sorted(memory) == sorted(trace["memory/bytes"][:].tolist())


def test_official_trace_processor_loads_it(folder):
    api = pytest.importorskip("perfetto.trace_processor", reason="the package perfetto is not installed")
    assert weftsim("export", folder / "run.h5", "--perfetto", folder / "official.pftrace").code == 0
    try:
        processor = api.TraceProcessor(trace=str(folder / "official.pftrace"))
    except Exception as reason:  # the package fetches its program when it is used first
        pytest.skip(f"the trace processor cannot be started here: {reason}")
    with h5py.File(folder / "run.h5") as trace:
        rows = len(trace["ops/start_ps"])
    assert next(iter(processor.query("select count(*) as n from slice"))).n == rows
    assert next(iter(processor.query("select count(*) as n from slice where dur < 0"))).n == 0
    assert next(iter(processor.query("select count(*) as n from stats where severity = 'error' and value > 0"))).n == 0
    processor.close()


def test_csv_tables_hold_what_the_datasets_hold(folder):
    done = weftsim("export", folder / "run.h5", "--csv", folder / "csv")
    assert done.code == 0, done.stderr
    with h5py.File(folder / "run.h5") as trace:
        for group in ("ops", "flows", "memory", "ranks", "links"):
            with open(folder / "csv" / f"{group}.csv", newline="") as file:
                rows = list(csv.DictReader(file))
            columns = {name for name, data in trace[group].items() if data.ndim == 1}
            assert set(rows[0]) == columns
            for name in columns:
                data = trace[group][name]
                want = data.asstr()[:].tolist() if h5py.check_string_dtype(data.dtype) else data[:].tolist()
                if "labels" in data.attrs:
                    want = [str(data.attrs["labels"][code]) for code in want]
                assert [type(w)(row[name]) for w, row in zip(want, rows, strict=True)] == want
        load = trace["links/load"][:]
        width = int(trace["links/load"].attrs["bin_width_ps"])
        with open(folder / "csv" / "link_load.csv", newline="") as file:
            for row in csv.DictReader(file):
                load[int(row["time_ps"]) // width, int(row["link"])] -= float(row["bytes"])
        assert not load.any()
        assert json.loads((folder / "csv" / "summary.json").read_text()) == json.loads(trace["summary"][()])


def changed(folder, tmp_path, change):
    path = tmp_path / "changed.h5"
    path.write_bytes((folder / "run.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def relabel(file):
    file["ops/name"][3] = 1_000_000


def shorten(file):
    file["ops/end_ps"].resize((5,))


def enlarge(file):  # 8 TB claimed by a file of some kB
    for data in file["ops"].values():
        data.resize((10**12,))


@pytest.mark.parametrize("change", [relabel, shorten, enlarge, lambda f: f.__delitem__("ops/stream")])
@pytest.mark.parametrize("form", ["--perfetto", "--csv"])
def test_a_broken_trace_is_refused_by_name_and_leaves_nothing(folder, tmp_path, change, form):
    path = changed(folder, tmp_path, change)
    done = weftsim("export", path, form, tmp_path / "out")
    if form == "--csv" and change.__name__ == "<lambda>":
        assert done.code == 0  # a table with a column less is still a table
        return
    assert done.code == 2 and str(path) in done.stderr, (done.code, done.stderr)
    assert not (tmp_path / "out").is_file() and not list(tmp_path.glob("**/*.partial"))


def test_what_is_no_trace_is_refused(folder, tmp_path):
    (tmp_path / "text.h5").write_text("no HDF5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = [1]
    for name, says in (("text.h5", "cannot be opened as HDF5"), ("other.h5", "no trace of a run"), ("nowhere.h5", "cannot be opened")):
        done = weftsim("export", tmp_path / name, "--csv", tmp_path / "out")
        assert done.code == 2 and says in done.stderr
    assert "nothing to write" in weftsim("export", folder / "run.h5").stderr


def test_a_partial_trace_is_exported_with_a_warning(folder, tmp_path):
    def stop(file):
        file.attrs["complete"] = np.uint8(0)
        for name in ("links", "ranks", "summary"):
            del file[name]

    path = changed(folder, tmp_path, stop)
    done = weftsim("export", path, "--perfetto", tmp_path / "p", "--csv", tmp_path / "csv")
    assert done.code == 0 and "stopped" in done.stderr
    assert {file.name for file in (tmp_path / "csv").iterdir()} == {"ops.csv", "flows.csv", "memory.csv"}


def test_perfetto_itself_knows_every_field_that_is_written(folder):
    """Its own descriptors read the file: nothing unknown at any depth, every enumeration named, every track and name declared."""
    descriptors = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2", reason="needs the package perfetto")
    from google.protobuf import unknown_fields

    weftsim("export", folder / "full.h5", "--perfetto", folder / "full.pftrace")
    trace = descriptors.Trace()
    trace.ParseFromString((folder / "full.pftrace").read_bytes())
    assert trace.IsInitialized() and len(trace.packet) > 1000

    def check(message):
        assert not unknown_fields.UnknownFieldSet(message), message
        for field, value in message.ListFields():
            for one in value if field.is_repeated else [value]:
                if field.message_type:
                    check(one)
                elif field.enum_type:
                    assert one in field.enum_type.values_by_number

    tracks, names, categories = set(), set(), set()
    for packet in trace.packet:
        check(packet)
        if packet.sequence_flags & descriptors.TracePacket.SEQ_INCREMENTAL_STATE_CLEARED:
            assert packet.trusted_packet_sequence_id
        names |= {entry.iid for entry in packet.interned_data.event_names}
        categories |= {entry.iid for entry in packet.interned_data.event_categories}
        if packet.HasField("track_descriptor"):
            assert packet.track_descriptor.parent_uuid in tracks | {0}
            tracks.add(packet.track_descriptor.uuid)
        if packet.HasField("track_event"):
            event = packet.track_event
            assert event.track_uuid in tracks and {event.name_iid} <= names | {0} and set(event.category_iids) <= categories
            if event.type == descriptors.TrackEvent.TYPE_COUNTER:
                assert event.HasField("counter_value") or event.HasField("double_counter_value")

"""Hosts from NCCL's XML and models from Hugging Face's config.json, each against an example worked out by hand."""

import json
import random

import pytest
from conftest import weftsim


def gpu(bus, links, width="16", speed="32.0 GT/s PCIe", sm=90):
    inner = "".join(f'<nvlink target="{to}" count="{count}" tclass="{kind}"/>' for to, count, kind in links)
    return (
        f'<pci busid="{bus}" class="0x030200" vendor="0x10de" device="0x2330" subsystem_vendor="0x10de" subsystem_device="0x16c1" '
        f'link_speed="{speed}" link_width="{width}"><gpu dev="0" sm="{sm}" rank="0" gdr="1">{inner}</gpu></pci>'
    )


def nic(name, speed=400000, ports=1):
    nets = "".join(
        f'<net name="{name}" dev="0" speed="{speed}" port="{p + 1}" latency="0.000000" guid="0xa87cb10003e1a258" maxconn="131072" gdr="1"/>' for p in range(ports)
    )
    return f'<pci busid="0000:19:00.0" class="0x020700" vendor="0x15b3" device="0x1021" link_speed="32.0 GT/s PCIe" link_width="16"><nic>{nets}</nic></pci>'


def system(*parts, cpu='numaid="0" affinity="ffff" arch="x86_64" vendor="GenuineIntel" familyid="6" modelid="143"'):
    return f'<system version="1">\n  <cpu {cpu}>\n    ' + "\n    ".join(parts) + "\n  </cpu>\n</system>\n"


NVS = "0x068000"
# Four NVSwitches with 5 + 4 + 5 + 4 = 18 links: an H100 host with two GPUs, their NICs behind one PCIe switch, and a slower NIC.
SWITCHED = system(
    '<pci busid="0000:16:00.0" class="0x060400" vendor="0x1000" device="0xc030" link_speed="32.0 GT/s PCIe" link_width="16">'
    + gpu("0000:18:00.0", [("0000:07:00.0", 5, NVS), ("0000:06:00.0", 4, NVS), ("0000:05:00.0", 5, NVS), ("0000:08:00.0", 4, NVS)])
    + nic("mlx5_0")
    + "</pci>",
    gpu("0000:2a:00.0", [("0000:07:00.0", 5, NVS), ("0000:06:00.0", 4, NVS), ("0000:05:00.0", 5, NVS), ("0000:08:00.0", 4, NVS)]),
    nic("mlx5_1"),
    nic("mlx5_2", 100000),
)


def imported(tmp_path, text, *more):
    (tmp_path / "topo.xml").write_text(text)
    done = weftsim("import", "nccl-topo", tmp_path / "topo.xml", "--out", tmp_path / "host.yaml", *more)
    yaml = (tmp_path / "host.yaml").read_text() if done.code == 0 else ""
    return [line.split("#")[0].rstrip() for line in yaml.splitlines() if not line.startswith("#")], done


def test_a_host_with_nvswitches(tmp_path):
    # 18 links x 25 GB/s = 450 GB/s; 32 GT/s x 16 lanes / 8 x 128/130 x 80 % = 50.41 GB/s.
    lines, done = imported(tmp_path, SWITCHED)
    assert lines == [
        "gpus_per_host: 2", "scale_up:", "  kind: nvswitch", "  domain: 2", '  bandwidth: "450 GB/s"',
        "nics:", "  count: 2", '  bandwidth: "400 Gb/s"', "pcie:", '  bandwidth: "50.41 GB/s"',
    ]  # fmt: skip
    for said in ("mlx5_2 of 100 Gb/s", "1 PCIe bridges", "latency of a NIC", "latency between GPUs"):
        assert said in done.stderr


def test_a_mesh_of_nvlinks(tmp_path):
    a, b, c = (f"000{i}:00:00.0" for i in (1, 2, 3))
    text = system(*(gpu(x, [(y, n, "0x030200") for y, n in links], sm=80) for x, links in ((a, [(b, 8), (c, 4)]), (b, [(a, 8), (c, 4)]), (c, [(a, 4), (b, 4)]))))
    lines, _ = imported(tmp_path, text, "--preset", "dgx-a100")
    assert lines[:6] == ["preset: dgx-a100", "gpus_per_host: 3", "scale_up:", "  kind: mesh", "  domain: 3", '  bandwidth: "300 GB/s"']
    assert lines[6] == '  mesh: "0-1x8 0-2x4 1-2x4"'
    assert "does not say the same" in imported(tmp_path, text.replace('count="8"', 'count="9"', 1))[1].stderr


def test_hosts_of_one_nvlink_domain_and_a_virtual_machine(tmp_path):
    def tray(host):
        return f'<cpu host_hash="{host}" numaid="-1">{gpu("0008:06:00.0", [("fffffff:ff:ff.0", 18, NVS)], "0", "", 100) * 4}{nic("mlx5_0") * 4}</cpu>'

    lines, done = imported(tmp_path, f'<system version="1">{tray("0x1")}{tray("0x2")}</system>')
    assert lines == ["gpus_per_host: 4", "scale_up:", "  kind: nvswitch", "  domain: 8", '  bandwidth: "900 GB/s"', "nics:", "  count: 4", '  bandwidth: "400 Gb/s"']
    assert "no PCIe speed" in done.stderr


def test_ports_and_pcie_hosts(tmp_path):
    lines, _ = imported(tmp_path, system(gpu("0000:01:00.0", [], "8", "16.0 GT/s PCIe", 89), nic("mlx5_0", 100000, ports=2)))
    # 16 GT/s x 8 / 8 x 128/130 x 80 % = 12.60 GB/s
    assert '  kind: pcie' in lines and '  bandwidth: "12.6' in "\n".join(lines) and "  ports: 2" in lines and '  bandwidth: "200 Gb/s"' in lines


def test_an_imported_host_is_a_preset(tmp_path, small):
    _, done = imported(tmp_path, SWITCHED, "--preset", "dgx-h100")
    assert done.code == 0, done.stderr
    small["cluster"]["host"] = {"preset": "host.yaml"}
    small["cluster"]["accelerator"] = "h100-sxm"
    small["workload"]["parallel"]["tp"] = 2
    (tmp_path / "job.yaml").write_text(json.dumps(small))
    done = weftsim("check", tmp_path / "job.yaml")
    assert done.code == 0 and "gpus_per_host: 2" in done.stdout and "500 ns" in done.stdout, done.stderr
    small["cluster"]["host"] = {"preset": "nowhere.yaml"}
    (tmp_path / "job.yaml").write_text(json.dumps(small))
    assert "no such file" in weftsim("check", tmp_path / "job.yaml").stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.replace('<gpu dev="0"', '<gpu novel="1" dev="0"', 1), "novel of <gpu>"),
        (lambda t: t.replace("</cpu>", "<cxl/></cpu>"), "<cxl> (line"),
        (lambda t: t.replace('sm="90"', 'sm="ninety"', 1), "topo.xml:3: gpu: sm="),
        (lambda t: t.replace('count="5"', 'count="99999999999999999999"', 1), "nvlink: count="),
        (lambda t: t.replace('count="5"', 'count="4"', 1), "NVLinks into the switch"),
        (lambda t: t.replace("system", "graphs"), "is no topology of NCCL"),
        (lambda t: '<!DOCTYPE x [<!ENTITY e "x">]>' + t, "document type"),
        (lambda t: "<system>" * 100 + "</system>" * 100, "nested deeper"),
        (lambda t: t[: len(t) // 2], "no XML"),
        (lambda _: "<system/>", "no GPU"),
    ],
)
def test_what_is_odd_is_named(tmp_path, change, says):
    assert says in imported(tmp_path, change(SWITCHED))[1].stderr


def test_damaged_files_never_crash_it(tmp_path):
    dice = random.Random(9)
    for _ in range(150):
        text = bytearray(SWITCHED.encode())
        for _ in range(dice.randint(1, 8)):
            at = dice.randrange(len(text))
            if dice.random() < 0.5:
                text[at] = dice.randrange(256)
            else:
                text[at : at + dice.randrange(40)] = text[dice.randrange(len(text)) :][: dice.randrange(40)]
        (tmp_path / "topo.xml").write_bytes(text)
        assert weftsim("import", "nccl-topo", tmp_path / "topo.xml", "--quiet").code in (0, 2)


LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 8192, "rms_norm_eps": 1e-05,
    "tie_word_embeddings": False, "hidden_act": "silu", "torch_dtype": "bfloat16",
}  # fmt: skip


def test_a_model_of_hugging_face(tmp_path, small):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    done = weftsim("import", "hf-config", tmp_path / "config.json", "--out", tmp_path / "model.yaml")
    assert done.code == 0, done.stderr
    lines = (tmp_path / "model.yaml").read_text().splitlines()
    for line in ("layers: 32", "hidden: 4096", "heads: 32", "kv_heads: 8", "head_dim: 128", "ffn_hidden: 14336", "gated_mlp: true", "vocab: 128256", "seq_len: 8192"):
        assert line in lines
    steps = []
    for model in ("model.yaml", "config.json"):  # the two say the same
        small["workload"]["model"] = f"./{model}"
        (tmp_path / "job.yaml").write_text(json.dumps(small))
        done = weftsim("run", tmp_path / "job.yaml", "--json", "-")
        steps.append(done.json()["step_time_s"])
    assert steps[0] == steps[1]


def test_what_is_no_config_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert weftsim("import", "hf-config", tmp_path / "config.json").code == 2
    assert "unknown kind" in weftsim("import", "magic", tmp_path / "config.json").stderr

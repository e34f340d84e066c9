"""A topology of one's own: a ring of leaves with chords, and what it gives an all-to-all. Needs networkx and matplotlib."""

import matplotlib.pyplot as plt
import networkx as nx
import weftsim


def ring_of_leaves(chord):
    """Sixteen NICs on each leaf; each leaf is joined to the next, and to the one `chord` further."""

    def links(nics):
        graph = nx.Graph()
        leaves = nics // 16
        for nic in range(nics):
            graph.add_edge(f"h{nic}", f"leaf-{nic // 16}", bandwidth="200 Gb/s", latency="300 ns")
        for leaf in range(leaves):
            for step in {1, chord}:
                graph.add_edge(f"leaf-{leaf}", f"leaf-{(leaf + step) % leaves}", bandwidth="1600 Gb/s", latency="300 ns")
        return graph

    return links


switches = {"switch_latency": "130 ns", "routing": "ecmp", "radix": 32}
chords = [1, 2, 3, 5]
bandwidths = []
for chord in chords:
    cluster = weftsim.Cluster(128, "a100-sxm-80g", "dgx-a100", {"type": "file", "links": ring_of_leaves(chord), **switches})
    row = weftsim.collective(cluster.scenario(), "all_to_all", ranks=128, min="64M", max="64M")["rows"][0]
    bandwidths.append(row["busbw_GBps"])
    print(f"chord {chord}: bisection {cluster.fabric().report['bisection_bandwidth_bps'] * 1e-12:.1f} Tb/s, all-to-all {bandwidths[-1]:.1f} GB/s")
plt.bar([str(chord) for chord in chords], bandwidths)
plt.xlabel("chord"), plt.ylabel("all-to-all, GB/s"), plt.title("128 A100 on eight leaves")
plt.savefig("own_topology.svg")

"""A pipeline schedule of one's own: GPipe in groups, which fills and drains the pipeline once a group. Needs matplotlib."""

import matplotlib.pyplot as plt
import weftsim


def grouped(size):
    """All forward passes of `size` micro-batches, then all their backward passes; and so on."""

    def schedule(shape, stage):
        for first in range(0, shape.micro_batches, size):
            group = range(first, min(first + size, shape.micro_batches))
            yield from (("F", m) for m in group)
            yield from (("B", m) for m in group)

    return schedule


job = weftsim.Scenario("sc21-145b").changed({"workload.parallel.virtual_stages": 1})
sizes = [8, 12, 16, 24, 48]
runs = [weftsim.run(job.changed({"workload.schedule": grouped(size)}), trace="none") for size in sizes]
memory = [run.memory_per_gpu_bytes["total"] / 2**30 for run in runs]
for size, run, gib in zip(sizes, runs, memory):
    print(f"groups of {size:2}: {run.step_time_s:.2f} s, {run.breakdown_s['pp_bubble']:.2f} s of it bubble, {gib:.1f} GiB")
plt.plot(memory, [run.step_time_s for run in runs], marker="o")
plt.xlabel("memory of the fullest GPU, GiB"), plt.ylabel("step time, s"), plt.title("145B GPT on 1,536 A100")
plt.savefig("own_schedule.svg")

"""Step time of one model over the tensor-parallel degree, with its 90 % interval. Needs matplotlib."""

import matplotlib.pyplot as plt
import weftsim

job = weftsim.Scenario("sc21-18b")
del job["workload.parallel.dp"]  # follows from the rest
degrees = [1, 2, 4, 8]
runs = [weftsim.run(job.changed({"workload.parallel.tp": tp, "workload.micro_batch": 4}), trace="none") for tp in degrees]
for tp, run in zip(degrees, runs):
    print(f"tp {tp}: {run.step_time_s:6.2f} s", "" if run.memory_per_gpu_bytes["fits"] else "(does not fit)")
below, above = zip(*((r.step_time_s - r.step_time_interval_s[0], r.step_time_interval_s[1] - r.step_time_s) for r in runs))
plt.errorbar(degrees, [r.step_time_s for r in runs], yerr=[below, above], marker="o", capsize=4)
plt.xlabel("tensor parallel"), plt.ylabel("step time, s"), plt.title("18B GPT on 256 A100")
plt.savefig("tp_sweep.svg")

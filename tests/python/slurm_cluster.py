"""A real Slurm on this machine for the time of a test: one controller, a few nodes, all on 127.0.0.1."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

CONFIGURATION = """
ClusterName=weftsim
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
MpiDefault=none
SwitchType=switch/none
MailProg=/bin/true
ReturnToService=2
SlurmdTimeout=4
MessageTimeout=2
KillWait=2
SlurmdParameters=config_overrides
{nodes}
PartitionName=batch Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class CannotStart(Exception):
    """Why there is no Slurm here, as a sentence."""


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class SlurmCluster:
    """`with SlurmCluster(folder) as cluster`: commands find it through `cluster.environment`."""

    def __init__(self, folder: Path, nodes: int = 3):
        missing = [name for name in ("slurmctld", "slurmd", "sbatch", "squeue") if not shutil.which(name, path=self.path())]
        if missing:
            raise CannotStart(f"Slurm is not installed here ({', '.join(missing)}; Debian: slurm-wlm)")
        self.folder, self.daemons = folder, {}
        self.nodes = [f"n{i}" for i in range(nodes)]
        self.environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": self.path()}

    @staticmethod
    def path() -> str:
        return os.environ["PATH"] + ":/usr/sbin:/sbin"

    def __enter__(self):
        ports, host = free_ports(1 + len(self.nodes)), socket.gethostname().split(".")[0]
        lines = (f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory=100 State=UNKNOWN"
                 for name, port in zip(self.nodes, ports[1:]))
        self.folder.mkdir()
        (self.folder / "state").mkdir()
        user = pwd.getpwuid(os.getuid()).pw_name
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(host=host, ports=ports, user=user, folder=self.folder, nodes="\n".join(lines)))
        try:
            self.start("slurmctld", "-D", "-c")
            for name in self.nodes:
                self.start(name, "-D", "-N", name, program="slurmd")
            self.wait_for(lambda: self.ask("sinfo", "-h", "-t", "idle", "-o", "%D").strip() == str(len(self.nodes)), 20)
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self, name: str, *arguments: str, program: str | None = None) -> None:
        with open(self.folder / f"{name}.out", "w") as out:
            self.daemons[name] = subprocess.Popen([program or name, *arguments], env=self.environment, stdout=out, stderr=out,
                                                  stdin=subprocess.DEVNULL)

    def wait_for(self, condition, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not condition():
            for name, daemon in self.daemons.items():
                if daemon.poll() is not None:
                    last = (self.folder / f"{name}.out").read_text().strip().splitlines()[-1:]
                    raise CannotStart(f"Slurm does not start here: {name} ended with {daemon.returncode}: {' '.join(last)}")
            if time.monotonic() > end:
                raise CannotStart(f"Slurm did not become ready within {seconds} s")
            time.sleep(0.2)

    def ask(self, *command: str) -> str:
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout

    def processes(self, name: str) -> list[int]:
        """Those of the jobs on a node: their step daemons, which have left the node's daemon, then the scripts and what they run."""
        mine = {f"SLURMD_NODENAME={name}".encode(), f"SLURM_CONF={self.folder}/slurm.conf".encode()}
        scripts, steps = [], []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if mine <= set((process / "environ").read_bytes().split(b"\0")):
                    scripts.append(int(process.name))
                    parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                    if Path(f"/proc/{parent}/cmdline").read_bytes().startswith(b"slurmstepd"):
                        steps.append(parent)
            except OSError:  # it has ended, or is not ours
                continue
        return steps + scripts

    def kill(self, name: str) -> None:
        for pid in self.processes(name):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def lose(self, name: str) -> None:
        """The node is gone, as if its power had failed."""
        daemon = self.daemons.pop(name)
        daemon.kill()
        self.kill(name)
        daemon.wait()

    def __exit__(self, *_):
        for name in self.nodes:
            self.kill(name)
        for daemon in reversed(list(self.daemons.values())):
            daemon.terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

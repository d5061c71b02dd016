"""Slurm's commands, as far as the launcher uses them, with processes of this machine: `fake_slurm.py COMMAND ARGUMENTS`.

The state is in the folder $FAKE_SLURM: a file for each job with its state, and `<job>.requeue` or `<job>.cancel` for requests.
Two jobs of an array run at a time.
"""

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

STATE = Path(os.environ["FAKE_SLURM"])
OVER = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT")


def jobs():
    for path in sorted(STATE.glob("*.job")):
        name, state = path.read_text().split("|")
        yield path.stem, name, state


def sbatch(script):
    text = Path(script).read_text()
    name = re.search(r"--job-name=(\S+)", text)[1]
    array = re.search(r"--array=0-(\d+)", text)
    STATE.mkdir(exist_ok=True)
    number = len(list(STATE.glob("*.array"))) + 1
    (STATE / f"{number}.array").touch()
    names = [f"{number}_{index}" for index in range(int(array[1]) + 1)] if array else [str(number)]
    for job in names:
        (STATE / f"{job}.job").write_text(f"{name}|PENDING")
    subprocess.Popen(
        [sys.executable, __file__, "control", script, name, *names],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    print(f"Submitted batch job {number}")


def control(script, name, *names):
    """The controller of an array."""
    waiting, running = list(names), {}
    while waiting or running:
        for job in [job for job in waiting if (STATE / f"{job}.cancel").exists()]:
            waiting.remove(job)
            (STATE / f"{job}.job").write_text(f"{name}|CANCELLED")
        while waiting and len(running) < 2:
            job = waiting.pop(0)
            number, _, index = job.partition("_")
            facts = {"SLURM_JOB_ID": number, "SLURM_CPUS_ON_NODE": "1", "SLURMD_NODENAME": f"n{len(running) + 1}"}
            facts |= {"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": index} if index else {}
            (STATE / f"{job}.job").write_text(f"{name}|RUNNING")
            running[job] = subprocess.Popen(["bash", script], env={**os.environ, **facts}, start_new_session=True)
            (STATE / f"{job}.pid").write_text(str(running[job].pid))
        for job, process in list(running.items()):
            if (STATE / f"{job}.cancel").exists() or (STATE / f"{job}.requeue").exists():
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
            if process.poll() is None:
                continue
            del running[job]
            if (STATE / f"{job}.requeue").exists():
                (STATE / f"{job}.requeue").unlink()
                waiting.append(job)
                state = "PENDING"
            elif (STATE / f"{job}.cancel").exists():
                state = "CANCELLED"
            else:
                state = "FAILED" if process.returncode else "COMPLETED"
            (STATE / f"{job}.job").write_text(f"{name}|{state}")
        time.sleep(0.05)


def squeue(*arguments):
    values = dict(itertools.pairwise(arguments))
    for job, name, state in jobs():
        if state in OVER or values.get("-n", name) != name or values.get("-j", job) != job:
            continue
        facts = {"%K": job.partition("_")[2] or "N/A", "%T": state, "%N": "n1" if state == "RUNNING" else ""}
        print(re.sub("%[KTN]", lambda found, facts=facts: facts[found[0]], values["-o"]))


def sacct(*arguments):
    wanted = arguments[arguments.index("-j") + 1]
    for job, _, state in jobs():
        if job == wanted:
            print(f"{job}|{state}|{'1:0' if state == 'FAILED' else '0:0'}")


def scancel(argument):
    for job, name, _ in jobs():
        if argument == f"--name={name}":
            (STATE / f"{job}.cancel").touch()


def scontrol(action, job, *_):
    assert action == "requeue", action
    (STATE / f"{job}.requeue").touch()


def sinfo(*_):
    print("main*|(null)")


def srun(*arguments):
    start = next(position for position, argument in enumerate(arguments) if "python" in argument)
    outputs = dict(itertools.pairwise(arguments[:start]))
    job = "_".join(filter(None, [os.environ["SLURM_JOB_ID"], os.environ.get("SLURM_ARRAY_TASK_ID")]))
    number, _, index = job.partition("_")
    for name, stream in (("--output", 1), ("--error", 2)):
        path = outputs[name].replace("%j", job).replace("%A", number).replace("%a", index).replace("%t", "0")
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    os.execvp(arguments[start], arguments[start:])


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])

"""hydra/launcher=ray: each run is a task of Ray, in a cluster (`hydra.launcher.ray.init.address`) or in one started here.

A task is never restarted by Ray itself: a run whose worker or node died is launched again by the sweep, which counts its
deaths. If the machines share the folder of the study, a run writes there. Otherwise its folder is sent to the worker, and comes
back as one archive at the end.
"""

from __future__ import annotations

import math
import os
import re
import socket
import time
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn

from ablate.core.errors import RunLockedError, UsageError
from ablate.engine.jobs import RunContext
from ablate.engine.launchers import bundle, cluster
from ablate.engine.launchers.cluster import Work
from ablate.storage import locks
from ablate.storage.files import temporary_prefix
from ablate.storage.records import attempts_of

POLL_SECONDS = 1.0
END_SECONDS = 10.0  # after an interruption, for tasks to record it
PROBE_SECONDS = 60.0
ANSWER_SECONDS = 10.0  # for the head of a cluster to accept a connection; Ray itself would try for minutes
OF_THE_MACHINE = (
    "RAY_",
    "SLURM_",
    "CUDA_VISIBLE_DEVICES",
    "HOME",
    "HOSTNAME",
    "LD_",
    "PATH",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "TMPDIR",
    "_",
)
AUTHENTICATION = ". Is RAY_AUTH_MODE (token or disabled) here what it is on the cluster?"  # Ray's own message does not ask
LOCAL = "local"  # as an address: start a cluster on this machine
LOCAL_DEFAULTS = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
CLUSTER_DEFAULTS = {"log_to_driver": False, "logging_level": "ERROR"}


@dataclass
class Task:
    """A task that was handed to Ray. While its folder is elsewhere, this process holds the lock of its run."""

    number: int
    job: str
    attempts: int
    held: ExitStack = field(default_factory=ExitStack)


class Ray(cluster.ClusterLauncher):
    """Runs tasks of Ray, and waits for them."""

    def run(self, runs: Sequence[RunContext], overrides: Sequence[list[str]]) -> list[JobReturn | None]:
        import ray

        options = self.options.get("ray") or {}
        local = self._connect(options.get("init") or {})
        try:
            shared = local or _is_shared(cluster.study_of(runs[0]))
            if not shared:
                print("The nodes do not share the folder of the study: runs are sent to them and brought back.", flush=True)
            return self._run(runs, overrides, dict(options.get("remote") or {}), shared, local)
        finally:
            ray.shutdown()

    def _connect(self, asked: Mapping[str, Any]) -> bool:
        """Connect to a cluster, or start one here. Returns whether it was started here."""
        import ray

        address = asked.get("address") or os.environ.get("RAY_ADDRESS") or LOCAL
        local = address == LOCAL
        if not local:
            _refuse_unreachable(str(address))
        defaults = LOCAL_DEFAULTS if local else CLUSTER_DEFAULTS
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # the behavior to come; unset, Ray warns
        init = {**defaults, **{key: value for key, value in asked.items() if value is not None}}
        if local:
            init["address"] = LOCAL  # without it, Ray would join a cluster that happens to run on this machine
        if local and isinstance(self.study.n_jobs, int):
            each = ((self.options.get("ray") or {}).get("remote") or {}).get("num_cpus") or 1
            init.setdefault("num_cpus", math.ceil(self.study.n_jobs * each))
        try:
            ray.init(**init)
        except (ConnectionError, ValueError, TypeError, RuntimeError) as error:
            hint = AUTHENTICATION if not local and isinstance(error, ConnectionError) else ""
            raise UsageError(f"hydra.launcher.ray.init: {str(error).splitlines()[0]}{hint}") from None
        return local

    def _run(
        self, runs: Sequence[RunContext], overrides: Sequence[list[str]], remote: dict[str, Any], shared: bool, local: bool
    ) -> list[JobReturn | None]:
        import ray

        remote = {"num_cpus": 1, "max_retries": 0, **remote}
        if "num_gpus" not in remote and _resources().get("GPU"):
            remote["num_gpus"] = 1
        if not local:
            variables = {**_environment(), **(remote.get("runtime_env") or {}).get("env_vars", {})}
            remote["runtime_env"] = {**(remote.get("runtime_env") or {}), "env_vars": variables}
        _warn_if_too_large(remote)
        execute: Any = ray.remote(_execute).options(**remote)
        work = ray.put(self.work)
        most = len(runs) if shared else _capacity(remote)  # a run whose folder is elsewhere is locked here
        if not local and isinstance(self.study.n_jobs, int):
            most = min(most, self.study.n_jobs)
        waiting, tasks = deque(range(len(runs))), dict[Any, Task]()
        returns: list[JobReturn | None] = [None] * len(runs)
        try:
            while waiting or tasks:
                while waiting and len(tasks) < most:
                    number = waiting.popleft()
                    task = Task(number, f"ray-{uuid.uuid4().hex[:12]}", attempts_of(Path(runs[number].directory)))
                    sent = None
                    if not shared:
                        try:
                            task.held.enter_context(locks.hold(Path(runs[number].directory)))
                        except RunLockedError:
                            continue  # the sweep waits for it
                        sent = bundle.pack(Path(runs[number].directory))
                    tasks[execute.remote(work, overrides[number], number, task.job, sent)] = task
                ready, _ = ray.wait(list(tasks), timeout=POLL_SECONDS) if tasks else ([], [])
                for reference in ready:
                    task = tasks.pop(reference)
                    returns[task.number] = _ended(runs[task.number], task, reference, shared)
        except BaseException:
            _stop(runs, tasks)
            raise
        return returns


def _execute(
    work: Work, overrides: list[str], number: int, job: str, sent: bytes | None
) -> tuple[JobReturn | None, bytes | None]:
    """The task: execute one run, here or in a temporary folder with what was sent. If it is canceled there, nothing is lost."""
    if sent is None:
        return _small(work(overrides, number, job)), None
    with bundle.elsewhere(overrides, sent) as (changed, directory):
        try:
            result = _small(work(changed, number, job))
        except KeyboardInterrupt:
            return None, bundle.pack(directory)
        return result, bundle.pack(directory)


def _small(result: JobReturn) -> JobReturn:
    """The outcome alone, without the configurations."""
    return cluster.returned(result.return_value)


def _ended(run: RunContext, task: Task, reference: Any, shared: bool) -> JobReturn | None:
    """The outcome of a task, or a record of its death. Releases the run if it was locked here."""
    import ray
    from ray import exceptions

    try:
        with task.held:
            result, archive = ray.get(reference)
            if not shared and archive is not None:
                bundle.unpack(archive, Path(run.directory))
    except exceptions.NodeDiedError:
        cluster.settle(run, task.job, "its node died", counts=False)
        return None
    except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError) as error:
        if attempts_of(Path(run.directory)) > task.attempts:
            cluster.settle(run, task.job, f"{type(error).__name__}, its process died")
        else:  # it died before the run began, or where its record was
            locks.record_death(Path(run.directory))
        return None
    except exceptions.RayError as error:  # raised in the task, before the run began
        cause = getattr(error, "cause", None) or error
        return cluster.failed(run, f"its task failed: {type(cause).__name__}: {cause}".strip().splitlines()[0])
    return result if isinstance(result, JobReturn) else None


def _stop(runs: Sequence[RunContext], tasks: Mapping[Any, Task]) -> None:
    """Interrupt the tasks, and wait until they have recorded it."""
    import ray

    for reference in tasks:
        ray.cancel(reference, recursive=False)
    deadline = time.monotonic() + END_SECONDS
    left = list(tasks)
    while left and time.monotonic() < deadline:
        _, left = ray.wait(left, num_returns=len(left), timeout=POLL_SECONDS)
    for reference, task in tasks.items():
        with task.held, suppress(ray.exceptions.RayError, OSError):  # it did not start, or did not end in time
            if reference not in left and (archive := ray.get(reference)[1]) is not None:
                bundle.unpack(archive, Path(runs[task.number].directory))
        cluster.settle(runs[task.number], task.job, "interrupted", counts=False)


def _is_shared(study: Path) -> bool:
    """Whether all nodes see the folder of the study."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    token = cluster.jobs_folder(study) / f"{temporary_prefix('shared')}{os.urandom(4).hex()}"
    token.touch()
    try:
        probe: Any = ray.remote(_exists)
        nodes = [node["NodeID"] for node in _nodes() if node["Alive"]]
        asked = [
            probe.options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(str(token))
            for node in nodes
        ]
        return all(ray.get(asked, timeout=PROBE_SECONDS))
    except ray.exceptions.RayError:  # a node that does not answer, or cannot import this package
        return False
    finally:
        with suppress(OSError):
            token.unlink()


def _resources() -> dict[str, float]:
    """What the cluster has: CPU, GPU, …"""
    import ray

    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call, unused-ignore]
    return found


def _nodes() -> list[dict[str, Any]]:
    import ray

    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call, unused-ignore]
    return found


def _exists(path: str) -> bool:
    return Path(path).exists()


def _capacity(remote: Mapping[str, Any]) -> int:
    """The number of tasks that the cluster can execute at a time."""
    there = _resources()
    needs = {"CPU": remote.get("num_cpus"), "GPU": remote.get("num_gpus")}
    return max(1, min((int(there.get(name, 0) / need) for name, need in needs.items() if need), default=1))


def _warn_if_too_large(remote: Mapping[str, Any]) -> None:
    """Print a warning if no node has what a run asks for: Ray would wait without a word until such a node joins."""
    needs = {"CPU": remote.get("num_cpus"), "GPU": remote.get("num_gpus"), "memory": remote.get("memory")}
    needs |= remote.get("resources") or {}
    wanted = {name: need for name, need in needs.items() if need}
    nodes = [node["Resources"] for node in _nodes() if node["Alive"]]
    if not any(all(node.get(name, 0) >= need for name, need in wanted.items()) for node in nodes):
        asked = ", ".join(f"{name}={need:g}" for name, need in wanted.items())
        print(
            f"Warning: no node of the Ray cluster has what each run asks for ({asked}). The runs wait until such a node joins; "
            "see hydra.launcher.ray.remote.",
            flush=True,
        )


def _environment() -> dict[str, str]:
    """The environment of this process for tasks, without what describes this machine."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OF_THE_MACHINE) or name == "PYTHONPATH"}


def _refuse_unreachable(address: str) -> None:
    """Raise a UsageError if nothing listens at HOST:PORT. Other addresses, such as `auto`, are left to Ray."""
    found = re.fullmatch(r"([^/]+):(\d+)", address)
    if found is None:
        return
    try:
        socket.create_connection((found[1], int(found[2])), timeout=ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"hydra.launcher.ray.init.address={address}: no cluster answers there ({reason}).") from None

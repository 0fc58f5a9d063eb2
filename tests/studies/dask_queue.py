"""The queue by two dask workers of which one is killed: python -m tests.studies.dask_queue FOLDER."""

import importlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import sleepviz.studies.queue
from sleepviz.studies.crew import machines
from sleepviz.studies.queue import run_queue
from tests.studies.test_queue_workers import few, of_fewer


def main(folder: Path) -> None:
    """Kill the first worker that has a task, and measure."""
    sleepviz.studies.queue.measurements_of = few
    sleepviz.studies.queue.measured_together = of_fewer
    distributed: Any = importlib.import_module("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        client = distributed.Client(cluster)

        def kill() -> None:
            while not (busy := {address for address, tasks in client.processing().items() if tasks}):
                time.sleep(0.05)
            address = busy.pop()
            pid = client.run(os.getpid, workers=[address])[address]
            os.kill(pid, signal.SIGKILL)
            (folder / "killed").write_text(str(pid))

        killer = threading.Thread(target=kill)
        killer.start()
        run_queue(only="depo", folder=folder / "dask", crew=machines(cluster.scheduler_address))
        killer.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

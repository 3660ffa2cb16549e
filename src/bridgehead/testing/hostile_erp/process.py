"""The system as a process of its own, for tests, drills and benches: started, switched, judged, stopped."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from bridgehead.kernel.clock import SystemClock
from bridgehead.testing.hostile_erp.book import Judgement, judge

FILE = "erp.db"
UP_WITHIN = 20.0
"""Seconds within which it is there again after a restart."""


class HostileErp:
    """A running system. It ends with this process: its input ends then."""

    def __init__(self, folder: Path, process: subprocess.Popen[str], url: str) -> None:
        self.folder, self.url, self.mcp_url = folder, url, f"{url}/mcp"
        self._process = process
        self._clock = SystemClock()

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        faults: str = "none",
        seed: int = 0,
        keys: bool = False,
        late: str = "50ms..300ms",
        port: int = 0,
    ) -> HostileErp:
        """Start the system with its file in ``folder``. Raises ``RuntimeError`` where it does not start."""
        command = [sys.executable, "-m", "bridgehead.testing.hostile_erp", "--until-input-ends"]
        command += ["--folder", str(folder), "--faults", faults, "--seed", str(seed), "--late", late]
        command += ["--port", str(port), *(["--keys"] if keys else [])]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            process.communicate()
            raise RuntimeError(f"the system did not start (exit code {process.returncode})")
        return cls(folder, process, url)

    @property
    def file(self) -> Path:
        """The file that says what really happened."""
        return self.folder / FILE

    @property
    def pid(self) -> int:
        """Its process id; the same after it restarted itself."""
        return self._process.pid

    def judge(self, references: Iterable[str]) -> Judgement:
        """Count from its own file how often each reference was posted."""
        return judge(self.file, references)

    def set_faults(self, faults: str, **more: Any) -> None:
        """Change what goes wrong from now on; see ``Faults.parse``."""
        self._admin("faults", {"faults": faults, **more})

    def next(self, reference: str, faults: Sequence[str]) -> None:
        """Let these faults strike a reference's next changes: ``loses-reply``, ``hangs:after``, ``none``."""
        self._admin("next", {"reference": reference, "faults": list(faults)})

    def kill(self) -> None:
        """SIGKILL it; its file stays. Start it again with the same folder and port."""
        self._process.kill()
        self._process.communicate()

    def stop(self) -> None:
        """Let it end by itself."""
        self._process.communicate()

    def _admin(self, what: str, values: dict[str, Any]) -> None:
        until = self._clock.monotonic() + UP_WITHIN
        while True:
            line = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=UP_WITHIN)
            try:
                line.request("POST", f"/admin/{what}", json.dumps(values))
                answer = line.getresponse()
                told = answer.read()
                break
            except ConnectionError:  # it restarts just now
                if self._process.poll() is not None or self._clock.monotonic() > until:
                    raise
                time.sleep(0.02)
            finally:
                line.close()
        if answer.status != 200:
            raise ValueError(f"the system refused: {told.decode()}")

    def __enter__(self) -> HostileErp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

"""Load functions of a release from its snapshot, side by side with those of other releases.

Files of a folder may import each other by name. Each release gets modules of its own, compiled from
the source that its digest covers; bytecode lying about is never run.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from bridgehead.kernel.errors import EngineError

_loading = threading.Lock()
"""Held while a release's files are imported: they pass through ``sys.modules`` under plain names."""


class FromSource(importlib.machinery.SourceFileLoader):
    """Compiles what is written, whatever bytecode lies beside it."""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.get_data(self.path), self.path, "exec", dont_inherit=True)


class Siblings(MetaPathFinder):
    """Finds the other Python files of one folder by their names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        file = self._folder / f"{fullname}.py"
        if "." in fullname or not file.is_file():
            return None
        return importlib.util.spec_from_file_location(fullname, file, loader=FromSource(fullname, str(file)))


class Code:
    """The Python files of one release; each is loaded once."""

    def __init__(self, folder: Path, release: str) -> None:
        self._folder = folder
        self._package = f"bridgehead_release_{release[:16]}"
        self._modules: dict[str, ModuleType] = {}

    def function(self, name: str) -> Callable[..., Any]:
        """Return ``file.py:name``. Raises ``EngineError`` (BH-RUN-005) when it cannot be loaded."""
        file, _, attribute = name.partition(":")
        with _loading:
            module = self._modules.get(file)
            if module is None:
                module = self._modules[file] = self._load(file)
        found = getattr(module, attribute, None)
        if not callable(found):
            raise EngineError(
                "BH-RUN-005", f"{name} is not a function", fix="Name it in the charter as `file.py:name`."
            )
        return found  # type: ignore[no-any-return]  # code of a deployment: its type is nobody's to know

    def _load(self, file: str) -> ModuleType:
        path = self._folder / file
        name = f"{self._package}_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path, loader=FromSource(name, str(path)))
        if spec is None or spec.loader is None:
            raise EngineError("BH-RUN-005", f"{file} is not a Python file of this release")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look there
        try:
            with _siblings(self._folder):
                spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise EngineError(
                "BH-RUN-005",
                f"{file} cannot be loaded: {type(error).__name__}: {error}",
                fix="Run `bridgehead check` on the folder.",
            ) from error
        return module


@contextmanager
def _siblings(folder: Path) -> Iterator[None]:
    """Let the files of a folder import each other, and leave nothing of them behind in the process."""
    stems = {path.stem for path in folder.glob("*.py")} - sys.stdlib_module_names
    shadowed = {stem: sys.modules.pop(stem) for stem in stems if stem in sys.modules}
    finder = Siblings(folder)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for stem in stems:
            sys.modules.pop(stem, None)
        sys.modules.update(shadowed)

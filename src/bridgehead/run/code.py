"""Load functions of a release from its snapshot, side by side with those of other releases."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from bridgehead.kernel.errors import EngineError


class Code:
    """The Python files of one release. A module is loaded once, under a name of its release."""

    def __init__(self, folder: Path, release: str) -> None:
        self._folder = folder
        self._package = f"bridgehead_release_{release[:16]}"
        self._modules: dict[str, ModuleType] = {}

    def function(self, name: str) -> Callable[..., Any]:
        """Return ``file.py:name``. Raises ``EngineError`` (BH-RUN-005) when it cannot be loaded."""
        file, _, attribute = name.partition(":")
        found = getattr(self._module(file), attribute, None)
        if not callable(found):
            raise EngineError(
                "BH-RUN-005", f"{name} is not a function", fix="Name it in the charter as `file.py:name`."
            )
        return found  # type: ignore[no-any-return]

    def _module(self, file: str) -> ModuleType:
        known = self._modules.get(file)
        if known is None:
            known = self._modules[file] = self._load(file)
        return known

    def _load(self, file: str) -> ModuleType:
        path = self._folder / file
        name = f"{self._package}_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise EngineError("BH-RUN-005", f"{file} is not a Python file of this release")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        # A snapshot is immutable: no __pycache__ may appear in it. Its own files may import each other.
        before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        sys.path.insert(0, str(self._folder))
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[name]
            raise EngineError(
                "BH-RUN-005",
                f"{file} cannot be loaded: {type(error).__name__}: {error}",
                fix="Run `bridgehead check` on the folder.",
            ) from error
        finally:
            sys.path.remove(str(self._folder))
            sys.dont_write_bytecode = before
        return module

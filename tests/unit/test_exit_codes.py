"""What a shell learns: refused is 1; wrong usage and faults are 2."""

from __future__ import annotations

import pytest

from bridgehead.doors.cli import exit_code
from bridgehead.kernel.errors import (
    ApprovalError,
    BridgeheadError,
    CharterError,
    ConfigError,
    EngineError,
    SettlementError,
    StoreError,
    WatchError,
)

ERRORS: list[tuple[type[BridgeheadError], str, int]] = [
    (ApprovalError, "BH-APR-004", 1),  # their own request
    (ApprovalError, "BH-APR-005", 1),  # not asked
    (ApprovalError, "BH-APR-010", 1),  # may not lift the stop
    (SettlementError, "BH-SET-005", 1),  # not asked
    (EngineError, "BH-UND-003", 1),  # may not order an undo
    (CharterError, "BH-ASM-007", 1),  # the release was taken back
    (WatchError, "BH-WAT-074", 1),  # their own case
    (WatchError, "BH-WAT-073", 2),  # no such result
    (ApprovalError, "BH-APR-001", 2),  # no such question
    (SettlementError, "BH-SET-001", 2),  # no such effect
    (ConfigError, "BH-DOO-042", 2),
    (EngineError, "BH-RUN-013", 2),
    (StoreError, "BH-STO-001", 2),
]


@pytest.mark.parametrize(("kind", "code", "status"), ERRORS, ids=[code for _, code, _ in ERRORS])
def test_a_refusal_exits_with_1_and_a_fault_with_2(
    kind: type[BridgeheadError], code: str, status: int
) -> None:
    assert exit_code(kind(code, "what happened")) == status

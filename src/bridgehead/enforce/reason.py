"""Some things are done only with a reason that others can read."""

from __future__ import annotations

from bridgehead.kernel.errors import ApprovalError


def given(reason: str) -> str:
    """Return the reason, which must say something. Raises ``ApprovalError`` (BH-APR-027)."""
    if not reason.strip():
        raise ApprovalError("BH-APR-027", "a reason is needed", fix="Say why; others will read it.")
    return reason.strip()

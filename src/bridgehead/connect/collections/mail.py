"""E-mail (.eml): who wrote to whom, when, about what, and the text. Attachments are named, and not read."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

from bridgehead.connect.collections.html_text import html
from bridgehead.connect.collections.text import Text, Unreadable, Writing

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
MAX_PARTS = 200


def mail(data: bytes) -> Text:
    """Return what a message says. Raises ``Unreadable`` where there is no message, or only attachments."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    if not any(message.get(name) for name in ("From", "Date", "Subject", "Received")):
        raise Unreadable("it is no e-mail: it has no headers")
    if sum(1 for _ in message.walk()) > MAX_PARTS:
        raise Unreadable(f"it has more than {MAX_PARTS} parts")
    writing = Writing()
    subject = " ".join(str(message.get("Subject", "")).split())
    for name in _SHOWN:
        if message.get(name):
            writing.paragraph(f"{name}: {' '.join(str(message[name]).split())}")
    writing.heading(1, subject)
    _body(message, writing)
    for part in message.iter_attachments():
        if part.get_filename():
            writing.paragraph(f"Attachment: {part.get_filename()}")
    return writing.text(subject or "(no subject)")


def _body(message: EmailMessage, writing: Writing) -> None:
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return
    if part.get_content_subtype() == "html":
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            writing.paragraph(html(payload, part.get_content_charset() or "").body)
        return
    text = str(part.get_content())
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        writing.paragraph(paragraph)

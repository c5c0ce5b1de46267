import hashlib
import hmac
import time


def verify(raw_body: bytes, header: str, secret: str, now: float | None = None) -> bool:
    """True when raw_body was signed with secret in the last five minutes."""
    fields = dict(field.split("=", 1) for field in header.split(",") if "=" in field)
    sent = fields.get("t", "")
    if not sent.isdigit() or abs((time.time() if now is None else now) - int(sent)) > 300:
        return False
    expected = hmac.new(secret.encode(), sent.encode() + b"." + raw_body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(fields.get("v0", ""), expected)

"""Names that stay the same: of alerts and of the people they are about."""

import hashlib
import hmac

from pydantic import SecretStr

from streamer.alerts.contract import AlertType, Entity


def alert_id(tenant: str, transaction_id: str, alert_type: AlertType) -> str:
    """Return 32 hexadecimal digits that depend on these three and nothing else."""
    # Each part is preceded by its length, so that no two triples give the same bytes.
    parts = [part.encode() for part in (tenant, transaction_id, alert_type)]
    joined = b"".join(b"%d:%b" % (len(part), part) for part in parts)
    return hashlib.sha256(joined).hexdigest()[:32]


def entity_of(user_id: str, key: SecretStr | None) -> Entity:
    """Return whom an alert is about; with a key, nobody without it can tell the user id."""
    if key is None:
        return Entity(entity_type="user", entity_ref=user_id)
    digest = hmac.new(key.get_secret_value().encode(), user_id.encode(), hashlib.sha256)
    return Entity(entity_type="hashed_user", entity_ref=digest.hexdigest())

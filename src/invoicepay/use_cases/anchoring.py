"""The newest checkpoint signed for keeping outside, and kept ones held against the store (S-29)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from invoicepay.domain import anchors
from invoicepay.domain.anchors import Anchor
from invoicepay.domain.audit import Checkpoint
from invoicepay.errors import ConfigurationError
from invoicepay.ports.signing import CheckpointKey
from invoicepay.use_cases.looking import allow
from invoicepay.use_cases.perform import Deps


async def anchored(deps: Deps) -> Anchor | None:
    """Seal what is new and sign the newest checkpoint; None while there is no record at all.

    Raises:
        ConfigurationError: no key was given.
        ProviderUnavailable: the key service was not reached; the checkpoint is there, ask again.
    """
    await allow(deps, "audit.anchor")
    if not deps.checkpoint_keys:
        raise ConfigurationError(
            "there is no key to sign a checkpoint with", hint="Pass checkpoint_keys to the client."
        )
    point = await deps.repository.seal(deps.tenant_id, deps.clock.now()) or await _newest(deps)
    if point is None:
        return None
    key = deps.checkpoint_keys[0]
    signed = anchors.unsigned(deps.tenant_id, point, key.key_id)
    text = anchors.with_signature(signed, await key.sign(anchors.signed_bytes(signed)))
    parts = anchors.parts_of(text)
    assert parts is not None, "a signature has at most 512 bytes"
    return anchors.read(parts)


async def _newest(deps: Deps) -> Checkpoint | None:
    async with deps.repository.reader(deps.tenant_id) as reader:
        points = await reader.checkpoints()
    return points[-1] if points else None


async def broken_anchors(deps: Deps, kept: Iterable[str | Anchor], points: Sequence[Checkpoint]) -> list[str]:
    """What of the trail is not as it was when it was anchored, each in one sentence."""
    by_position = {point.position: point for point in points}
    faults = []
    for number, one in enumerate(kept, start=1):
        anchor = await _verified(deps.checkpoint_keys, one.text if isinstance(one, Anchor) else one)
        if anchor is None or anchor.tenant_id != deps.tenant_id:
            faults.append(f"anchor {number}: no key of ours signed it for this tenant")
            continue
        point = by_position.get(anchor.position)
        if point is None:
            faults.append(f"checkpoint {anchor.position}: was anchored, and is gone")
        elif point.hash != anchor.hash:
            faults.append(f"checkpoint {anchor.position}: is not the one that was anchored")
    return faults


async def _verified(keys: Sequence[CheckpointKey], text: str) -> Anchor | None:
    """The anchor if one of the keys signed it; nothing of it is read before."""
    parts = anchors.parts_of(text)
    if parts is None:
        return None
    for key in keys:
        if key.key_id == parts.key_id and await key.verify(
            anchors.signed_bytes(parts.signed), parts.signature
        ):
            return anchors.read(parts)
    return None

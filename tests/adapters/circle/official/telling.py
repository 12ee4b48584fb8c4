# mypy: ignore-errors
# ruff: noqa: T201
# It runs in the environment of the client, whose packages are not those of this project.
"""How a tour of an official client tells what became of each call; runs without this project installed."""

import json
import time
import traceback


class Told:
    """One line of JSON per call."""

    def call(self, name, act):
        """Do it and tell; returns what it returned, or None when it raised."""
        try:
            value = act()
        except Exception as error:  # noqa: BLE001 - whatever a client raises is told
            line = traceback.format_exc().strip().splitlines()[-1]
            print(json.dumps({"call": name, "ok": False, "said": f"{type(error).__name__}: {line}"[:600]}))
            return None
        print(json.dumps({"call": name, "ok": True, "said": ""}))
        return value

    def expect(self, name, is_so):
        """Tell whether something is as it should be."""
        print(json.dumps({"call": name, "ok": bool(is_so), "said": "" if is_so else "is not so"}))

    def refused(self, name, act, status, code):
        """Do it and tell whether it was refused as it should be."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever a client raises is told
            body = getattr(error, "body", "") or ""
            body = body.decode() if isinstance(body, bytes) else body
            ok = getattr(error, "status", None) == status and json.loads(body)["code"] == code
            said = "" if ok else f"{type(error).__name__} {getattr(error, 'status', '')} {body}"
            print(json.dumps({"call": name, "ok": ok, "said": said[:600]}))
        else:
            print(json.dumps({"call": name, "ok": False, "said": "was not refused"}))


def until(look, is_so, *, most=30.0):
    """Look again and again until it is so; the last look."""
    end = time.monotonic() + most
    while True:
        seen = look()
        if is_so(seen) or time.monotonic() > end:
            return seen
        time.sleep(0.1)

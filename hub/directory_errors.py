"""The two refusals that every object of the directory shares: registered twice, continued in another stream."""

from contracts.errors import ConflictError


def taken(kind: str, name: str) -> ConflictError:
    """DIRECTORY_TAKEN: an object with this id is or was there."""
    return ConflictError("DIRECTORY_TAKEN", f"the {kind} {name} is registered already")


def other_stream(kind: str) -> ConflictError:
    """DIRECTORY_STREAM: the object's own stream is another one."""
    return ConflictError("DIRECTORY_STREAM", f"this {kind} has another stream", field="stream_id")

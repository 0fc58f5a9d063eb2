"""What every group of settings is built on: one kind of error, checks, and JSON both ways."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints


class ConfigError(ValueError):
    """A setting is out of range; the message is one sentence that says what is allowed."""


def require(condition: bool, message: str) -> None:
    """Raise `ConfigError(message)` unless `condition` holds."""
    if not condition:
        raise ConfigError(message)


def require_choice(name: str, value: str, literal: Any) -> None:
    allowed = get_args(literal)
    require(value in allowed, f"{name} must be one of {', '.join(allowed)}, not {value!r}.")


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value read from JSON, its lists made tuples, is of an annotated type."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin is tuple:
        kinds = arguments[:1] * len(value) if isinstance(value, tuple) and arguments[-1] is ... else arguments
        return isinstance(value, tuple) and len(value) == len(kinds) and all(map(_fits, value, kinds))
    if arguments:  # a union
        return any(_fits(value, argument) for argument in arguments)
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    return type(value) is kind


@cache
def _kinds_of(settings: type) -> dict[str, Any]:
    """The annotated type of each setting, kept: Python works them out anew at each call, and a page has thirty."""
    return get_type_hints(settings)


class JsonRoundTrip:
    """`to_json` and `from_json` for flat frozen dataclasses whose only containers are tuples."""

    def to_json(self) -> dict[str, Any]:
        """Return a dict that `json.dumps` takes and `from_json` reads back to an equal object."""
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Build from `to_json`'s dict. Raises ConfigError on unknown names or values out of range."""
        require(isinstance(values, dict), f"{cls.__name__} must be a JSON object.")
        known = {field.name for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - known)
        require(not unknown, f"{cls.__name__} has no setting named {', '.join(unknown)}.")
        tuples = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        kinds = _kinds_of(cls)  # type: ignore[arg-type]
        for key, value in tuples.items():
            require(_fits(value, kinds[key]), f"{cls.__name__}'s {key} cannot be {str(value)[:80]!r}.")
        try:
            return cls(**tuples)
        except TypeError as error:
            raise ConfigError(f"{cls.__name__} could not be built: {error}.") from error

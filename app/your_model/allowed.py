"""Which models this server may load for a visitor: one setting of four levels, and the rule where it is not set.

    SLEEPVIZ_MODELS=nothing                    only the models that ship with the app
    SLEEPVIZ_MODELS=files                      also files that a visitor drops, 50 MB in all
    SLEEPVIZ_MODELS=FOLDER,OWNER/NAME,...      also models in these folders, and these names on the hub
    SLEEPVIZ_MODELS=anything                   also any folder of the server, and any name on the hub

Unset, it is "anything" where only this machine can reach the server, and "files" elsewhere. A value that cannot be
read allows nothing. Importing this module imports neither torch nor transformers.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import streamlit as st

from sleepviz.config.base import ConfigError, require
from sleepviz.config.outside import path_of

SETTING = "SLEEPVIZ_MODELS"
Level = Literal["nothing", "files", "listed", "anything"]
LISTED_MAX = 200  # models that one folder shows
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)
_MARKS = ("config.json", "memory.json")  # one of these, or a GGUF file, makes a folder a model
_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")


@dataclass(frozen=True)
class Allowance:
    """What may be loaded. `folders` are resolved."""

    level: Level
    folders: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    unreadable: bool = False  # the setting's value, so that nothing is allowed

    @property
    def files(self) -> bool:
        """Whether files may be dropped."""
        return self.level != "nothing"

    @property
    def anything(self) -> bool:
        """Whether any folder or hub name may be given, and code may be trusted."""
        return self.level == "anything"

    def listed(self) -> tuple[str, ...]:
        """The models that may be chosen: the hub names, and each folder that is a model or holds some."""
        found = [str(place) for folder in self.folders for place in _models_in(folder)]
        return (*found, *self.names)


def for_server() -> Allowance:
    """By the setting, else by the address that this server listens on."""
    return read_setting(os.environ.get(SETTING, ""), is_private=is_loopback(st.get_option("server.address")))


def for_visitor() -> Allowance:
    """The same for who looks at the page: the rule for a private server holds only where they look from it."""
    is_private = is_loopback(st.get_option("server.address")) and comes_from_here(dict(st.context.headers))
    return read_setting(os.environ.get(SETTING, ""), is_private=is_private)


def read_setting(value: str, *, is_private: bool) -> Allowance:
    """The setting's value -> what it allows; "" is unset."""
    written = value.strip()
    if not written:
        return Allowance("anything" if is_private else "files")
    words = ("nothing", "files", "anything")
    if written in words:
        return Allowance(written)  # type: ignore[arg-type]
    folders, names = list[Path](), list[str]()
    for entry in (part.strip() for part in written.split(",")):
        if not entry or entry in words:
            return Allowance("nothing", unreadable=True)
        if entry.startswith(("/", "~", ".")) or (path := path_of(entry)).is_absolute():
            folders.append(path_of(entry).resolve())
        elif path.is_dir():
            folders.append(path.resolve())
        elif _HUB_NAME.fullmatch(entry):
            names.append(entry)
        else:
            return Allowance("nothing", unreadable=True)
    return Allowance("listed", tuple(folders), tuple(names))


def is_loopback(address: str | None) -> bool:
    """Whether only this machine reaches a server that listens there; none given means every address."""
    if address is None:
        return False
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def comes_from_here(headers: Mapping[str, str]) -> bool:
    """Whether a request was made on this machine, for this machine: no proxy in between, no other name for it."""
    given = {name.lower(): value for name, value in headers.items()}
    if any(name.lower() in given for name in _FORWARDED):
        return False
    host = given.get("host")
    return host is None or is_loopback(urlsplit(f"//{host}").hostname)


def require_allowed(name: str, allowance: Allowance) -> None:
    """Refuse a folder or a hub name that the operator did not allow, whether or not it is there.

    Links are followed first: what is loaded must lie where it was allowed to lie. Raises ConfigError.
    """
    if allowance.anything:
        return
    require(allowance.level == "listed", "this server does not load models that a visitor names.")
    if name in allowance.names:
        return
    refusal = "this server loads only the models of its own list."
    try:
        place = path_of(name).resolve(strict=True)
        inside = _within(place, allowance) and all(
            _within(file.resolve(strict=True), allowance) for file in (place.iterdir() if place.is_dir() else ())
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(refusal) from error
    require(inside, refusal)


def _within(place: Path, allowance: Allowance) -> bool:
    return any(place == folder or folder in place.parents for folder in allowance.folders)


def _models_in(folder: Path) -> list[Path]:
    """The folder itself where it is a model, else those in it that are; nothing where it cannot be read."""
    try:
        if _is_model(folder):
            return [folder]
        return sorted(path for path in folder.iterdir() if path.is_dir() and _is_model(path))[:LISTED_MAX]
    except OSError:
        return []


def _is_model(folder: Path) -> bool:
    return any((folder / mark).is_file() for mark in _MARKS) or any(folder.glob("*.gguf"))

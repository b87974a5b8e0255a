"""Faces of folders whose names are imported only when they are asked for (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def lazy_face(
    package: str, homes: Mapping[str, Iterable[str]], here: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package that imports a name's module when the name is first used.

    >>> get, names = lazy_face("mathematics", {"math": ["sqrt"]}, here=["PI"])
    >>> get("sqrt")(9.0), names()
    (3.0, ['PI', 'sqrt'])

    Args:
        package: Name of the package, for the message about an unknown name.
        homes: Full name of a module -> names that come from it.
        here: Names that the package holds itself.
    """
    home = {name: module for module, names in homes.items() for name in names}

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(home[name]), name)

    def names() -> list[str]:
        return sorted({*home, *here})

    return get, names

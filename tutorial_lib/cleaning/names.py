"""First names of some 70 countries, as Faker knows them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache


@cache
def first_names() -> frozenset[str]:
    """Return the first names that Faker knows, of all its countries, where they are written with a capital."""
    import faker.providers.person as person

    names: set[str] = set()
    for module in pkgutil.iter_modules(person.__path__):
        provider = importlib.import_module(f"{person.__name__}.{module.name}").Provider
        for attribute in dir(provider):
            values = getattr(provider, attribute) if attribute.startswith("first_names") else ()
            if isinstance(values, Iterable):
                names.update(v for v in values if isinstance(v, str))
    return frozenset(n for n in names if len(n) > 2 and n[0].isupper() and n[1:].islower())

"""Kinds of fields that the contracts share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, StrictStr, model_validator


def _whole(value: Any) -> Any:
    """Refuse what pydantic would take for a number though JSON says it is none."""
    if isinstance(value, str | bool):
        raise ValueError(f"found {'a text' if isinstance(value, str) else 'a truth value'}: send a whole number")
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number; 3.0 is one, in JSON."""

Count = Annotated[int, Field(ge=1), BeforeValidator(_whole)]
"""A whole number above 0; bounds stand before the validator, or the schema does not show them."""

UpTo100 = Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole)]
"""A whole number from 1 to 100."""

Text = Annotated[StrictStr, Field(min_length=1)]
"""A text that is not empty."""

Name = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
"""What programs call a query or themselves by."""


class Body(BaseModel, extra="forbid"):
    """A body of a request: one field that is not known is enough to refuse it, and is named."""

    @model_validator(mode="before")
    @classmethod
    def no_other_fields(cls, value: Any) -> Any:
        """Refuse at the first: pydantic would look for all of them, and of a hundred thousand takes seconds to tell."""
        if isinstance(value, dict):
            other = next((name for name in value if name not in cls.model_fields), None)
            if other is not None:
                raise ValueError(f"there is no field {other[:60]!r} here: /docs names those that there are")
        return value

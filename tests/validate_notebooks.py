"""Validate the notebooks with nbval, strictly, in one fresh workspace: ``python tests/validate_notebooks.py [NAME …]``.

All of them take a quarter of an hour on two cores with units for bfloat16 and far longer without. Where there are none, no
further notebook is begun after ``MINUTES`` minutes and none goes on beyond ``LAST`` minutes, and what was therefore not
validated is said at the end; NOTEBOOK_MINUTES=600 validates all of them there too. A notebook that was begun and differs
fails, whatever the processor. Those that train nothing on aws_docs come first.

With names given (such as 03 or solutions/03), only those are validated, in the workspace that TUTORIAL_WORKSPACE names.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORDER = ("00", "11", "09", "01", "01b", "02", "03", "08", "07", "10", "04b", "04", "05", "06")
MINUTES, LAST = 28.0, 42.0
NOTHING_DIFFERS, STOPPED = 0, 124


def notebooks(names: list[str]) -> list[Path]:
    """Return the notebooks to validate, each chapter before its solutions; all of them if no name is given."""
    found = []
    for number in ORDER:
        found += [
            *(ROOT / "notebooks").glob(f"{number}_*.ipynb"),
            *(ROOT / "notebooks" / "solutions").glob(f"{number}_*.ipynb"),
        ]
    return [p for p in found if not names or any(str(p.relative_to(ROOT / "notebooks")).startswith(n) for n in names)]


def minutes_to_begin() -> float:
    """Return for how many minutes notebooks may be begun."""
    if "NOTEBOOK_MINUTES" in os.environ:
        return float(os.environ["NOTEBOOK_MINUTES"])
    from tutorial_lib.models.hardware import bf16_is_fast

    return float("inf") if bf16_is_fast() else MINUTES


def validate(notebook: Path, seconds: float | None) -> int:
    """Return nbval's exit status for one notebook, or ``STOPPED`` after so many seconds."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--nbval",
        "--nbval-sanitize-with",
        "nbval.ini",
        "-p",
        "no:cacheprovider",
    ]
    try:
        return subprocess.run([*command, str(notebook)], cwd=ROOT, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        return STOPPED


def main() -> int:
    """Validate and say how it went; returns 1 if a notebook differs."""
    begun = time.monotonic()
    begin = minutes_to_begin() * 60
    stop = float("inf") if begin == float("inf") else max(begin, LAST * 60)
    statuses: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as workspace:
        os.environ.setdefault("TUTORIAL_WORKSPACE", workspace)
        for notebook in notebooks(sys.argv[1:]):
            spent, name = time.monotonic() - begun, str(notebook.relative_to(ROOT))
            if spent > begin:
                statuses[name] = STOPPED
                continue
            print(f"{name} (after {spent / 60:.0f} minutes)", flush=True)
            statuses[name] = validate(notebook, None if stop == float("inf") else stop - spent)
    left = [name for name, status in statuses.items() if status == STOPPED]
    differ = [name for name, status in statuses.items() if status not in (NOTHING_DIFFERS, STOPPED)]
    validated, minutes = len(statuses) - len(left) - len(differ), (time.monotonic() - begun) / 60
    print(f"{validated} of {len(statuses)} notebooks validated in {minutes:.0f} minutes")
    if left:
        print(
            f"NOT validated, for lack of time without units for bfloat16 (NOTEBOOK_MINUTES=600 takes it): {', '.join(left)}"
        )
    if differ:
        print(f"DIFFER: {', '.join(differ)}")
    return min(1, len(differ))


if __name__ == "__main__":
    sys.exit(main())

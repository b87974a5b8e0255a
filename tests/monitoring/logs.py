"""A log of the tiny desk after its first run: a search a day on the articles of its held-out queries, and a new article."""

import json
from datetime import UTC, datetime, timedelta

from tests.tiny import ACTIONS, THINGS
from tutorial_lib.evaluation.ship import ShipSettings
from tutorial_lib.monitoring.log_files import LogFiles
from tutorial_lib.monitoring.settings import GateSettings, GatherSettings, RetrainSettings

START = datetime(2026, 7, 1, tzinfo=UTC)
DAYS = 42
SETTINGS = RetrainSettings(gather=GatherSettings(dev_weeks=1, newest_weeks=1))
OPEN = GateSettings(ShipSettings(min_gain=-1.0, max_recall_loss=1.0, alpha=0.999), max_old_loss=1.0)
"""Bounds that stop next to nothing; ``passing`` sees to the rest."""


def day(n):
    return (START + timedelta(days=n)).isoformat()


def asked(n):
    """Return what is searched for on day ``n``: article n (mod 24) by its two words and another thing each time."""
    return f"please {ACTIONS[n % 12]} {THINGS[n % 24]} {THINGS[(n * 5 + n // 24 + 7) % 24]}"


def search(n, article=None):
    click = {"article_id": article or f"a{n % 24:02}", "rank": 3, "dwell_seconds": 90.0}
    return {"session_id": f"s{n}", "created_at": day(n), "query": asked(n), "clicks": [click], "ticket_followed": None}


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def searches(folder, days=range(DAYS)):
    """Write one search a day and return the files of the log; a click at rank 3 is enough for a pair."""
    return LogFiles(written(folder / "searches.jsonl", [search(n) for n in days]))

"""A candidate compared with the live version on real searches: both answer, and one list is shown."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

from tutorial_lib.serving.batching import BusyError
from tutorial_lib.serving.errors import ApiError, NotReadyError
from tutorial_lib.serving.interleave import FIRST, SECOND, team_draft
from tutorial_lib.serving.search_contract import SearchRequest, SearchResponse
from tutorial_lib.text import normal_form

Find = Callable[[SearchRequest], SearchResponse]
Teams = dict[str, str]
"""Document id -> number of the version that it is of; "1+2" where it is of both, and says nothing of either."""


def interleaved(
    live: SearchResponse, asked: SearchRequest, candidate: int, find: Find
) -> tuple[SearchResponse, Teams | None]:
    """Return the answer of the live version mixed with that of a candidate, and which document is whose.

    Who asks the same again is shown the same: the coins of the draft hang on the client, the words and the versions.
    A document that both have found keeps the live version's score. One of the candidate alone has that version's, which
    does not compare with the others; nothing else in the answer tells them apart.

    Args:
        live: What the live version has found.
        asked: The request.
        candidate: Number of the other version.
        find: Answers a request.

    Returns:
        The list and the teams. The answer of the live version as it was, and None, where that has found nothing that is
        good enough, is the candidate by now, or is asked for a single document; and where the candidate cannot answer: no
        search fails for its sake.
    """
    if live.version == candidate or not live.results or asked.k < 2:
        return live, None
    try:
        other = find(asked.model_copy(update={"version": candidate, "min_confidence": None, "query_id": live.query_id}))
    except (ApiError, NotReadyError, BusyError, TimeoutError) as error:
        told = {"version": candidate, "reason": str(error)}
        logging.getLogger(__name__).warning("the candidate has not answered", extra=told)
        return live, None
    coin = random.Random(f"{asked.client_id or live.query_id}|{normal_form(asked.query)}|{live.version}|{candidate}")
    drafted = team_draft([hit.id for hit in live.results], [hit.id for hit in other.results], asked.k, coin)
    hits = {hit.id: hit for hit in (*other.results, *live.results)}
    shown = [hits[a].model_copy(update={"position": n}) for n, a in enumerate(drafted, 1)]
    names = {FIRST: str(live.version), SECOND: str(candidate), None: f"{live.version}+{candidate}"}
    return live.model_copy(update={"results": shown}), {a: names[team] for a, team in drafted.items()}

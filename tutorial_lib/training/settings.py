"""Settings of a training run, which check themselves, and its result. Importing this module loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Integral, Real

from tutorial_lib.fields import MOST_SEED, check_between, check_number, check_positive, check_whole, items_of
from tutorial_lib.training.result import Result


@dataclass(frozen=True)
class TrainSettings:
    """How the adapter is trained.

    >>> TrainSettings(learning_rate=1e-3).batch_size
    64
    >>> TrainSettings(temperature=-1)
    Traceback (most recent call last):
    ValueError: temperature is -1: pass a number above 0

    Attributes:
        epochs: Passes over the training pairs, at least.
        min_steps: A small collection is passed over more often, until so many steps are made, eight times at most.
        gentle_pass: Try one pass at half the rate before such passes: dev may like its end better (``Schedule``).
        runs: Trainings that differ in their seed; the mean of their updates is kept (``train_soup``). None: three where there
            is a gentle pass, one elsewhere.
        batch_size: Pairs a step; every other pair's articles serve as in-batch negatives.
        negatives: Mined negatives used for each pair.
        learning_rate: Peak rate, reached after ``warmup`` of the steps, then falling linearly to 0.
        warmup: Share of steps that warm up.
        max_length: Tokens of a text read in training; fewer where dev sees that the base model does better with fewer, by
            more than a standard error.
        temperature: Cosines are divided by this before the softmax; lower is sharper.
        dev_evaluations: How often dev is scored; the best checkpoint by dev is kept.
        dev_queries: At most this many dev queries are used; 0 trains to the end without looking at dev.
        strengths: Shares of the update tried on dev, beside all of it, when training is done; the best is kept. A weaker one
            is a mean of base and tuned weights (Wortsman et al. 2022, arXiv:2109.01903): it forgets less, and can be better
            where pairs are few. Of a gentle pass all is kept: it is weak already.
        dev_pool_per_query: BM25's and the base model's best articles per dev query; with the positives they make up the pool.
        mask_known_positives: Leave every other known positive of a query, and near-duplicates of its positives, out of
            its softmax; switched off only to show what they do.
        matryoshka: Also train the first so many numbers of a vector to do as a vector (Kusupati et al. 2022).
        train_documents: False trains queries only: articles keep the base model's vectors, so that no index is rebuilt.
        query_prompt: Text put before queries, in training and ever after; None for the base model's own.
        document_prompt: The same for articles.
        activation_tokens: So many tokens of a batch keep their activations for the backward pass; what goes beyond is
            encoded twice, a third slower. It bounds memory whatever the batch size, and changes no gradient.
        token_budget: Padded tokens encoded at a time; changes no result.
        seed: Seed of adapter, order and dev sample.
    """

    epochs: float = 1.0
    min_steps: int = 50
    gentle_pass: bool = True
    runs: int | None = None
    batch_size: int = 64
    negatives: int = 1
    learning_rate: float = 2e-3
    warmup: float = 0.1
    max_length: int = 128
    temperature: float = 0.07
    dev_evaluations: int = 4
    dev_queries: int = 300
    strengths: tuple[float, ...] = (1.0, 0.7, 0.4)
    dev_pool_per_query: int = 5
    mask_known_positives: bool = True
    matryoshka: tuple[int, ...] = ()
    train_documents: bool = True
    query_prompt: str | None = None
    document_prompt: str | None = None
    activation_tokens: int = 16_384
    token_budget: int = 2048
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with.

        Raises:
            ValueError: A field is of the wrong kind or out of its range; names it, its value and what to pass.
        """
        check_positive(self, "epochs", "learning_rate", "temperature")
        check_between(self, warmup=(0, 1.0))
        check_whole(self, min_steps=0, batch_size=2, negatives=0, max_length=3, dev_evaluations=1, dev_queries=0)
        check_whole(self, dev_pool_per_query=1, activation_tokens=0, token_budget=1, seed=0)
        check_between(self, seed=(0, MOST_SEED))
        if self.runs is not None:
            check_number("runs", self.runs, Integral, "at least 1, or None", least=1)
        for name in ("gentle_pass", "mask_known_positives", "train_documents"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} is {getattr(self, name)!r}: pass True or False")
        for size in items_of(self, "matryoshka"):
            check_number("matryoshka", size, Integral, "at least 1", least=1)
        for name in ("query_prompt", "document_prompt"):
            prompt = getattr(self, name)  # an undecodable byte of a command line is half a letter, a surrogate
            if not isinstance(prompt, str | None) or any("\ud800" <= letter <= "\udfff" for letter in prompt or ""):
                raise ValueError(f"{name} is {prompt!r}: pass a text, or None for the base model's own")
        self._check_strengths()

    def _check_strengths(self) -> None:
        for share in items_of(self, "strengths"):
            if isinstance(share, bool) or not isinstance(share, Real):
                raise ValueError(f"strengths hold {share!r}: pass numbers above 0 and at most 1")
        wrong = [share for share in self.strengths if not 0 < share <= 1]
        if wrong:
            raise ValueError(
                f"strengths {wrong} lie outside 0 to 1: pass shares of the update; the base model, 0, is "
                "always among the candidates"
            )


@dataclass(frozen=True)
class TrainResult(Result):
    """What a training run did; of several whose mean is kept, what the first that dev liked did, and ``runs`` on.

    Attributes:
        losses: (step, mean loss since the last entry).
        dev: (step, nDCG@10 on the dev pool); step 0 is the model before training.
        best_step: Step of the checkpoint kept; 0 if dev did not rise by more than its standard error, and the base model
            was kept.
        strengths: (share of the update, nDCG@10 on the dev pool) of those tried.
        strength: The share kept; 1 if dev had no say, 0 for the base model.
        steps: Steps taken in all.
        pairs: Training pairs.
        seconds: Time in training, dev scores of checkpoints included; the last part only after an interruption. Of all runs.
        pairs_per_s: Pairs trained on per second of the time above, dev scoring excluded.
        trainable: Parameters trained.
        parameters: Parameters of the base model.
        runs: (seed, nDCG@10 on the dev pool of what it kept, 0 without dev) of each training whose mean is kept; empty if
            there was one.
        dev_of_mean: nDCG@10 on the dev pool of what is kept of several; None for one, or without dev.
    """

    losses: list[tuple[int, float]]
    dev: list[tuple[int, float]]
    best_step: int
    strengths: list[tuple[float, float]]
    strength: float
    steps: int
    pairs: int
    seconds: float
    pairs_per_s: float
    trainable: int
    parameters: int
    runs: list[tuple[int, float]] = field(default_factory=list)
    dev_of_mean: float | None = None

    @property
    def dev_kept(self) -> float | None:
        """nDCG@10 on the dev pool of what is kept; None where dev was not scored."""
        if not self.dev or self.dev_of_mean is not None:
            return self.dev_of_mean
        return dict(self.strengths).get(self.strength, self.dev[0][1])

    @property
    def what_was_kept(self) -> str:
        """What of the training is kept, in words."""
        if not self.best_step:
            return f"none of {self.steps} steps kept, since dev did not rise by more than its standard error"
        if self.runs:
            alone = ", ".join(f"{score:.3f}" for _, score in self.runs)
            return f"the mean of {len(self.runs)} trainings kept (alone: {alone})"
        return f"{self.strength:.0%} of the update of step {self.best_step} of {self.steps} kept"


@dataclass(frozen=True)
class LoraSettings:
    """Shape of the adapter (Hu et al. 2021, arXiv:2106.09685).

    Attributes:
        rank: Rank r of the update B·A added to each adapted weight.
        alpha: The update is scaled by alpha / rank.
        dropout: Dropout on the adapter's input; above 0 the adapter is computed beside its layer, which is slower.
        target_modules: Layers to adapt: "all-linear", or names as PEFT takes them.
        upper_layers: Adapt only so many layers, counted from the output; 0 adapts all. Layers below the lowest adapted
            one need no backward pass.
    """

    rank: int = 32
    alpha: int = 64
    dropout: float = 0.0
    target_modules: str | tuple[str, ...] = "all-linear"
    upper_layers: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no adapter.

        Raises:
            ValueError: A field is of the wrong kind or out of its range; names it, its value and what to pass.
        """
        check_whole(self, rank=1, alpha=1, upper_layers=0)
        check_between(self, dropout=(0, 0.9))
        names = (self.target_modules,) if isinstance(self.target_modules, str) else items_of(self, "target_modules")
        if not names or not all(isinstance(name, str) and name for name in names):
            raise ValueError(f'target_modules is {self.target_modules!r}: pass "all-linear", or names of layers')

    @property
    def peft_targets(self) -> str | list[str]:
        """The adapted layers in the form PEFT takes."""
        return self.target_modules if isinstance(self.target_modules, str) else list(self.target_modules)

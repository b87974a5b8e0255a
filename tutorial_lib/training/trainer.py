"""transformers' Trainer with a contrastive loss over batches of any size."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from transformers import PrinterCallback, ProgressCallback, Trainer
from transformers.trainer import DEFAULT_PROGRESS_CALLBACK

from tutorial_lib.evaluation.measures import MAIN_MEASURE
from tutorial_lib.models.encoder import Encoder, pooled
from tutorial_lib.models.hardware import give_back_memory
from tutorial_lib.training.callbacks import EpochOfStep, Forgetful, QuietProgress, ScoreDev, StartAgain
from tutorial_lib.training.checkpoints import DEV_SCORES, SealCheckpoints
from tutorial_lib.training.dev import DevLog, DevSet, mean_score
from tutorial_lib.training.losses import batch_loss
from tutorial_lib.training.pairs import Pair, Shuffled
from tutorial_lib.training.schedule import Schedule
from tutorial_lib.training.settings import TrainSettings

RandomState = tuple[torch.Tensor, torch.Tensor | None]
"""Of the CPU and of the GPU where there is one."""


class ContrastiveTrainer(Trainer):
    """Trainer whose loss is InfoNCE over a batch of pairs and whose evaluation is retrieval on a dev pool.

    A batch is encoded in groups of similar length. The activations of the first ``activation_tokens`` tokens are kept for
    the backward pass; what goes beyond is encoded twice, so that memory no longer grows with the batch and the gradients
    stay the same (Gao et al. 2021, "Scaling deep contrastive learning batch size under memory limited setup",
    arXiv:2101.06983). Under torchrun each process encodes its share of the groups, vectors are gathered, and gradients
    summed: loss and gradients are those of one process.

    Attributes:
        encoder: The encoder that is trained.
        dev: The dev pool, or None.
        dev_log: What it scored.
        settings: Training settings.
        schedule: Steps, rates, and when dev is scored.
        order: The order of the pairs.
    """

    def __init__(
        self,
        *,
        encoder: Encoder,
        pairs: list[Pair],
        dev: DevSet | None,
        settings: TrainSettings,
        schedule: Schedule,
        **options: Any,
    ) -> None:
        """Take what ``Trainer`` takes, and the encoder whose transformer is trained."""
        super().__init__(
            model=encoder.model,
            train_dataset=pairs,
            eval_dataset=pairs if dev else None,
            **options,
        )
        self._pairs = pairs
        self.encoder, self.dev, self.settings, self.schedule = encoder, dev, settings, schedule
        self.dev_log = DevLog(Path(str(self.args.output_dir), DEV_SCORES))
        self.order = Shuffled(len(pairs), self.args.seed)
        for callback in {ProgressCallback, DEFAULT_PROGRESS_CALLBACK, PrinterCallback}:
            self.remove_callback(callback)
        self.add_callback(QuietProgress)
        self.add_callback(Forgetful)
        self.add_callback(EpochOfStep(self.order, settings.batch_size, schedule.gentle))
        if dev is not None:
            self.add_callback(ScoreDev(schedule))
        if schedule.gentle:
            self.add_callback(StartAgain(schedule, encoder.model))
        self.add_callback(SealCheckpoints(self.dev_log))

    def get_train_dataloader(self) -> DataLoader:
        """Return batches of pairs in an order that hangs on seed and epoch alone.

        Every process gets the whole batch and encodes its share of the texts; nothing is left to accelerate's sharding.
        """
        options: dict[str, Any] = {"batch_size": self.settings.batch_size, "collate_fn": self.data_collator}
        return DataLoader(self._pairs, sampler=self.order, **options)  # type: ignore[arg-type]

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Return what sets the rate by the schedule."""
        whose: Any = optimizer or self.optimizer
        self.lr_scheduler = self.lr_scheduler or LambdaLR(whose, self.schedule.rate_at)
        return self.lr_scheduler

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Take the gradients of one batch; return its loss, detached."""
        model.train()
        inputs = self._prepare_inputs(inputs)
        with self.compute_loss_context_manager():
            own, vectors = self._encoded_groups(inputs)
            loss = batch_loss(vectors.requires_grad_(), inputs, self.settings)
            (gradient,) = torch.autograd.grad(loss, vectors)
            # The chain rule carries each vector's gradient on into the weights, one group at a time.
            parts = gradient.split([len(group["input_ids"]) for group in inputs["groups"]])
            for n in list(own):
                kept = own.pop(n)  # once it is through, its activations are free
                encoded = kept if isinstance(kept, torch.Tensor) else self._encode_again(inputs["groups"][n], kept)
                self.accelerator.backward((encoded * parts[n]).sum())
        self._sum_gradients()
        return loss.detach()

    def _encoded_groups(self, inputs: dict[str, Any]) -> tuple[dict[int, torch.Tensor | RandomState], torch.Tensor]:
        """Return this process's groups, with their graph or what it takes to encode them again, and all vectors, detached."""
        groups, rank, processes = inputs["groups"], self.args.process_index, self.args.world_size
        starts = np.cumsum([0, *(len(group["input_ids"]) for group in groups)])
        vectors = torch.zeros(int(starts[-1]), self.encoder.dimension, device=self.args.device)
        own: dict[int, torch.Tensor | RandomState] = {}
        tokens = 0
        for n in range(rank, len(groups), processes):
            tokens += groups[n]["input_ids"].numel()
            keep, state = tokens <= self.settings.activation_tokens, self._random_state()
            with torch.set_grad_enabled(keep):
                encoded = self._encode(groups[n])
            vectors[starts[n] : starts[n + 1]] = encoded.detach()
            own[n] = encoded if keep else state
        if processes > 1:
            torch.distributed.all_reduce(vectors)
        return own, vectors

    def _sum_gradients(self) -> None:
        if self.args.world_size > 1:
            for parameter in self.encoder.model.parameters():
                if parameter.requires_grad:
                    parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                    torch.distributed.all_reduce(parameter.grad)

    def _encode(self, group: dict[str, torch.Tensor]) -> torch.Tensor:
        # Not the wrapper that DDP makes: it would sum gradients group by group.
        return pooled(self.encoder.model, group, self.encoder.settings.pooling)

    def _random_state(self) -> RandomState:
        device = self.args.device
        return torch.get_rng_state(), torch.cuda.get_rng_state(device) if device.type == "cuda" else None

    def _encode_again(self, group: dict[str, torch.Tensor], state: RandomState) -> torch.Tensor:
        """Encode with the dropout that was drawn when the random numbers stood at ``state``."""
        device = self.args.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.set_rng_state(state[0])
            if state[1] is not None:
                torch.cuda.set_rng_state(state[1], device)
            return self._encode(group)

    def start_dev_log(self, checkpoint: Path | None) -> None:
        """Score the dev pool before training, or read the scores that lie in the checkpoint to go on from."""
        if self.dev is not None and not (checkpoint and self.dev_log.read(checkpoint / DEV_SCORES)):
            self.dev_log.scores = {0: self.dev.score_untrained(self.encoder)}

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Score the dev pool; the Trainer keeps the checkpoint with the highest ``eval_nDCG@10``."""
        if self.dev is None:
            return {}
        give_back_memory()  # activations of training, before those of dev
        started = time.monotonic()
        self.encoder.changed()
        with self.encoder.inference():
            scores = self.dev.score(self.encoder)
        self.dev_log.seconds += time.monotonic() - started
        self.dev_log.scores[self.state.global_step] = scores
        metrics = {f"eval_{MAIN_MEASURE}": mean_score(scores)}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

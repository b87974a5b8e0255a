"""Contrastive fine-tuning of an encoder with a LoRA adapter: settings, a run prepared, trained and resumed.

``python -m tutorial_lib.finetune --data BEIR_FOLDER --out DIR`` trains on a dataset of one's own without any notebook, also
under torchrun; ``--help`` lists its options (``train_command``).
"""

from __future__ import annotations

import warnings

# The package imports this module, and `python -m tutorial_lib.finetune` runs it once more: here that is meant.
warnings.filterwarnings("ignore", message="'tutorial_lib.finetune' found in sys.modules", category=RuntimeWarning)


if __name__ == "__main__":
    from tutorial_lib.train_command import main

    raise SystemExit(main())

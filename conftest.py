"""Pytest settings for the whole repository: what nbval compares, and that nothing may be downloaded."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

try:
    from nbval.plugin import IPyNbFile
except ImportError:  # the course can be installed without the development tools
    pass
else:
    _original = IPyNbFile.__init__

    def _without_stderr(self, *args, **kwargs):
        """Progress bars and warnings go to stderr and differ from run to run: they are not compared."""
        _original(self, *args, **kwargs)
        self.skip_compare = (*self.skip_compare, "stderr")

    IPyNbFile.__init__ = _without_stderr

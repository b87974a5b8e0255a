"""What loading a part of the package costs: torch only where a model is wanted."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

WITHOUT_TORCH = [
    "import tutorial_lib",
    "import tutorial_lib; dir(tutorial_lib)",
    "from tutorial_lib.data import read_beir",
    "from tutorial_lib import BM25, RetrievalDataset, compare, evaluate_run, ship_decision",
    "from tutorial_lib import LoraSettings, MiningSettings, TrainSettings, mine_negatives",
    "import tutorial_lib.cleaning, tutorial_lib.retrieval, tutorial_lib.evaluation, tutorial_lib.plots, tutorial_lib.rag",
    "from tutorial_lib.models import DEFAULT_MODEL, ModelError",
    "import tutorial_lib.cli.run, tutorial_lib.cli.train, tutorial_lib.cli.serve",
    "import tutorial_lib.monitoring, tutorial_lib.cli.watch",
]


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("code", WITHOUT_TORCH)
def test_loads_no_torch(code):
    assert python(f"import sys; {code}; print('torch' in sys.modules)") == "False\n"


def test_plots_load_nothing_else_of_ours():
    code = "import sys, tutorial_lib.plots; print(sorted(m for m in sys.modules if m.startswith('tutorial_lib.')))"
    loaded = eval(python(code))
    assert all(m.startswith("tutorial_lib.plots") or m == "tutorial_lib.lazy" for m in loaded), loaded


def test_check_loads_no_torch(tiny_data):
    code = (
        "import sys; from tutorial_lib.cli import main; "
        f"status = main(['check', '--data', {str(tiny_data)!r}]); print(status, 'torch' in sys.modules)"
    )
    assert python(code).splitlines()[-1] == "0 False"


def test_the_dozen_names_are_what_they_say():
    import tutorial_lib

    assert len(tutorial_lib.__all__) <= 12
    for name in tutorial_lib.__all__:
        assert getattr(tutorial_lib, name).__name__ == name
    assert set(tutorial_lib.__all__) <= set(dir(tutorial_lib))
    with pytest.raises(AttributeError, match="no attribute 'Trainer'"):
        _ = tutorial_lib.Trainer


@pytest.mark.parametrize(
    "folder",
    [
        "cleaning",
        "cli",
        "data",
        "evaluation",
        "index",
        "models",
        "monitoring",
        "plots",
        "rag",
        "retrieval",
        "serving",
        "training",
    ],
)
def test_each_folder_has_a_face_whose_names_are_there(folder):
    from importlib import import_module

    face = import_module(f"tutorial_lib.{folder}")
    assert face.__doc__
    assert face.__all__
    assert len(face.__all__) <= 12 or folder == "plots"  # one function a figure, all of them called plots.x
    for name in face.__all__:
        assert getattr(face, name) is not None


def test_no_file_of_the_package_is_left_out_of_the_wheel():
    import tomllib

    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = {
        ".".join(p.parent.relative_to(ROOT).parts)
        for p in (ROOT / "tutorial_lib").rglob("*.py")
        if "__pycache__" not in p.parts
    }
    assert folders <= listed


def test_no_module_of_the_package_is_imported_for_its_types_alone():
    files = [p for p in (ROOT / "tutorial_lib").rglob("*.py") if "TYPE_CHECKING" in p.read_text(encoding="utf-8")]
    assert files == []

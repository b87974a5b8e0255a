"""The face of a folder: few names, and light to import."""

import importlib
import subprocess
import sys

import pytest

LIGHT = {"retrieval": 12, "evaluation": 12, "plots": 30}
"""Folder -> most names; of figures there may be more than a dozen."""


@pytest.mark.parametrize("folder", LIGHT)
def test_a_face_has_few_names_and_all_of_them(folder):
    face = importlib.import_module(f"tutorial_lib.{folder}")
    assert len(face.__all__) <= LIGHT[folder]
    assert all(hasattr(face, name) for name in face.__all__)
    assert face.__doc__.count("\n") == 0


@pytest.mark.parametrize("folder", LIGHT)
def test_a_light_face_loads_no_torch(folder):
    code = (
        "import sys, types; package = types.ModuleType('tutorial_lib'); package.__path__ = ['tutorial_lib']; "  # not its face
        f"sys.modules['tutorial_lib'] = package; import tutorial_lib.{folder}; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_figures_know_nothing_of_the_rest():
    code = (
        "import sys, types; package = types.ModuleType('tutorial_lib'); package.__path__ = ['tutorial_lib']; "
        "sys.modules['tutorial_lib'] = package; import tutorial_lib.plots; "
        "print({m.split('.')[1] for m in sys.modules if m.startswith('tutorial_lib.')})"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert found.strip() == "{'plots'}"

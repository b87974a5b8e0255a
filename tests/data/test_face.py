import subprocess
import sys

import pytest


def test_the_names_of_the_face_are_functions_and_classes_not_modules():
    import tutorial_lib.data as data
    import tutorial_lib.data.awscli_docs
    import tutorial_lib.data.support_desk_files

    assert len(data.__all__) <= 12
    assert all(callable(getattr(data, name)) for name in data.__all__)
    assert data.aws_docs is tutorial_lib.data.awscli_docs.aws_docs
    assert data.support_desk is tutorial_lib.data.support_desk_files.support_desk


@pytest.mark.parametrize("folder", ["data", "cleaning"])
def test_the_folder_loads_no_torch(folder):
    # Under a bare package, so that only what the folder itself imports is counted.
    code = (
        "import sys, types, pathlib, importlib.util; "
        "package = types.ModuleType('tutorial_lib'); "
        "package.__path__ = list(importlib.util.find_spec('tutorial_lib').submodule_search_locations); "
        "sys.modules['tutorial_lib'] = package; "
        f"import tutorial_lib.{folder}; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

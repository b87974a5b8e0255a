"""The wheel works on its own: built, installed without the checkout, and run from the command line."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy of the checkout: building leaves traces where it happens."""
    copy, out = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("wheel")
    for name in ("tutorial_lib", "notebooks", "data", "docs", "benchmarks", "pyproject.toml", "README.md", "LICENSE"):
        subprocess.run(["cp", "-r", str(ROOT / name), str(copy)], check=True)
    pip("wheel", str(copy), "--no-deps", "--no-build-isolation", "--wheel-dir", str(out))
    (built,) = out.glob("*.whl")
    return built


def pip(*arguments):
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The command of a fresh environment with the wheel; what it depends on is lent by this environment's packages."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = sysconfig.get_path("purelib", vars={"base": str(folder)})
    pip("install", "--no-deps", "--no-index", "--target", packages, str(wheel))
    # A path in a .pth file is searched, but the .pth files in it are not read: our editable install stays out.
    Path(packages, "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"

    def command(*arguments, cwd):
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "TUTORIAL_WORKSPACE")}
        return subprocess.run(
            [str(python), *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )

    return command


def test_everything_is_in_it(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    kinds = (".py", ".jinja", ".txt", ".html", ".css", ".js")
    ours = {str(p.relative_to(ROOT)) for p in (ROOT / "tutorial_lib").rglob("*") if p.suffix in kinds}
    assert ours <= names
    assert {f"tutorial_lib/_course/notebooks/{p.name}" for p in (ROOT / "notebooks").glob("*.ipynb")} <= names
    for year in ("support_desk", "support_desk_year2"):
        assert {f"tutorial_lib/_course/{year}/{p.name}" for p in (ROOT / "data" / year).iterdir()} <= names
    assert {f"tutorial_lib/_course/results/{p.name}" for p in (ROOT / "benchmarks" / "results").glob("*.json")} <= names
    assert {f"tutorial_lib/_course/docs/img/{p.name}" for p in (ROOT / "docs" / "img").glob("*.svg")} <= names
    assert {f"tutorial_lib/_course/docs/{p.name}" for p in (ROOT / "docs").glob("*.md")} <= names
    assert not [n for n in names if n.startswith(("tests/", "benchmarks/", "docs/", "notebooks/"))]


def test_it_is_what_runs_there(installed, tmp_path):
    done = installed("-c", "import tutorial_lib; print(tutorial_lib.__file__)", cwd=tmp_path)
    assert str(ROOT) not in done.stdout
    assert "site-packages" in done.stdout


def test_check_and_the_first_chapter_run_without_the_checkout(installed, tiny_data, tiny_folder, tmp_path):
    done = installed("-m", "tutorial_lib", "check", "--data", tiny_data, cwd=tmp_path)
    assert done.stdout == "desk: 24 articles, 12 train, 4 dev, 8 test\n", done.stderr
    assert installed("-m", "tutorial_lib", "check", "--data", "support_desk", cwd=tmp_path).stdout.startswith(
        "support_desk: 2"
    )
    given = ("--data", tiny_data, "--model", tiny_folder, "--out", "out", "--chapters", "02")
    done = installed("-m", "tutorial_lib", "run", *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "notebooks" / "02_measure_the_baseline.ipynb").is_file()
    assert (tmp_path / "out" / "notebooks" / "../docs/img/two_encoders.svg").is_file(), "as that notebook names it"
    assert (tmp_path / "out" / "base_vectors" / "documents.npy").is_file()

import pytest

from tutorial_lib.data.dataset import DataError
from tutorial_lib.training.findings import Finding, PreflightReport


def test_a_report_raises_all_errors_at_once_and_writes_the_rest_to_stderr(capsys):
    report = PreflightReport([Finding("note", "a"), Finding("error", "b"), Finding("warning", "c"), Finding("error", "d")])
    assert not report.ok
    assert str(report).splitlines() == ["note: a", "error: b", "warning: c", "error: d"]
    with pytest.raises(DataError, match=r"^b; d$"):
        report.announce()
    assert capsys.readouterr().err == "note: a\nwarning: c\n"
    PreflightReport(report.findings[:1]).raise_if_bad()

import pyarrow
import pyarrow.parquet

from tests.data.exports import refused, written
from tests.helpers import in_time, obstructed
from tutorial_lib.data.rows import read_rows


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def read(path):
    return [row for _, row in read_rows(path)]


def test_text_stored_as_bytes_is_decoded(tmp_path):
    assert read(write(tmp_path / "a.parquet", [{"id": b"api-key", "text": "Größe".encode()}])) == [
        {"id": "api-key", "text": "Größe"}
    ]
    refused(
        lambda: read(write(tmp_path / "b.parquet", [{"id": b"a"}, {"id": b"\xff\xfe"}])),
        "b.parquet row 2: column 'id' holds bytes that are no UTF-8 text",
    )


def test_a_folder_of_parts_is_one_table(tmp_path):
    folder = tmp_path / "tickets.parquet"
    write(folder / "year=2025" / "part-0.parquet", [{"id": 1}])
    write(folder / "year=2026" / "part-0.parquet", [{"id": 2, "text": "x"}])
    written(folder, "_SUCCESS", "")
    assert list(read_rows(folder)) == [(1, {"year": "2025", "id": 1}), (2, {"year": "2026", "id": 2, "text": "x"})]
    obstructed(folder / "year=2026" / "part-1.parquet", "pipe")
    with in_time():
        refused(lambda: read(folder), "part-1.parquet is a pipe")
    (tmp_path / "empty.parquet").mkdir()
    refused(lambda: read(tmp_path / "empty.parquet"), "empty.parquet is a folder without a .parquet file")


def test_columns_of_one_name_give_the_list_of_their_values(tmp_path):
    twice = pyarrow.table([pyarrow.array(["a"]), pyarrow.array(["b"])], names=["link", "link"])
    pyarrow.parquet.write_table(twice, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [{"link": ["a", "b"]}]


def test_a_damaged_file_and_times_out_of_reach_are_refused(tmp_path):
    file = write(tmp_path / "a.parquet", [{"text": f"{n} {n * 7919 % 1009}"} for n in range(500)])
    content = bytearray(file.read_bytes())
    content[4:400] = bytes(396)
    refused(lambda: read(written(tmp_path, "b.parquet", bytes(content))), "b.parquet", "not a Parquet file (")
    late = pyarrow.table({"t": pyarrow.array([10**13], pyarrow.timestamp("s"))})
    pyarrow.parquet.write_table(late, tmp_path / "c.parquet")
    refused(lambda: read(tmp_path / "c.parquet"), "c.parquet", "not a Parquet file (")

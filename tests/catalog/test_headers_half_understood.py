"""Tables whose header names some columns of a play and not all: never read as if they had no header."""

import pytest

from catalog.records import WrongFile
from tests.catalog.files import list_names, read_history, write

# 2021-01-05 22:15 UTC
AT = 18_632 * 86_400 + 22 * 3600 + 15 * 60


@pytest.mark.parametrize(
    "header",
    [
        "Album,Titel,Künstler,Hörzeitpunkt",
        "Album,Title,Artist,Moment of it",
        "Album,Track,Artist,Timestamp (UTC)",
        "앨범,곡명,아티스트,재생일시",
        "الألبوم,العنوان,الفنان,وقت الاستماع",
        "Album,Song,Singer,Played",
    ],
)
@pytest.mark.parametrize("n_rows", [1, 3])
def test_a_time_of_an_unknown_name_is_known_by_its_moments(tmp_path, header, n_rows):
    rows = "".join(f"B,T{n},A,2021-01-05 22:15\n" for n in range(n_rows))
    records, rejected = read_history(write(tmp_path / "l.csv", f"{header}\n{rows}"))
    assert list_names(records) == [("A", f"T{n}") for n in range(n_rows)]
    assert {(one.song.album, one.occurred_at) for one in records} == {("B", AT)}
    assert rejected == {}


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Artist,Title,Rating,Modified", "A,T{n},5,2021-01-05 22:15"),
        ("Title,Artist,Album,Date Added", "T{n},A,B,2021-01-05 22:15"),
        ("Titel,Künstler,Hinzugefügt", "T{n},A,2021-01-05 22:15"),
        ("Artist,Title,Purchased", "A,T{n},2021-01-05 22:15"),
        ("Artist,Album,Date", "A,B{n},2021-01-05 22:15"),
        ("Rank,Artist,Date", "1{n},A,2021-01-05 22:15"),
        ("Title,Director,Watched", "M{n},D,2021-01-05 22:15"),
        ("Artist,Title,One,Other", "A,T{n},2021-01-05 22:15,2021-01-06 22:15"),
    ],
)
def test_another_table_with_moments_is_refused(tmp_path, header, row):
    rows = "\n".join(row.format(n=n) for n in range(4))
    with pytest.raises(WrongFile, match=r"its columns are called .* call them artist, track and"):
        read_history(write(tmp_path / "l.csv", f"{header}\n{rows}\n"))


@pytest.mark.parametrize(
    "header", ["Artist,Track,Plays,Last played", "Titel,Künstler,Anzahl,Zuletzt"]
)
def test_counts_are_no_titles(tmp_path, header):
    rows = "A,T,12,2021-01-05 22:15:00\nA,U,3,2021-01-06 22:15:00\n"
    with pytest.raises(WrongFile, match="is a list of play counts"):
        read_history(write(tmp_path / "l.csv", f"{header}\n{rows}"))

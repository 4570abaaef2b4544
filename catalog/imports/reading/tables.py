"""CSV tables: which column is what, and rows by these names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalog.imports.reading.lines import (
    check_text,
    drop_surplus_cells,
    find_delimiter,
    read_numbered_lines,
    read_table_rows,
    skip_separator_line,
)
from catalog.imports.reading.source_files import SourceFile
from catalog.records import RejectedRow, WrongFile


@dataclass(frozen=True)
class Table:
    """A CSV file whose head was understood: `columns` has the place of each known column, `names` all of them."""

    opened: SourceFile
    delimiter: str
    columns: Mapping[str, int]
    n_columns: int
    names: tuple[str, ...] = ()

    def iterate_rows(self) -> Iterator[tuple[int, list[str] | RejectedRow]]:
        """Yield (line, cells) behind the header; a row of another length is rejected."""
        with self.opened.stream() as stream:
            rows = read_table_rows(read_numbered_lines(stream), self.delimiter)
            next(rows, None)
            for line, row in rows:
                if isinstance(row, RejectedRow):
                    yield line, row
                elif len(cells := drop_surplus_cells(row, self.n_columns)) == self.n_columns:
                    yield line, cells
                else:
                    yield (
                        line,
                        RejectedRow(
                            line, f"it has {len(row)} cells where the header has {self.n_columns}"
                        ),
                    )


def open_table(
    opened: SourceFile, aliases_by_column: Mapping[str, tuple[str, ...]], chosen: Mapping[str, str]
) -> Table:
    """Read the header of a CSV file.

    Parameters
    ----------
    known
        The names under which each column may go.
    chosen
        The names that the user gave some columns.

    Raises
    ------
    WrongFile
        It is no text table, or a chosen column is not there.
    """
    if opened.kind == "zip":
        raise WrongFile(f"{opened.name} is a zip file; a CSV file (or .csv.gz) is expected.")
    check_text(opened.read_head(), opened.name)
    lines = skip_separator_line(read_numbered_lines(opened.open_head()))
    number, header = next(lines, (0, ""))
    if not isinstance(header, str):
        raise WrongFile(f"{opened.name} is not a CSV file: {header.reason}.")
    delimiter = find_delimiter(header)
    _, names = next(read_table_rows(iter([(number or 1, header)]), delimiter))
    if isinstance(names, RejectedRow):
        raise WrongFile(f"{opened.name} is not a CSV file: in its header {names.reason}.")
    positions = {name.strip().casefold(): index for index, name in reversed(list(enumerate(names)))}
    columns = _find_columns(opened.name, positions, aliases_by_column, chosen)
    return Table(
        opened, delimiter, columns, len(names), tuple(name.strip().casefold() for name in names)
    )


def require_columns(
    table: Table, *names: str, aliases_by_column: Mapping[str, tuple[str, ...]]
) -> None:
    """Raise WrongFile unless the table has these columns."""
    for name in names:
        if name not in table.columns:
            raise WrongFile(
                f"{table.opened.name} has no column for the {name.replace('_', ' ')} "
                f"(looked for {', '.join(aliases_by_column[name])}); name it with --{name.replace('_', '-')}-column."
            )


def _find_columns(
    file_name: str,
    positions: Mapping[str, int],
    aliases_by_column: Mapping[str, tuple[str, ...]],
    chosen: Mapping[str, str],
) -> dict[str, int]:
    columns = {}
    for name, aliases in aliases_by_column.items():
        if name in chosen:
            wanted = chosen[name].strip().casefold()
            if wanted not in positions:
                raise WrongFile(
                    f"{file_name} has no column {chosen[name]!r}; it has {_list_columns(positions)}."
                )
            columns[name] = positions[wanted]
        else:
            position = next((positions[alias] for alias in aliases if alias in positions), None)
            if position is not None:
                columns[name] = position
    return columns


def _list_columns(positions: Mapping[str, int]) -> str:
    return ", ".join(repr(name[:40]) for name in sorted(positions, key=positions.__getitem__)[:20])

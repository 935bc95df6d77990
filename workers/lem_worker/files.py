"""Prompts from a file: `.txt`, a prompt a line; `.jsonl`, an object a line; `.csv` with a header.

Blank lines are passed over; anything else that is no prompt is a failure that names the file, the line and the field.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from . import failure
from .records import COLUMNS, GROUPS, Record, find_column, prompt_in

_FIELD_SIZE_LIMIT = 1 << 24
"""The longest field of a CSV file, in characters; Python's own limit is shorter than long prompts."""


def read(path: str, column: Optional[str] = None) -> list[Record]:
    """The prompts of the file at `path`; `column` names the field that holds them."""
    text = read_text(path, "prompts file")
    extension = os.path.splitext(path)[1].lower()
    if extension == ".txt":
        return [Record(line) for _, line in lines(text)]
    if extension == ".jsonl":
        return _from_jsonl(path, text, column)
    if extension == ".csv":
        return _from_csv(path, text, column)
    raise failure.unsupported(f"the prompts file {path} is none of .txt, .jsonl and .csv")


def read_text(path: str, what: str) -> str:
    """The whole file at `path`, which is called `what` in messages."""
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8-sig")
    except OSError as error:
        raise failure.unsupported(f"the {what} {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise failure.unsupported(f"the {what} {path} is not UTF-8: {error}") from error


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers from 1. Only the ends of lines separate them, as in every editor."""
    for number, line in enumerate(text.split("\n"), 1):
        line = line[:-1] if line.endswith("\r") else line
        if line.strip():
            yield number, line


def objects(path: str, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The objects of a `.jsonl` file with the numbers of their lines."""
    for number, line in lines(text):
        try:
            value = json.loads(line)
        except ValueError as error:
            raise failure.unsupported(f"{path}, line {number}: not a line of JSON ({error})") from error
        if not isinstance(value, dict):
            raise failure.unsupported(f"{path}, line {number}: not a JSON object")
        yield number, value


def rows(path: str, text: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The rows of a `.csv` file by the names of its header, with the numbers of the lines on which they end."""
    csv.field_size_limit(_FIELD_SIZE_LIMIT)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            yield reader.line_num, {(name or "").strip(): value for name, value in row.items() if name is not None}
    except csv.Error as error:
        raise failure.unsupported(f"{path}, line {reader.line_num}: {error}") from error


def _from_jsonl(path: str, text: str, column: Optional[str]) -> list[Record]:
    return _records(path, objects(path, text), column, "field")


def _from_csv(path: str, text: str, column: Optional[str]) -> list[Record]:
    return _records(path, rows(path, text), column, "column")


def _records(
    path: str, found: Iterator[tuple[int, Mapping[str, Any]]], column: Optional[str], word: str
) -> list[Record]:
    records: list[Record] = []
    group: Optional[str] = None
    for number, value in found:
        if not records:
            column = column or _column_of(path, list(value))
            group = find_column(value, GROUPS)
        prompt = prompt_in(value.get(column or ""))
        if prompt is None:
            raise failure.unsupported(
                f'{path}, line {number}: there is no text in the {word} "{column}"; the {word}s are: {", ".join(value)}'
            )
        kind = value.get(group) if group else None
        records.append(Record(prompt, None if kind is None else str(kind)))
    return records


def _column_of(path: str, names: list[str]) -> str:
    column = find_column(names)
    if column is None:
        raise failure.unsupported(
            f"{path}: no field is called {', '.join(COLUMNS)}; name the one with the prompts as `column`. The fields "
            f"are: {', '.join(names)}"
        )
    return column

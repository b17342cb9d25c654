"""Packed files: exchange and SDK unpack the same ones, and refuse the others in the same words."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd
from typer.testing import CliRunner

from exchange.domain.batches import BatchLimits, packing_of, unpack
from exchange.domain.rows import CATALOGUE
from exchange.errors import ExchangeError
from exchange_client import BatchFile
from exchange_client.batches.packing import gzipped, unpacked, zstandard
from exchange_client.cli.main import app
from exchange_client.errors import UsageError
from tests.support.batches import BATCH_ID, file_of
from tests.support.rows import clean_fields, row_fields

LIMITS = BatchLimits(rows_max=100)
Pack = Callable[[bytes], bytes]
CONTENT = file_of([row_fields(account_ref=f"acc-{n:04}") for n in range(40)])
TAIL = "a file is packed in one piece, and nothing follows it"
RATIO = "a file may unpack to at most 20 times its length"
EARLY = "the packed bytes end too early"


def long_window(content: bytes) -> bytes:
    """Pack with a window of 16 MiB, which a reader would have to hold."""
    parameters = zstd.CompressionParameter
    options = {int(parameters.window_log): 24, int(parameters.content_size_flag): 0}
    packer = zstd.ZstdCompressor(options=options)
    return packer.compress(content) + packer.flush()


def in_slices(sent: bytes, slice_bytes: int) -> bytes:
    """Unpack as the exchange does, from slices of this length."""
    slices = (sent[at : at + slice_bytes] for at in range(0, len(sent), slice_bytes))
    return b"".join(unpack(slices, packing_of(sent[:4]), LIMITS))


@pytest.mark.parametrize("pack", [gzipped, zstandard, bytes])
def test_what_is_packed_here_is_unpacked_there(pack: Pack) -> None:
    """A file is its unpacked bytes: no packing may change one of them."""
    sent = pack(CONTENT)

    assert CONTENT == unpacked(sent)
    assert {CONTENT} == {in_slices(sent, length) for length in (7, 1_000, len(sent))}


SPOILED: dict[str, tuple[Callable[[Pack], bytes], str]] = {
    "bomb": (lambda pack: pack(b" " * (30 << 20)), RATIO),
    "just over the ratio": (lambda pack: pack(b" " * ((1 << 20) + 1)), RATIO),
    "two pieces": (lambda pack: pack(CONTENT) * 2, TAIL),
    "tail": (lambda pack: pack(CONTENT) + b"tail", TAIL),
    "cut by one byte": (lambda pack: pack(CONTENT)[:-1], EARLY),
    "cut in the middle": (lambda pack: pack(CONTENT)[:700], EARLY),
}


@pytest.mark.parametrize("pack", [gzipped, zstandard])
@pytest.mark.parametrize(("spoil", "words"), SPOILED.values(), ids=SPOILED.keys())
def test_a_packed_file_is_refused_by_both_in_the_same_words(
    spoil: Callable[[Pack], bytes], words: str, pack: Pack
) -> None:
    """Whoever checks before sending must be told what the exchange would have told."""
    sent = spoil(pack)

    with pytest.raises(UsageError) as here:
        unpacked(sent)
    for length in (len(sent), 100, len(pack(CONTENT))):  # The last ends a slice with the piece.
        with pytest.raises(ExchangeError) as there:
            in_slices(sent, length)
        assert words == str(there.value) == str(here.value)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (zstandard(CONTENT)[:60] + b"\xff" * 900, "the file is no zstd"),
        (long_window(CONTENT * 1_000), "or its window is over 8 MiB"),
        (gzipped(CONTENT)[:60] + b"\xff" * 900, "the file is no gzip"),
        (gzipped(CONTENT)[:-8] + bytes(8), "the file is no gzip"),  # another checksum
        (zstandard(CONTENT)[:-4] + bytes(4), "the file is no zstd"),  # the same
    ],
    ids=["broken", "16 MiB window", "broken gzip", "checksum of gzip", "checksum"],
)
def test_broken_packing_is_refused_by_both_in_the_same_words(sent: bytes, words: str) -> None:
    """A file that only one side can unpack is two files."""
    with pytest.raises(UsageError, match=words) as here:
        unpacked(sent)
    with pytest.raises(ExchangeError) as there:
        in_slices(sent, len(sent))

    assert str(here.value) == str(there.value)


def test_a_bomb_takes_the_memory_of_a_slice() -> None:
    """Thirty kilobytes that unpack to a gigabyte must cost the exchange some megabytes."""
    packer = zstd.ZstdCompressor()
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1 << 10)) + packer.flush()
    tracemalloc.start()

    with pytest.raises(ExchangeError, match="at most 20 times"):
        for _ in unpack([bomb], packing_of(bomb), LIMITS):
            pass
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(bomb) < 1 << 17
    assert peak_bytes < 4 << 20


@pytest.mark.parametrize("pack", [gzipped, zstandard])
def test_a_packed_batch_is_checked_offline(pack: Pack, tmp_path: Path) -> None:
    """A member checks what it will send, and not something that it first has to unpack."""
    place, cut = tmp_path / "rows", tmp_path / "cut"
    content = file_of([clean_fields(), row_fields(account_ref="acc-2", dpd=1)])
    place.write_bytes(pack(content))
    cut.write_bytes(pack(content)[:-1])
    words = ["batch", "validate", "--today", "2026-03-31", "--json"]

    found = CliRunner().invoke(app, [*words, str(place)])
    refused = CliRunner().invoke(app, [*words, str(cut)])

    assert [(3, "row.dpd_mismatch")] == [
        (one["line"], one["code"]) for one in json.loads(found.stdout)["faults"]
    ]
    assert (2, True) == (refused.exit_code, EARLY in refused.output)


def test_what_is_found_offline_is_explained_in_the_words_of_the_exchange(tmp_path: Path) -> None:
    """Whoever mends an export needs to know why, and what usually causes it."""
    place = tmp_path / "rows"
    place.write_bytes(file_of([clean_fields(), row_fields(account_ref="acc-2", dpd=1)]))
    words = ["batch", "validate", "--today", "2026-03-31", "--explain", str(place)]
    known = {one.code: one for one in CATALOGUE}

    shown = CliRunner().invoke(app, words).stdout
    told = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)

    expected = known["row.dpd_mismatch"]._asdict()
    assert {expected.pop("code"): expected | {"fields": ["dpd"]}} == told["codes"]
    assert [] == [text for text in list(expected.values())[1:] if str(text) not in shown]


def test_a_kept_file_comes_back_as_it_was_sent(tmp_path: Path) -> None:
    """To send a batch again is to send the same bytes, packed as they were."""
    plain = BatchFile(batch_id=BATCH_ID, content=CONTENT)

    for file in (plain, plain.gzipped(), plain.zstandard()):
        file.save(tmp_path / "kept")
        assert file == BatchFile.load(tmp_path / "kept")

    assert "application/zstd" == file.media
    assert gzip.decompress(plain.gzipped().sent) == zstd.decompress(file.sent) == CONTENT

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.errors import EntryTooLarge, ProofInvalid, TileMalformed
from gateway.audit.merkle import verify_consistency, verify_inclusion
from gateway.audit.tiles import (
    MAX_ENTRY_BYTES,
    TileBuilder,
    TreeView,
    consistency_proof,
    decode_bundle,
    encode_bundle,
    inclusion_proof,
    parse_tile_path,
    tile_path,
    tile_width,
)
from tests.audit.small_log import VECTORS, Tiles, leaves, mth, path, subproof

ALL = leaves(1_300)
entries = [f"entry-{i}".encode() for i in range(300)]


def test_our_vectors():
    tiles, digests = Tiles(leaves(300)), VECTORS["entries"]["sha256_of_300"]
    contents = {
        "tile/0/000": tiles(0, 0, 256),
        "tile/0/001.p/44": tiles(0, 1, 44),
        "tile/1/000.p/1": tiles(1, 0, 1),
        "tile/entries/000": encode_bundle(entries[:256]),
        "tile/entries/001.p/44": encode_bundle(entries[256:]),
    }
    assert {name: sha256(data).hexdigest() for name, data in contents.items()} == digests
    assert encode_bundle(entries[:3]).hex() == "0007656e7472792d300007656e7472792d310007656e7472792d32"


def test_the_published_geometry():
    assert [tile_width(0, n, 70_000) for n in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [tile_width(1, n, 70_000) for n in (0, 1, 2)] == [256, 17, 0]
    assert tile_width(2, 0, 70_000) == 1
    assert (tile_width(0, 0, 256), tile_width(1, 0, 256)) == (256, 1)


@settings(max_examples=60)
@given(st.integers(1, len(ALL)), st.data())
def test_proofs_from_tiles_are_the_recursive_definition(size, data):
    hashes = ALL[:size]
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    tiles = Tiles(hashes)
    proof = inclusion_proof(index, size, tiles)
    assert proof == path(index, hashes)
    verify_inclusion(index, size, hashes[index], proof, mth(hashes))
    proof = consistency_proof(old, size, tiles)
    assert proof == subproof(old, hashes)
    verify_consistency(old, size, mth(hashes[:old]), mth(hashes), proof)
    assert TreeView(size, tiles).frontier(old).root() == mth(hashes[:old])


def test_a_proof_from_a_tree_that_has_grown_since_uses_the_longer_tiles():
    grown = Tiles(ALL)
    for size in (1, 2, 255, 256, 257, 511, 513, 1_000):
        assert inclusion_proof(size // 2, size, grown) == path(size // 2, ALL[:size])


def test_a_proof_reads_each_tile_once_and_few_of_them():
    tiles = Tiles(leaves(70_000))
    proof = inclusion_proof(12_345, 70_000, tiles)
    assert len(proof) == 17
    assert len(tiles.read) == len(set(tiles.read)) <= 5


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 1_299])
def test_a_restored_builder_goes_on_as_if_it_had_never_stopped(size):
    one = Tiles(ALL[:size])
    full = size - size % 256
    other = TileBuilder.restore(size, lambda level, n: one.kept[level, n], ALL[full:size])
    for leaf in leaves(2_100)[size:]:
        assert one.builder.append(leaf) == other.append(leaf)
    assert [one.builder.partial(level) for level in range(4)] == [other.partial(level) for level in range(4)]


def test_tiles_complete_at_every_level():
    builder, last = TileBuilder(), []
    leaf = bytes(32)
    for _ in range(65_536):
        last = builder.append(leaf)
    assert [(level, n) for level, n, _ in last] == [(0, 255), (1, 0)]
    assert [len(builder.partial(level)) for level in range(4)] == [0, 0, 32, 0]


@pytest.mark.parametrize("last", [[], ALL[256:299], ALL[256:301], [*ALL[256:299], bytes(31)]])
def test_a_builder_is_not_restored_from_other_leaves_than_its_size_needs(last):
    one = Tiles(ALL[:300])
    with pytest.raises(TileMalformed):
        TileBuilder.restore(300, lambda level, n: one.kept[level, n], last)


def test_a_builder_is_not_restored_from_a_tile_that_is_not_full():
    with pytest.raises(TileMalformed):
        TileBuilder.restore(256, lambda level, n: bytes(8_191), [])


@pytest.mark.parametrize("data", [b"", bytes(43 * 32), bytes(44 * 32 - 1), bytes(257 * 32)])
def test_a_tile_of_another_length_than_the_tree_needs_is_refused(data):
    tiles = Tiles(ALL[:300])
    with pytest.raises(TileMalformed):
        inclusion_proof(299, 300, lambda level, n, width: data if (level, n) == (0, 1) else tiles(level, n, width))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (7, 7), (-1, 7), (0, -1)])
def test_there_is_no_proof_of_what_is_not_there(index, size):
    with pytest.raises(ProofInvalid):
        inclusion_proof(index, size, Tiles(ALL[:7]))


@given(st.none() | st.integers(0, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_paths_are_read_as_they_are_written(level, n, width):
    assert parse_tile_path(tile_path(level, n, width)) == (level, n, width)


def test_a_long_number_is_written_in_groups():
    assert tile_path(0, 1_234_067, 44) == "tile/0/x001/x234/067.p/44"
    assert tile_path(None, 5) == "tile/entries/005"


@pytest.mark.parametrize(
    "text",
    [
        "tile/0/001/234", "tile/0/x001", "tile/0/1", "tile/0/0001", "tile/0/x000/001", "tile/00/001", "tile/64/001",
        "tile/0/001.p/0", "tile/0/001.p/256", "tile/0/001.p/257", "tile/0/001.p/04", "tile/0/001.p/", "tile/-1/001",
        "tile/0/\u0660\u0660\u0661", "/tile/0/001", "tile/0/001\n", "tile/leaves/001", "tile/0/../001",
        "tile/0/" + "x001/" * 90 + "001",
    ],
)  # fmt: skip
def test_other_paths_are_refused(text):
    with pytest.raises(TileMalformed):
        parse_tile_path(text)


@pytest.mark.parametrize(("level", "n", "width"), [(64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_no_path_is_written_for_what_is_no_tile(level, n, width):
    with pytest.raises(TileMalformed):
        tile_path(level, n, width)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=30))
def test_bundles_are_read_as_they_are_written(bodies):
    assert decode_bundle(encode_bundle(bodies), len(bodies)) == bodies


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b + b"\0\0", lambda b: b[1:]])
def test_a_bundle_that_ends_too_early_or_too_late_is_refused(change):
    with pytest.raises(TileMalformed):
        decode_bundle(change(encode_bundle(entries[:3])), 3)


def test_the_largest_entry_fits_and_one_byte_more_is_refused():
    assert decode_bundle(encode_bundle([bytes(MAX_ENTRY_BYTES)]), 1) == [bytes(MAX_ENTRY_BYTES)]
    with pytest.raises(EntryTooLarge):
        encode_bundle([bytes(65_536)])


@pytest.mark.parametrize("count", [0, 257])
def test_a_bundle_holds_1_to_256_entries(count):
    with pytest.raises(TileMalformed):
        encode_bundle([b"{}"] * count)
    with pytest.raises(TileMalformed):
        decode_bundle(b"\0\0" * count, count)

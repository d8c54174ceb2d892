from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.errors import ProofInvalid
from gateway.audit.merkle import (
    EMPTY_ROOT,
    MAX_PROOF,
    Frontier,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    subtrees,
    verify_consistency,
    verify_inclusion,
)
from tests.audit.small_log import VECTORS, leaves, mth, path, subproof

UP_TO = 130
ALL = leaves(UP_TO)
hash_values = st.binary(min_size=32, max_size=32)


def grown(hashes: list[bytes]) -> Frontier:
    frontier = Frontier()
    for leaf in hashes:
        frontier.append(leaf)
    return frontier


def test_published_roots():
    frontier = Frontier()
    roots = [frontier.root().hex()]
    for entry in VECTORS["published_leaves"]:
        frontier.append(leaf_hash(bytes.fromhex(entry)))
        roots.append(frontier.root().hex())
    assert roots == VECTORS["published_roots"]


def test_roots_of_our_vectors():
    for size, root in VECTORS["entries"]["roots"].items():
        assert grown(leaves(int(size))).root().hex() == root


@pytest.mark.parametrize("name", VECTORS["entries"]["inclusion"])
def test_inclusion_vectors(name):
    index, size = map(int, name.split(" in "))
    proof = [bytes.fromhex(h) for h in VECTORS["entries"]["inclusion"][name]]
    assert [mth(ALL[b:e]) for b, e in inclusion_ranges(index, size)] == proof
    verify_inclusion(index, size, ALL[index], proof, mth(ALL[:size]))


@pytest.mark.parametrize("name", VECTORS["entries"]["consistency"])
def test_consistency_vectors(name):
    old, size = map(int, name.split(" to "))
    proof = [bytes.fromhex(h) for h in VECTORS["entries"]["consistency"][name]]
    assert [mth(ALL[b:e]) for b, e in consistency_ranges(old, size)] == proof
    verify_consistency(old, size, mth(ALL[:old]), mth(ALL[:size]), proof)


def test_every_inclusion_proof_up_to_130_verifies_for_its_own_index_and_size_only():
    roots = [mth(ALL[:size]) for size in range(UP_TO + 1)]
    for size in range(1, UP_TO + 1):
        for index in range(size):
            proof = path(index, ALL[:size])
            assert [mth(ALL[b:e]) for b, e in inclusion_ranges(index, size)] == proof
            verify_inclusion(index, size, ALL[index], proof, roots[size])
            with pytest.raises(ProofInvalid):
                verify_inclusion(index ^ 1, size, ALL[index], proof, roots[size])


def test_every_consistency_proof_up_to_130_verifies_and_not_the_other_way_round():
    roots = [mth(ALL[:size]) for size in range(UP_TO + 1)]
    for size in range(1, UP_TO + 1):
        for old in range(1, size + 1):
            proof = subproof(old, ALL[:size])
            assert [mth(ALL[b:e]) for b, e in consistency_ranges(old, size)] == proof
            verify_consistency(old, size, roots[old], roots[size], proof)
            if old < size:
                with pytest.raises(ProofInvalid):
                    verify_consistency(old, size, roots[size], roots[old], proof)


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_the_frontier_is_the_recursive_definition(entries):
    hashes = [leaf_hash(e) for e in entries]
    frontier = grown(hashes)
    assert frontier.size == len(entries)
    assert frontier.root() == mth(hashes)
    assert list(frontier.hashes) == [mth(hashes[i << lv : (i + 1) << lv]) for lv, i in subtrees(0, len(hashes))]


@given(st.lists(hash_values, min_size=1, max_size=60), st.data())
def test_a_range_between_its_neighbours_roots_leads_to_the_root(hashes, data):
    first = data.draw(st.integers(0, len(hashes)))
    end = data.draw(st.integers(first, len(hashes)))
    frontier = Frontier(first, [mth(hashes[i << lv : (i + 1) << lv]) for lv, i in subtrees(0, first)])
    for leaf in hashes[first:end]:
        frontier.append(leaf)
    for level, i in subtrees(end, len(hashes)):
        frontier.append_subtree(level, mth(hashes[i << level : (i + 1) << level]))
    assert frontier.root() == mth(hashes)


@given(st.integers(0, 2**62), st.integers(0, 2**20))
def test_subtrees_cover_a_range_once_and_aligned(begin, width):
    at = begin
    for level, index in subtrees(begin, begin + width):
        assert index << level == at
        at += 1 << level
    assert at == begin + width


@given(st.integers(1, 200), st.data())
def test_no_proof_survives_a_flipped_bit(size, data):
    hashes = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    parts = [hashes[index], *path(index, hashes), mth(hashes)]
    which, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    flipped = bytearray(parts[which])
    flipped[bit // 8] ^= 1 << bit % 8
    parts[which] = bytes(flipped)
    with pytest.raises(ProofInvalid):
        verify_inclusion(index, size, parts[0], parts[1:-1], parts[-1])


@given(st.integers(2, 200), st.data())
def test_no_consistency_proof_survives_a_flipped_bit(size, data):
    hashes = leaves(size)
    old = data.draw(st.integers(1, size - 1))
    parts = [mth(hashes[:old]), mth(hashes), *subproof(old, hashes)]
    which, bit = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.integers(0, 255))
    flipped = bytearray(parts[which])
    flipped[bit // 8] ^= 1 << bit % 8
    parts[which] = bytes(flipped)
    with pytest.raises(ProofInvalid):
        verify_consistency(old, size, parts[0], parts[1], parts[2:])


SEVEN = ALL[:7]


@pytest.mark.parametrize(
    ("index", "size", "leaf", "proof", "root"),
    [
        pytest.param(7, 7, ALL[6], path(6, SEVEN), mth(SEVEN), id="index is the size"),
        pytest.param(-1, 7, ALL[6], path(6, SEVEN), mth(SEVEN), id="negative index"),
        pytest.param(3, 7, ALL[3], path(3, SEVEN)[:-1], mth(SEVEN), id="one hash short"),
        pytest.param(3, 7, ALL[3], [*path(3, SEVEN), ALL[0]], mth(SEVEN), id="one hash long"),
        pytest.param(3, 7, ALL[3], [ALL[0], *path(3, SEVEN)], mth(SEVEN), id="a hash in front"),
        pytest.param(3, 7, ALL[3], [path(3, SEVEN)[0][:31], *path(3, SEVEN)[1:]], mth(SEVEN), id="31-byte hash"),
        pytest.param(3, 7, ALL[3][:31], path(3, SEVEN), mth(SEVEN), id="31-byte leaf"),
        pytest.param(3, 7, ALL[3], path(3, SEVEN), mth(SEVEN)[:31], id="31-byte root"),
        pytest.param(3, 14, ALL[3], path(3, SEVEN), mth(SEVEN), id="size doubled"),
        pytest.param(3, 4, ALL[3], path(3, SEVEN), mth(SEVEN), id="size halved"),
        pytest.param(1, 7, mth(ALL[2:4]), [mth(ALL[:2]), mth(ALL[4:7])], mth(SEVEN), id="node for leaf"),
        pytest.param(1, 3, leaf_hash(ALL[2] + ALL[3]), [mth(ALL[:2]), mth(ALL[4:7])], mth(SEVEN), id="leaf for node"),
        pytest.param(0, 0, ALL[0], [], EMPTY_ROOT, id="empty tree"),
        pytest.param(0, 2**63, ALL[0], [ALL[0]] * MAX_PROOF, mth(SEVEN), id="size beyond the format"),
        pytest.param(0, 7, ALL[0], [ALL[0]] * 1000, mth(SEVEN), id="endless proof"),
    ],
)
def test_inclusion_refuses(index, size, leaf, proof, root):
    with pytest.raises(ProofInvalid):
        verify_inclusion(index, size, leaf, proof, root)


@pytest.mark.parametrize(
    ("old", "size", "old_root", "root", "proof"),
    [
        pytest.param(0, 7, EMPTY_ROOT, mth(SEVEN), [], id="from nothing"),
        pytest.param(7, 3, mth(SEVEN), mth(ALL[:3]), subproof(3, SEVEN), id="shrinking"),
        pytest.param(7, 7, mth(SEVEN), mth(ALL[:6]), [], id="one size, two roots"),
        pytest.param(7, 7, mth(SEVEN), mth(SEVEN), [ALL[0]], id="a proof for nothing"),
        pytest.param(3, 7, mth(ALL[:3]), mth(SEVEN), [], id="no proof"),
        pytest.param(4, 7, mth(ALL[:4]), mth(ALL[:4]), [], id="no proof, one root"),
        pytest.param(3, 7, mth(SEVEN), mth(ALL[:3]), subproof(3, SEVEN), id="roots swapped"),
        pytest.param(3, 7, mth(ALL[:3]), mth(SEVEN), subproof(3, SEVEN)[:-1], id="one hash short"),
        pytest.param(3, 7, mth(ALL[:3]), mth(SEVEN), [*subproof(3, SEVEN), ALL[0]], id="one hash long"),
        pytest.param(4, 7, mth(ALL[:4]), mth(SEVEN), [mth(ALL[:4]), *subproof(4, SEVEN)], id="old root given twice"),
        pytest.param(3, 7, mth(ALL[:3]), mth(SEVEN), [h[:31] for h in subproof(3, SEVEN)], id="31-byte hashes"),
    ],
)
def test_consistency_refuses(old, size, old_root, root, proof):
    with pytest.raises(ProofInvalid):
        verify_consistency(old, size, old_root, root, proof)


@given(st.lists(hash_values, max_size=40))
def test_a_frontier_survives_being_stored(hashes):
    frontier = grown(hashes)
    restored = Frontier.from_bytes(frontier.to_bytes())
    assert (restored.size, restored.hashes) == (frontier.size, frontier.hashes)


@pytest.mark.parametrize(
    "change", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b"", lambda b: b[:7], lambda b: b[1:]]
)
def test_a_stored_frontier_of_another_length_is_refused(change):
    with pytest.raises(ProofInvalid):
        Frontier.from_bytes(change(grown(ALL[:7]).to_bytes()))


def test_a_frontier_of_a_size_beyond_the_format_is_refused():
    with pytest.raises(ProofInvalid):
        Frontier.from_bytes((2**63).to_bytes(8, "big") + bytes(32))


def test_a_copy_is_independent():
    frontier = grown(ALL[:5])
    tried = frontier.copy()
    tried.append(ALL[5])
    assert frontier.root() == mth(ALL[:5])
    assert tried.root() == mth(ALL[:6])


def test_a_subtree_that_cannot_begin_here_is_refused():
    with pytest.raises(ProofInvalid):
        grown(ALL[:5]).append_subtree(1, ALL[0])


def test_one_hash_over_a_long_run_pins_the_tree():
    frontier, run = Frontier(), sha256()
    for leaf in leaves(20_000):
        frontier.append(leaf)
        if frontier.size % 7 == 0:
            run.update(frontier.root())
    assert run.hexdigest() == VECTORS["long_run_sha256"]

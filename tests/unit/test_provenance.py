"""Hashes: what they depend on, and what they do not."""

import os

from gliomake.files import provenance


def test_files_and_values(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"abd")
    a, b = tmp_path / "a", tmp_path / "b"
    # sha256("abc"), FIPS 180-2, appendix B.1
    assert provenance.file_sha256(a).startswith("ba7816bf8f01cfea414140de5dae2223")
    assert provenance.files_sha256([a, b]) != provenance.files_sha256([b, a])
    assert provenance.value_sha256({"x": 1, "y": [2]}) == provenance.value_sha256(
        {"y": [2], "x": 1}
    )
    assert provenance.value_sha256({"x": 1}) != provenance.value_sha256({"x": 2})


def listing(root):
    provenance.listing_sha256.cache_clear()
    return provenance.listing_sha256(str(root))


def test_a_listing_shows_what_changed_at_any_depth(tmp_path):
    case = tmp_path / "set" / "case"
    case.mkdir(parents=True)
    (case / "1.tif").write_bytes(b"abc")
    (tmp_path / "set" / "around").symlink_to(tmp_path / "set")  # must end
    seen = [listing(tmp_path / "set")]
    assert listing(tmp_path / "set") == seen[0]
    (case / ".hidden").write_bytes(b"a file manager's")
    assert listing(tmp_path / "set") == seen[0]
    (case / "2.tif").write_bytes(b"abc")
    seen.append(listing(tmp_path / "set"))
    (case / "2.tif").write_bytes(b"abcd")
    seen.append(listing(tmp_path / "set"))
    os.utime(case / "2.tif", ns=(1, 1))
    seen.append(listing(tmp_path / "set"))
    (case / "2.tif").rename(case / "3.tif")
    seen.append(listing(tmp_path / "set"))
    assert len(set(seen)) == 5
    (tmp_path / "link").symlink_to(tmp_path / "set")
    assert listing(tmp_path / "link") == seen[-1]

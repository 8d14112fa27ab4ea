# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation: its links, the files and names that it refers to, and the site that is built of it."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from occupy_core import __version__
from scripts.site_pages import PAGES, site_links
from tests.conftest import skip_or_fail

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
DOCUMENTS = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
FOLDERS = ("occupy_core", "occupy_scipion", "relion_external", "benchmarks", "demo", "scripts", "tests", "docs", ".ci")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
# A file in backquotes, and names that it defines: `folder/file.py` (`name`, `other_name`).
FILE = re.compile(r"`((?:{})/[^`\s]*)`(?: \(((?:`\w+`(?:, )?)+)\))?".format("|".join(map(re.escape, FOLDERS))))


def text_of(document):
    return document.read_text(encoding="utf-8")


def prose_of(document):
    """Return the text of a document without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", text_of(document), flags=re.M | re.S)


def anchors_of(document):
    headings = re.findall(r"^#+ +(.+?) *#*$", prose_of(document), flags=re.M)
    plain = [re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading)) for heading in plain}


def documents_named(document):
    return document.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=documents_named)
def test_links_within_the_repository_resolve(document):
    for link in LINK.findall(prose_of(document)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=documents_named)
def test_files_and_names_that_a_document_refers_to_exist(document):
    for path, names in FILE.findall(prose_of(document)):
        if "*" in path:
            assert list(REPOSITORY.glob(path)), path
            continue
        assert (REPOSITORY / path).exists(), path
        for name in re.findall(r"\w+", names):
            definition = rf"^\s*(?:(?:def|class) {name}\b|{name}(?::[^=]+)? = )"
            found = re.search(definition, text_of(REPOSITORY / path), flags=re.M)
            assert found is not None, f"{path}: {name}"


def test_every_page_is_in_the_navigation_of_the_site():
    navigation = re.findall(r"^ +- [^:]+: (\S+\.md)$", text_of(REPOSITORY / "mkdocs.yml"), flags=re.M)
    assert sorted(navigation) == sorted([*(path.name for path in DOCS.glob("*.md")), *PAGES.values()])


def test_every_page_is_linked_from_the_readme_or_from_a_page_that_it_links():
    reached = {REPOSITORY / "README.md"}
    for _ in DOCUMENTS:
        links = {(document, link) for document in reached for link in LINK.findall(prose_of(document))}
        found = {(document.parent / link.partition("#")[0]).resolve() for document, link in links if ":" not in link}
        reached |= {path for path in found if path.suffix == ".md"}
    assert set(DOCUMENTS) <= reached


def test_links_on_the_site_lead_to_pages_of_the_site():
    in_root = (
        "![a](docs/images/demo.png) [b](docs/masks.md#grids) [c](CONTRIBUTING.md) [d](LICENSE) [e](https://a.org/b)"
    )
    expected = "![a](images/demo.png) [b](masks.md#grids) [c](contributing.md) [d](LICENSE.txt) [e](https://a.org/b)"
    assert site_links(in_root, is_in_root=True) == expected
    in_docs = "[a](images/demo.png) [b](masks.md) [c](../CONTRIBUTING.md#set-up) [d](../README.md) [e](#here)"
    expected = "[a](images/demo.png) [b](masks.md) [c](contributing.md#set-up) [d](index.md) [e](#here)"
    assert site_links(in_docs, is_in_root=False) == expected


def test_the_site_builds_without_a_warning_and_loads_nothing_from_other_servers(tmp_path):
    if importlib.util.find_spec("mkdocs") is None:
        skip_or_fail("mkdocs is not installed; install it with: make docs")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in tmp_path.glob("*.html")} >= {path.stem for path in DOCS.glob("*.md")} | {"index"}
    for page in set(tmp_path.glob("*.html")) - {tmp_path / "404.html"}:  # whose addresses are those of a server
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)\b[^>]*\bsrc=\"([^\"]+)\"", text)
        loaded += re.findall(r"<link\b[^>]*\bhref=\"([^\"]+)\"", text)
        assert not [address for address in loaded if re.match(r"(?:https?:)?//", address)], page.name
        assert [] == [address for address in loaded if not (tmp_path / address.split("?")[0]).exists()], page.name


def test_the_citation_file_names_the_version_and_the_paper():
    text = text_of(REPOSITORY / "CITATION.cff")
    assert f"\nversion: {__version__}\n" in text
    assert "doi: 10.1038/s41467-023-41478-1" in text

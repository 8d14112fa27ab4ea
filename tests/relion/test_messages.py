# SPDX-License-Identifier: GPL-3.0-or-later
"""Every message about a bad input names the file or option, the finding, the expectation and the way out.

Each case is run through the command's own function. A case is: words of the command line, and the four texts.
"""

import gzip
import os
import warnings
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from demo.simulate import phantom
from relion_external.job import run

MAP = ["--in_3dref", "map.mrc"]
STAR = "data_model_general\n\n_rlnReferenceDimensionality 3\n_rlnPixelSize 3\n\ndata_model_classes\n\nloop_\n"
CLASSES = "_rlnReferenceImage #1\n_rlnClassDistribution #2\n"

OPTIONS = {
    "unknown option": (
        [*MAP, "--amplfy"],
        "--amplfy",
        "unknown option",
        "one that --help lists",
        "did you mean --amplify?",
    ),
    "far from all options": ([*MAP, "--xyzzy", "3"], "--xyzzy", "unknown option", "expected one", "--help lists"),
    "stray word": ([*MAP, "stray"], "'stray'", "found", "an option was expected", "quote values with blanks"),
    "no map": ([], "--in_parts", "no map given", "expected --in_3dref MAP", "or --in_parts run_itNNN_data.star"),
    "no value": ([*MAP, "--lowpass"], "--lowpass", "got no value", "a number in Å", "leave it out for the default"),
    "no path": (["--in_3dref"], "--in_3dref", "got none", "expected one argument", "give the path of a file"),
    "a word for a number": ([*MAP, "--lowpass", "x"], "--lowpass", "got 'x'", "a number in Å", "default (max(8 Å"),
    "another unit": ([*MAP, "--lowpass", "1 mm"], "--lowpass", "got '1 mm'", "a number in Å", "write 1 without 'mm'"),
    "ambiguous comma": ([*MAP, "--lowpass", "1,250"], "--lowpass", "got '1,250'", "in Å", "write 1.250 or 1250"),
    "negative length": ([*MAP, "--lowpass=-8"], "--lowpass", "got -8.0", "a number in Å", "leave it out"),
    "power of 1": ([*MAP, "--amplify", "1"], "--amplify", "got 1.0", "expected > 1", "for the default (off)"),
    "pivot of 2": ([*MAP, "--pivot", "2"], "--pivot", "got 2.0", "expected 0.01..0.99", "default (0.3)"),
    "tau of 1": ([*MAP, "--tau", "1"], "--tau", "got 1.0", "above 0, below 1", "leave it out"),
    "even kernel": ([*MAP, "--kernel_size", "4"], "--kernel_size", "got 4", "of voxels: odd, 3..31", "leave it out"),
    "half a voxel": ([*MAP, "--tile_size", "4.5"], "--tile_size", "got '4.5'", "a whole number", "default (12)"),
    "odd box": ([*MAP, "--max_box", "99"], "--max_box", "got 99", "even, at least 32", "default (256)"),
    "no choice": ([*MAP, "--mode", "occupanc"], "--mode", "got 'occupanc'", "expected auto", "did you mean occupancy?"),
    "no yes or no": ([*MAP, "--nlrc", "maybe"], "--nlrc", "got 'maybe'", "expected yes or no", "leave it out"),
    "no class numbers": ([*MAP, "--classes", "a"], "--classes", "got 'a'", "numbers such as 1,3,4", "or 1-3"),
    "backward range": ([*MAP, "--classes", "3-1"], "--classes", "got '3-1'", "expected all", "or 1-3"),
    "no reference": ([*MAP, "--reference", "best"], "--reference", "got best", "a class number", "default (auto)"),
    "window": ([*MAP, "--model_window", "3"], "--model_window", "got 3", "residues: 5..100", "default (15)"),
    "seed": ([*MAP, "--seed", "-1"], "--seed", "got -1", "expected 0..2147483647", "default (0)"),
    "voxel size": ([*MAP, "--angpix", "0"], "--angpix", "got '0'", "a number above 0, in Å", "for example"),
    **{
        f"voxel size of {size}": (
            [*MAP, "--angpix", size],
            "--angpix",
            f"got '{size}'",
            "expected 0.1 to 100 Å",
            "give the edge of a voxel in Å, such as 1.06",
        )
        for size in ("0.001", "160", "500", "3e28", "2e-30", "50 nm")
    },
    "voxel size and pivot": ([*MAP, "--angpix", "500", "--pivot", "2"], "--angpix", "2 mistakes", "to 100 Å", "edge"),
    "threads": ([*MAP, "--j", "many"], "--j", "got 'many'", "a whole number above 0", "for example --j 4"),
    "two definitions": (
        [*MAP, "--in_mask", "mask.mrc", "--solvent_def", "map.mrc"],
        "--solvent_def",
        "is not the file of --in_mask",
        "the same setting",
        "give only one",
    ),
    "contradiction": (
        [*MAP, "--exclude_solvent", "--omit_confidence"],
        "--exclude_solvent",
        "contradicts",
        "because the confidence shows where solvent is",
        "choose one",
    ),
    "no subtraction": (
        [*MAP, "--subtraction_mask"],
        "--subtraction_mask",
        "needs a modification",
        "expected attenuate or sigmoid",
        "add attenuate",
    ),
    "mask twice": (
        [*MAP, "--target_mask", "mask.mrc,mask.mrc"],
        "--target_mask",
        "one mask twice",
        "expected different masks",
        "give each once",
    ),
    "help and a job": (
        [*MAP, "--help"],
        "--help",
        "only print text",
        "the options of a job",
        "remove them to run the job",
    ),
    "classes of a report": (
        ["--settings", "report.json"],
        "report.json",
        "is not a report of this program",
        "expected the report.json of a job",
        "the map and the settings as options",
    ),
    "several maps": (
        ["--in_3dref", "map.mrc", "mask.mrc"],
        "--in_3dref",
        "got 2 files, map.mrc to mask.mrc",
        "expected one",
        "give --in_parts",
    ),
    "two mistakes and no groups": (
        [*MAP, "--pivot", "2", "--model", "model.pdb", "--model_groups", "gone.txt"],
        "--model_groups: gone.txt",
        "2 mistakes: (1)",
        "no such file, expected chain, entity, or a text file",
        "(2) --model_groups",
    ),
    "two mistakes and a word for groups": (
        [*MAP, "--model", "gone.pdb", "--model_groups", "chian"],
        "--model_groups: found 'chian'",
        "2 mistakes: (1) --model: gone.pdb",
        "expected chain, entity, or a text file",
        "did you mean chain?",
    ),
    "two mistakes": ([*MAP, "--pivot", "2", "--tau", "1"], "--tau", "2 mistakes: (1)", "below 1", "; (2) --"),
}

FILES = {
    "no map": (["--in_3dref", "mpa.mrc"], "mpa.mrc", "no such file", "a map in MRC", "there is map.mrc"),
    "no folder": (["--in_3dref", "X/map.mrc"], "X/map.mrc", "there is no folder X", "a map", "the project's folder"),
    "folder": (["--in_3dref", "folder"], "folder", "found a folder", "a map in MRC or CCP4", "there is inside.mrc"),
    "job": (["--in_parts", "Class3D"], "Class3D", "found a folder", "run_itNNN_data.star", "is run_it025_data.star"),
    "pattern": (["--in_3dref", "ma*.mrc"], "ma*.mrc", "2 files fit", "expected one file", "give one of map.mrc"),
    "pipe": (["--in_3dref", "pipe.mrc"], "pipe.mrc", "found a named pipe", "a map", "give the path of a file"),
    "device": (["--in_3dref", "/dev/null"], "/dev/null", "found a device", "a map", "give the path of a file"),
    "address": (
        ["--in_3dref", "https://x.org/map.mrc"],
        "https://x.org/map.mrc",
        "found an address in the internet",
        "a map in MRC",
        "download the file and give its path",
    ),
    "control character": (["--in_3dref", "a\nb.mrc"], "a\\nb.mrc", "a control character", "letters", "rename the file"),
    "no UTF-8": (["--in_3dref", "\udcfc.mrc"], "\\udcfc.mrc", "is not in UTF-8", "letters in UTF-8", "rename the file"),
    "no definition": ([*MAP, "--in_mask", "maks.mrc"], "maks.mrc", "no such file", "a map", "there is mask.mrc"),
    "no target": ([*MAP, "--target_mask", "t.mrc"], "--target_mask: t.mrc", "no such file", "a map", "there is"),
    "target folder": ([*MAP, "--target_mask", "folder"], "folder", "found a folder", "a map", "there is inside.mrc"),
    "no model": ([*MAP, "--model", "m.cif"], "--model: m.cif", "no such file", "PDB or mmCIF", "there is model.pdb"),
    "model pipe": ([*MAP, "--model", "pipe.mrc"], "pipe.mrc", "a named pipe", "an atomic model", "the path of a file"),
    "no report": (["--settings", "r.json"], "r.json", "no such file", "the report.json of a job", "is report.json"),
    "report folder": (["--settings", "folder"], "folder", "found a folder", "the report.json of a job", "give a file"),
    "word for groups": (
        [*MAP, "--model", "model.pdb", "--model_groups", "chian"],
        "model_groups",
        "found 'chian', which is no file",
        "expected chain, entity, or a text file",
        "did you mean chain?",
    ),
    "selection": (
        [*MAP, "--model", "model.pdb", "--model_groups", "chain A and resseq 2:5"],
        "model_groups",
        "found the selection",
        "expected chain, entity, or a text file",
        "into a file and give its path",
    ),
    "no groups": (
        [*MAP, "--model", "model.pdb", "--model_groups", "gone.txt"],
        "gone.txt",
        "no such file",
        "expected chain, entity, or a text file",
        "'name: selection'",
    ),
    "empty model": ([*MAP, "--model", "empty"], "empty", "found an empty file", "an atomic model", "again"),
    "output folder": (
        [*MAP, "--o", "map.mrc"],
        "map.mrc",
        "cannot write to this output folder",
        "a file has its name",
        "choose another",
    ),
    "output name": ([*MAP, "--o", "a\tb/"], "--o: a\\tb/", "a control character", "letters", "rename"),
    "input is output": (
        ["--in_3dref", "out/scale.mrc", "--o", "out"],
        "scale.mrc",
        "is an input",
        "",
        "another output folder",
    ),
    "folder is output": (
        [*MAP, "--o", "taken"],
        "taken/scale.mrc",
        "is a folder",
        "an output",
        "another output folder",
    ),
}

MAPS = {
    "empty": (["--in_3dref", "empty"], "empty", "found an empty file", "a map in MRC", "write the file again"),
    "text": (["--in_3dref", "text.mrc"], "text.mrc", "a text file", "a map in MRC", "give a map"),
    "cut": (["--in_3dref", "cut.mrc"], "cut.mrc", "found 131996 bytes", "expected 132096", "copy the file again"),
    "NaN": (["--in_3dref", "nan.mrc"], "nan.mrc", "NaN or infinite", "expected numbers only", "replace them"),
    "flat": (["--in_3dref", "flat.mrc"], "flat.mrc", "every voxel is 0", "a map with density", "the right file"),
    "huge values": (["--in_3dref", "huge.mrc"], "huge.mrc", "too large", "a usual grey scale", "rescale the map"),
    "no voxel size": (["--in_3dref", "zero.mrc"], "zero.mrc", "voxel size", "Å", "give it (--angpix"),
    "no cubes": (["--in_3dref", "long.mrc"], "long.mrc", "found voxels of 3 x 3 x 4", "expected cubes", "resample"),
    "angles": (["--in_3dref", "skew.mrc"], "skew.mrc", "cell angles", "expected 90", "resample the map"),
    "image": (["--in_3dref", "image.mrc"], "image.mrc", "one 3D map", "expected", "give a file"),
    "stack": (["--in_3dref", "stack.mrcs"], "stack.mrcs", "a stack of images", "expected one 3D map", "give"),
    "complex": (["--in_3dref", "complex.mrc"], "complex.mrc", "complex values", "expected real values", "give the map"),
    "gzip of text": (["--in_3dref", "text.mrc.gz"], "text.mrc.gz", "it is a text file", "a map in MRC", "give a map"),
    "mask of another box": ([*MAP, "--target_mask", "small.mrc"], "small.mrc", "box 20", "the grid of map", "resample"),
    "mask of another size": ([*MAP, "--in_mask", "fine.mrc"], "fine.mrc", "voxel size 1.5", "the grid of", "resample"),
    "empty mask": ([*MAP, "--target_mask", "flat.mrc"], "flat.mrc", "every voxel is 0", "expected", "the right file"),
    "broken mask": ([*MAP, "--target_mask", "text.mrc"], "text.mrc", "a text file", "a map", "give a map"),
    "low-pass beyond the box": (
        [*MAP, "--lowpass", "900"],
        "--lowpass",
        "900 Å does not suit",
        "expected 6 to 48 Å",
        "or leave it out",
    ),
    "kernel beyond the box": (
        ["--in_3dref", "small.mrc", "--kernel_size", "31"],
        "--kernel_size",
        "got 31",
        "at most 20",
        "choose a smaller one",
    ),
    "text as a model": ([*MAP, "--model", "text.mrc"], "text.mrc", "found no atoms", "PDB or mmCIF", "check the file"),
    "two problems": (
        [*MAP, "--in_mask", "text.mrc", "--target_mask", "small.mrc"],
        "text.mrc",
        "2 problems",
        "(2)",
        "resample",
    ),
}

CLASSIFICATIONS = {
    "no model STAR": (["--in_parts", "lone_data.star"], "lone_data.star", "lone_model.star", "expected", "Class3D"),
    "no STAR": (
        ["--in_parts", "run_it024_data.star"],
        "run_it024_data.star",
        "no such file",
        "a 3D classification",
        "is",
    ),
    "no class map": (["--in_parts", "gone_it001_model.star"], "gone_it001_model.star", "class", "", "choose another"),
    "no classes": (
        ["--in_parts", "bare_model.star"],
        "bare_model.star",
        "no table of classes",
        "the model STAR file",
        "",
    ),
    "2D": (["--in_parts", "flat2d_model.star"], "flat2d_model.star", "2D classification", "expected a 3D one", ""),
    "no such class": (
        ["--in_parts", "Class3D/run_it025_data.star", "--classes", "7"],
        "run_it025_model.star",
        "has no class 7",
        "expected one of 1, 2",
        "",
    ),
    "reference of no class": (
        ["--in_parts", "Class3D/run_it025_data.star", "--reference", "7"],
        "reference",
        "got 7",
        "expected one of the maps' numbers: 1, 2",
        "or auto",
    ),
}
KINDS = {"options": OPTIONS, "files": FILES, "maps": MAPS, "classifications": CLASSIFICATIONS}


def write(name, values, voxel_size=3.0, **header):
    with mrcfile.new(name, overwrite=True) as mrc, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # about NaN
        mrc.set_data(np.asarray(values))
        if mrc.data.ndim == 3 and not name.endswith(".mrcs"):
            mrc.set_volume()
        mrc.voxel_size = voxel_size
        for item, value in header.items():
            mrc.header[item] = value


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with good and bad files; the current folder."""
    top = tmp_path_factory.mktemp("messages")
    volume = phantom((32,) * 3).volume
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(top)
        for name in ("folder", "out", "Class3D", "taken/scale.mrc"):
            Path(name).mkdir(parents=True)
        for name in ("map.mrc", "out/scale.mrc", "folder/inside.mrc"):
            write(name, volume)
        write("mask.mrc", (volume > 0.5).astype("f4"))
        write_bad_maps(volume)
        write_classifications(volume)
        os.mkfifo("pipe.mrc")
        Path("empty").touch()
        Path("text.mrc").write_text("no map\n" * 300)
        Path("text.mrc.gz").write_bytes(gzip.compress(b"no map\n" * 300))
        Path("report.json").write_text('{"program": "another"}')
        Path("model.pdb").write_text("ATOM      1  CA  ALA A   1      10.000  10.000  10.000  1.00 20.00           C\n")
        yield top


def write_bad_maps(volume):
    bad = volume.copy()
    bad[3, 4, 5] = np.nan
    write("nan.mrc", bad)
    write("flat.mrc", np.zeros_like(volume))
    write("huge.mrc", volume * np.float32(1e30))
    write("zero.mrc", volume, voxel_size=0)
    write("long.mrc", volume, voxel_size=(3, 3, 4))
    write("skew.mrc", volume, cellb=(90, 90, 120))
    write("image.mrc", volume[0])
    write("stack.mrcs", volume)
    write("complex.mrc", volume.astype(np.complex64))
    write("small.mrc", volume[:20, :20, :20])
    write("fine.mrc", volume, voxel_size=1.5)
    Path("cut.mrc").write_bytes(Path("map.mrc").read_bytes()[:-100])


def write_classifications(volume):
    rows = "".join(f"Class3D/run_it025_class00{number}.mrc 0.5\n" for number in (1, 2))
    for number in (1, 2):
        write(f"Class3D/run_it025_class00{number}.mrc", volume)
    Path("Class3D/run_it025_model.star").write_text(f"{STAR}{CLASSES}{rows}\n")
    Path("Class3D/run_it025_data.star").write_text("data_particles\n\nloop_\n_rlnClassNumber #1\n" + "1\n2\n" * 100)
    Path("lone_data.star").write_text("data_particles\n\nloop_\n_rlnClassNumber #1\n1\n")
    Path("gone_it001_model.star").write_text(f"{STAR}{CLASSES}gone_it001_class001.mrc 1.0\n\n")
    Path("bare_model.star").write_text("data_model_general\n\n_rlnReferenceDimensionality 3\n\n")
    Path("flat2d_model.star").write_text(f"{STAR}{CLASSES}000001@classes.mrcs 1.0\n\n".replace("ality 3", "ality 2"))


def test_there_are_at_least_sixty_kinds():
    complete = [case for cases in KINDS.values() for case in cases.values() if all(case)]
    assert len(complete) >= 60


@pytest.mark.parametrize(
    ("words", "named", "found", "expected", "way_out"),
    [pytest.param(*case, id=f"{kind}: {name}") for kind, cases in KINDS.items() for name, case in cases.items()],
)
def test_message(folder, capsys, words, named, found, expected, way_out):
    command = words if "--o" in words else ["--o", "job/", *words]
    assert run([*command, "--figures", "no"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    for text in (named, found, expected, way_out):
        assert text in lines[0], lines[0]
    assert lines[0].isprintable()
    assert not list(Path("job").glob("*.mrc"))

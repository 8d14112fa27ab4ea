# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, start to end, in every host that is there: `make demo`."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List

import mrcfile
import numpy as np

from demo.classification import OCCUPANCIES, classes, write_classification
from demo.simulate import Phantom, phantom

OUTPUT = Path(__file__).resolve().parents[1] / "demo_output"
MAPS = ("scale", "confidence", "amplified", "attenuated", "sigmoid")


def main() -> int:
    """Run the demo; 0 when every part delivered and all agree."""
    sys.stdout.reconfigure(line_buffering=True)  # in order with what the jobs print, to a file too
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    simulated = phantom(noise=0.1)
    map_path = OUTPUT / "simulated.mrc"
    with mrcfile.new(str(map_path)) as mrc:
        mrc.set_data(simulated.volume)
        mrc.voxel_size = simulated.voxel_size
    shares = ", ".join(f"{occupancy:g}" for occupancy in simulated.occupancies)
    print(f"Simulated a map of {len(simulated.parts)} parts with occupancies {shares}: {map_path}")
    print(f"Simulated {len(OCCUPANCIES)} classes of such a complex, in which two parts differ")
    folders = {"RELION": _relion(map_path, classes())}
    if importlib.util.find_spec("pwem") is None:
        print("\nScipion: not installed here (it needs Python 3.8 to 3.12), left out")
    else:
        class_maps = folders["RELION"].class_maps / "*_class*.mrc"
        folders["Scipion"] = _scipion(map_path, class_maps, simulated.voxel_size)
    first = folders["RELION"]
    _figure(map_path, first.scale)
    _page(map_path, first.scale)
    _print_results(simulated, folders)
    _print_comparison(first)
    same = _agree(folders)
    pictures = ", ".join(str(OUTPUT / f"{name}.png") for name in ("demo", "report", "classes"))
    print(f"\nLook at {pictures}, and at logfile.pdf in any of these folders")
    return 0 if same else 1


@dataclass(frozen=True)
class Folders:
    """Where a host left the outputs of the map and of the comparison, and where the class maps are."""

    scale: Path
    comparison: Path
    class_maps: Path


def _relion(map_path: Path, made: List[Phantom]) -> Folders:
    command = Path(sys.executable).with_name("relion_external_occupy")
    if shutil.which("relion_pipeliner") is None:
        print("\nRELION is not installed here: the job runs by itself (apt-get install relion, for a real project)")
        folder = OUTPUT / "relion_standalone"
        data = write_classification(folder / "Class3D", made)
        for words in (
            ["--o", f"{folder}/map/", "--in_3dref", str(map_path), "--amplify", "--attenuate", "--sigmoid"],
            ["--o", f"{folder}/classes/", "--in_parts", str(data)],
        ):
            subprocess.run([str(command), *words], check=True)
        return Folders(folder / "map", folder / "classes", data.parent)
    from demo.relion_project import RelionProject

    print("\nRELION: Import -> External -> MaskCreate, and classes -> External, in a real project")
    project = RelionProject(OUTPUT / "relion_project")
    shutil.copy(map_path, project.folder)
    data = write_classification(project.folder / "Class3D" / "simulated", made)
    imported = project.add_import(map_path.name)
    print(f"  {imported} {project.run(imported)}")
    job = project.add(
        "External",
        fn_exe=str(command),
        in_3dref=f"{imported}{map_path.name}",
        param1_label="amplify",
        param2_label="attenuate",
        param3_label="sigmoid",
        nr_threads="2",
    )
    print(f"  {job} {project.run(job)}")
    mask = project.add("MaskCreate", fn_in=f"{job}amplified.mrc", inimask_threshold="0.4", lowpass_filter="15")
    print(f"  {mask} {project.run(mask)}")
    compared = project.add("External", fn_exe=str(command), in_part=str(data.relative_to(project.folder)))
    print(f"  {compared} {project.run(compared)}")
    if {project.status(name) for name in (imported, job, mask, compared)} != {"Succeeded"}:
        raise SystemExit(f"the RELION project did not succeed; see run.err of the jobs in {project.folder}")
    return Folders(project.folder / job, project.folder / compared, data.parent)


def _scipion(map_path: Path, class_maps: Path, voxel_size: float) -> Folders:
    print("\nScipion: import -> local scale, and import -> compare classes, in a real project", flush=True)
    code = (
        "import sys; from pathlib import Path; from demo.scipion_project import run_in_project as run; "
        "print('FOLDERS', *run(*map(Path, sys.argv[1:4]), float(sys.argv[4])), sep='\\n')"
    )
    # In a process of its own: Scipion changes the working folder and prints what is of no interest here.
    words = [sys.executable, "-c", code, str(OUTPUT / "scipion"), str(map_path), str(class_maps), str(voxel_size)]
    log = OUTPUT / "scipion.log"
    with log.open("w") as file:
        done = subprocess.run(words, stdout=file, stderr=subprocess.STDOUT, check=False, cwd=OUTPUT.parent)
    lines = log.read_text().splitlines()
    if done.returncode or "FOLDERS" not in lines:
        raise SystemExit(f"the Scipion project did not finish; see {log}")
    print("  import volumes finished\n  local scale finished\n  import volumes finished\n  compare classes finished")
    scale, comparison = lines[lines.index("FOLDERS") + 1 :][:2]
    return Folders(Path(scale), Path(comparison), class_maps.parent)


def _figure(map_path: Path, folder: Path) -> None:
    from occupy_core.maps.reading import read_map
    from occupy_core.reporting.pdf.slices import slices_figure

    titles = {"scale": "local scale"}
    panels = {"input": read_map(map_path).data}
    panels.update({titles.get(name, name): read_map(folder / f"{name}.mrc").data for name in MAPS})
    figure = slices_figure(panels, title="Simulated complex: parts at occupancy 1, 0.6 and 0.3", planes=(0,))
    figure.savefig(OUTPUT / "demo.png", dpi=110)


def _page(map_path: Path, folder: Path) -> None:
    """The page of logfile.pdf, as a picture."""
    from occupy_core.maps.reading import read_map
    from occupy_core.reporting.pdf.logfile import own_style, pages_of
    from occupy_core.reporting.sections import map_sections, tile_section

    report = json.loads((folder / "report.json").read_text())
    (item,) = report["maps"]
    maps = {kind: read_map(folder / name).data for kind, name in item["outputs"].items()}
    slices = map_sections({"input": read_map(map_path).data, **maps}, tile_section(item))
    with own_style():
        pages_of(report, 0, slices)[0].savefig(OUTPUT / "report.png", dpi=110)


def _print_results(simulated: Phantom, folders: Dict[str, Folders]) -> None:
    scale = mrcfile.read(str(next(iter(folders.values())).scale / "scale.mrc"))
    print("\nLocal scale of each part (median), against its true occupancy:")
    for part, occupancy in zip(simulated.parts, simulated.occupancies):
        print(f"  true {occupancy:.2f}   local scale {np.median(scale[part]):.2f}")
    for host, found in folders.items():
        report = json.loads((found.scale / "report.json").read_text())
        files = ", ".join([*report["maps"][0]["outputs"].values(), "report.json"])
        print(f"\n{host}: {files}\n  in {found.scale}\n  and the comparison of classes in {found.comparison}")


def _print_comparison(found: Folders) -> None:
    """What differs between the classes, and the picture of it."""
    from occupy_core.comparing.outputs import comparison_lines
    from occupy_core.maps.reading import read_map
    from occupy_core.reporting.pdf.comparison_page import comparison_figure
    from occupy_core.reporting.pdf.slices import region_sections

    comparison = json.loads((found.comparison / "report.json").read_text())["comparison"]
    truth = "; ".join(
        f"part {part + 1} " + ", ".join(f"{occupancies[part]:g}" for occupancies in OCCUPANCIES) for part in (1, 2)
    )
    print(f"\nWhat differs between the classes (true occupancies: {truth}):")
    for line in comparison_lines(comparison):
        print(f"  {line}")
    masks = [read_map(found.comparison / region["mask"]).data for region in comparison["regions"]]
    maps = [read_map(path).data for path in sorted(found.class_maps.glob("*_class*.mrc"))]
    comparison_figure(comparison, region_sections(masks, maps)).savefig(OUTPUT / "classes.png", dpi=110)


def _agree(folders: Dict[str, Folders]) -> bool:
    """Whether every host made the same voxels."""
    first, *others = folders.values()
    regions = sorted(path.name for path in first.comparison.glob("region*_mask.mrc"))
    for other in others:
        pairs = [(first.scale / f"{name}.mrc", other.scale / f"{name}.mrc") for name in MAPS]
        pairs += [(first.comparison / name, other.comparison / name) for name in regions]
        for one, same in pairs:
            if not np.array_equal(mrcfile.read(str(one)), mrcfile.read(str(same))):
                print(f"ERROR: {one.name} differs between the hosts")
                return False
        print("What is made of the map and the masks of the regions are the same in both hosts, to the bit.")
    return True


if __name__ == "__main__":
    sys.exit(main())

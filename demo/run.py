# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the main jobs from start to end, in every host that is installed: `make demo`."""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List

import mrcfile
import numpy as np
from PIL import Image  # comes with matplotlib

from demo.atomic_model import write_model
from demo.classification import OCCUPANCIES, classes, write_classification
from demo.simulate import Phantom, phantom

OUTPUT = Path(__file__).resolve().parents[1] / "demo_output"
_COLOURS = 256  # of a picture
MAPS = ("scale", "confidence", "amplified", "attenuated", "sigmoid")


def main() -> int:
    """Run the demo; return 0 when every host finishes and all hosts give the same results, else 1."""
    sys.stdout.reconfigure(line_buffering=True)  # keeps the order of our lines and the jobs' lines in a file too
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    simulated = phantom(noise=0.1)
    map_path = OUTPUT / "simulated.mrc"
    with mrcfile.new(str(map_path)) as mrc:
        mrc.set_data(simulated.volume)
        mrc.voxel_size = simulated.voxel_size
    occupancies = ", ".join(f"{occupancy:g}" for occupancy in simulated.occupancies)
    print(f"Simulated a map of {len(simulated.parts)} parts with occupancies {occupancies}: {map_path}")
    print(f"Simulated {len(OCCUPANCIES)} classes of such a complex, which differ in two parts")
    model_path = write_model(simulated, OUTPUT / "simulated.cif")
    folders = {"RELION": _run_relion(map_path, classes(), model_path)}
    if importlib.util.find_spec("pwem") is None:
        print("\nScipion: not installed in this environment (it needs Python 3.8 to 3.12), so it is left out")
    else:
        class_maps = folders["RELION"].class_maps / "*_class*.mrc"
        folders["Scipion"] = _run_scipion(map_path, class_maps, simulated.voxel_size)
    first_host = folders["RELION"]
    _draw_sections(map_path, first_host.scale)
    _draw_map_page(map_path, first_host.scale)
    _print_results(simulated, folders)
    _print_comparison(first_host)
    _print_model(first_host)
    hosts_agree = _check_hosts_agree(folders)
    pictures = ", ".join(str(OUTPUT / f"{name}.png") for name in ("demo", "surface", "report", "classes", "model"))
    print(f"\nPictures to look at: {pictures}\nReport to look at: logfile.pdf in each of the folders above")
    return 0 if hosts_agree else 1


@dataclass(frozen=True)
class Folders:
    """Folders of one host.

    Attributes
    ----------
    scale : Path
        Outputs of the job on the simulated map.
    comparison : Path
        Outputs of the comparison of classes.
    class_maps : Path
        Class maps that were compared.
    """

    scale: Path
    comparison: Path
    class_maps: Path


def _run_relion(map_path: Path, class_maps: List[Phantom], model_path: Path) -> Folders:
    """Run the jobs in a RELION project, or without a project where RELION is not installed."""
    command = Path(sys.executable).with_name("relion_external_occupy")
    if shutil.which("relion_pipeliner") is None:
        return _run_without_relion(command, map_path, class_maps, model_path)
    from demo.relion_project import RelionProject

    print("\nRELION: Import -> External -> MaskCreate, and classes -> External, in a real project")
    project = RelionProject(OUTPUT / "relion_project")
    shutil.copy(map_path, project.folder)
    shutil.copy(model_path, project.folder)
    data = write_classification(project.folder / "Class3D" / "simulated", class_maps)
    imported = project.add_import(map_path.name)
    print(f"  {imported} {project.run(imported)}")
    scale = project.add(
        "External",
        fn_exe=str(command),
        in_3dref=f"{imported}{map_path.name}",
        param1_label="amplify",
        param2_label="attenuate",
        param3_label="sigmoid",
        nr_threads="2",
    )
    print(f"  {scale} {project.run(scale)}")
    mask = project.add("MaskCreate", fn_in=f"{scale}amplified.mrc", inimask_threshold="0.4", lowpass_filter="15")
    print(f"  {mask} {project.run(mask)}")
    comparison = project.add(
        "External",
        fn_exe=str(command),
        in_part=str(data.relative_to(project.folder)),
        param1_label="model",
        param1_value=model_path.name,
    )
    print(f"  {comparison} {project.run(comparison)}")
    if {project.status(job) for job in (imported, scale, mask, comparison)} != {"Succeeded"}:
        raise SystemExit(
            f"a job of the RELION project failed; see run.err in the folders of the jobs: {project.folder}"
        )
    return Folders(project.folder / scale, project.folder / comparison, data.parent)


def _run_without_relion(command: Path, map_path: Path, class_maps: List[Phantom], model_path: Path) -> Folders:
    print(
        "\nRELION: not installed, so its jobs run without a project "
        "(for a real project, install RELION: apt-get install relion)"
    )
    folder = OUTPUT / "relion_standalone"
    data = write_classification(folder / "Class3D", class_maps)
    for options in (
        ["--o", f"{folder}/map/", "--in_3dref", str(map_path), "--amplify", "--attenuate", "--sigmoid"],
        ["--o", f"{folder}/classes/", "--in_parts", str(data), "--model", str(model_path)],
    ):
        subprocess.run([str(command), *options], check=True)
    return Folders(folder / "map", folder / "classes", data.parent)


def _run_scipion(map_path: Path, class_maps: Path, voxel_size: float) -> Folders:
    """Run the protocols in a Scipion project; `class_maps` has a pattern for the file names."""
    print("\nScipion: import -> local scale, and import -> compare classes, in a real project", flush=True)
    code = (
        "import sys; from pathlib import Path; from demo.scipion_project import run_in_project as run; "
        "print('FOLDERS', *run(*map(Path, sys.argv[1:4]), float(sys.argv[4])), sep='\\n')"
    )
    # A separate process, because Scipion changes the working folder and prints many lines.
    command = [sys.executable, "-c", code, str(OUTPUT / "scipion"), str(map_path), str(class_maps), str(voxel_size)]
    log = OUTPUT / "scipion.log"
    with log.open("w") as file:
        done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False, cwd=OUTPUT.parent)
    lines = log.read_text().splitlines()
    if done.returncode or "FOLDERS" not in lines:
        raise SystemExit(f"the Scipion project did not finish; see {log}")
    print("  import volumes finished\n  local scale finished\n  import volumes finished\n  compare classes finished")
    scale, comparison = lines[lines.index("FOLDERS") + 1 :][:2]
    return Folders(Path(scale), Path(comparison), class_maps.parent)


def _draw_sections(map_path: Path, folder: Path) -> None:
    """Draw central sections of the input and the output maps: demo.png."""
    from occupy_core.maps.reading import read_map
    from occupy_core.reporting.pdf.sections_figure import SectionsFigure

    titles = {"scale": "local scale"}
    source = read_map(map_path)
    panels = {"input": source.data}
    panels.update({titles.get(name, name): read_map(folder / f"{name}.mrc").data for name in MAPS})
    title = "Simulated complex: parts at occupancy 1, 0.6 and 0.3"
    drawn = SectionsFigure(panels, title=title, voxel_size=source.grid.voxel_size, planes=(0,))
    _save(drawn.figure, "demo")


def _draw_map_page(map_path: Path, folder: Path) -> None:
    """Draw the map page of logfile.pdf, report.png, and the 3D view, surface.png."""
    from occupy_core.maps.reading import read_map
    from occupy_core.reporting.pdf.logfile import fixed_style, pages_of_map
    from occupy_core.reporting.pdf.surface_views import surface_figure
    from occupy_core.reporting.sections import map_sections

    report = json.loads((folder / "report.json").read_text())
    (item,) = report["maps"]
    maps = {kind: read_map(folder / name).data for kind, name in item["outputs"].items()}
    sections = map_sections({"input": read_map(map_path).data, **maps}, item)
    with fixed_style():
        _save(pages_of_map(report, 0, sections)[0], "report")
        title = "Simulated complex, coloured by the local scale"
        _save(surface_figure(sections.surface, title), "surface")


def _save(figure: Any, name: str, **options: Any) -> None:
    """Save a figure as a PNG with few colours, whose file is small."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110, **options)
    Image.open(content).convert("RGB").quantize(_COLOURS, kmeans=1).save(OUTPUT / f"{name}.png", optimize=True)


def _print_results(simulated: Phantom, folders: Dict[str, Folders]) -> None:
    """Print the local scale of each part, and the folders of each host."""
    scale = mrcfile.read(str(next(iter(folders.values())).scale / "scale.mrc"))
    print("\nMedian local scale of each part, and its true occupancy:")
    for part, occupancy in zip(simulated.parts, simulated.occupancies):
        print(f"  true occupancy {occupancy:.2f}   local scale {np.median(scale[part]):.2f}")
    for host, paths in folders.items():
        report = json.loads((paths.scale / "report.json").read_text())
        files = ", ".join([*report["maps"][0]["outputs"].values(), "report.json"])
        print(f"\n{host}: {files}\n  in {paths.scale}\n  comparison of classes in {paths.comparison}")


def _print_comparison(folders: Folders) -> None:
    """Print the regions where the classes differ, and draw them: classes.png."""
    from occupy_core.comparing.describe import comparison_lines, sure_regions
    from occupy_core.maps.reading import read_map
    from occupy_core.reporting.pdf.comparison_page import comparison_figure
    from occupy_core.reporting.region_sections import region_sections
    from occupy_core.reporting.surface.region_surface import region_surface

    comparison = json.loads((folders.comparison / "report.json").read_text())["comparison"]
    truth = "; ".join(
        f"part {part + 1}: " + ", ".join(f"{occupancies[part]:g}" for occupancies in OCCUPANCIES) for part in (1, 2)
    )
    print(f"\nDifferences between the classes (true occupancies in classes 1, 2, 3: {truth}):")
    for line in comparison_lines(comparison):
        print(f"  {line}")
    masks = {
        region["number"]: read_map(folders.comparison / region["mask"]).data for region in sure_regions(comparison)
    }
    maps = [read_map(path) for path in sorted(folders.class_maps.glob("*_class*.mrc"))]
    volumes = [item.data for item in maps]
    surface = region_surface(volumes, masks, spacing=maps[0].grid.voxel_size)
    sections = region_sections(list(masks.values()), volumes, window=surface.window)
    _save(comparison_figure(comparison, sections, surface=surface), "classes")


def _print_model(folders: Folders) -> None:
    """Print the occupancies of the parts of the model in the classes, and its files; draw them: model.png."""
    from matplotlib.transforms import Bbox

    from occupy_core.modelling.describe import model_lines
    from occupy_core.reporting.pdf.logfile import fixed_style
    from occupy_core.reporting.pdf.model_page import model_pages
    from occupy_core.settings.output_names import MODEL_TABLE

    report = json.loads((folders.comparison / "report.json").read_text())
    print("\nOccupancies of the chains of a fitted model (A, B, C are parts 1, 2, 3) in the same classes:")
    for line in model_lines(report["model"], report["comparison"]):
        print(f"  {line}")
    print(f"  files of the model: {', '.join([MODEL_TABLE, *report['model']['outputs']])}")
    print(f"  in {folders.comparison}")
    with fixed_style():
        figure = model_pages({**report["model"], "warnings": []}, report["comparison"], version=report["version"])[0]
        width, height = figure.get_size_inches()
        upper_part = Bbox.from_extents(0, 0.72 * height, width, height)
        _save(figure, "model", bbox_inches=upper_part)


def _check_hosts_agree(folders: Dict[str, Folders]) -> bool:
    """Return whether the maps and region masks of all hosts are equal to the bit, and print the answer."""
    first, *others = folders.values()
    regions = sorted(path.name for path in first.comparison.glob("region*_mask.mrc"))
    for other in others:
        pairs = [(first.scale / f"{name}.mrc", other.scale / f"{name}.mrc") for name in MAPS]
        pairs += [(first.comparison / name, other.comparison / name) for name in regions]
        for path, other_path in pairs:
            if not np.array_equal(mrcfile.read(str(path)), mrcfile.read(str(other_path))):
                print(f"ERROR: the hosts' {path.name} differ: {path} and {other_path}")
                return False
        print("The maps and the region masks of both hosts are equal to the bit.")
    return True


if __name__ == "__main__":
    sys.exit(main())

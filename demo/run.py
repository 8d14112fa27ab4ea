# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, start to end, in every host that is there: `make demo`."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict

import mrcfile
import numpy as np

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
    folders = {"RELION": _relion(map_path)}
    if importlib.util.find_spec("pwem") is None:
        print("\nScipion: not installed here (it needs Python 3.8 to 3.12), left out")
    else:
        folders["Scipion"] = _scipion(map_path, simulated.voxel_size)
    _figure(map_path, folders["RELION"])
    _print_results(simulated, folders)
    same = _agree(folders)
    print(f"\nLook at {OUTPUT / 'demo.png'}")
    return 0 if same else 1


def _relion(map_path: Path) -> Path:
    command = Path(sys.executable).with_name("relion_external_occupy")
    if shutil.which("relion_pipeliner") is None:
        print("\nRELION is not installed here: the job runs by itself (apt-get install relion, for a real project)")
        folder = OUTPUT / "relion_standalone"
        words = ["--o", f"{folder}/", "--in_3dref", str(map_path), "--amplify", "--attenuate", "--sigmoid"]
        subprocess.run([str(command), *words], check=True)
        return folder
    from demo.relion_project import RelionProject

    print("\nRELION: Import -> External -> MaskCreate in a real project")
    project = RelionProject(OUTPUT / "relion_project")
    shutil.copy(map_path, project.folder)
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
    if {project.status(name) for name in (imported, job, mask)} != {"Succeeded"}:
        raise SystemExit(f"the RELION project did not succeed; see {project.folder / job}run.err")
    return project.folder / job


def _scipion(map_path: Path, voxel_size: float) -> Path:
    print("\nScipion: import volumes -> local scale in a real project", flush=True)
    code = (
        "import sys; from pathlib import Path; from demo.scipion_project import local_scale_in_project as run; "
        "print('FOLDER', run(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))"
    )
    # In a process of its own: Scipion changes the working folder and prints what is of no interest here.
    words = [sys.executable, "-c", code, str(OUTPUT / "scipion"), str(map_path), str(voxel_size)]
    log = OUTPUT / "scipion.log"
    with log.open("w") as file:
        done = subprocess.run(words, stdout=file, stderr=subprocess.STDOUT, check=False, cwd=OUTPUT.parent)
    folders = [line.split(" ", 1)[1] for line in log.read_text().splitlines() if line.startswith("FOLDER ")]
    if done.returncode or not folders:
        raise SystemExit(f"the Scipion project did not finish; see {log}")
    print("  import volumes finished\n  local scale finished")
    return Path(folders[0])


def _figure(map_path: Path, folder: Path) -> None:
    from occupy_core.figures import slices_figure
    from occupy_core.maps import read_map

    titles = {"scale": "local scale"}
    panels = {"input": read_map(map_path).data}
    panels.update({titles.get(name, name): read_map(folder / f"{name}.mrc").data for name in MAPS})
    figure = slices_figure(panels, title="Simulated complex: parts at occupancy 1, 0.6 and 0.3", planes=(0,))
    figure.savefig(OUTPUT / "demo.png", dpi=110)


def _print_results(simulated: Phantom, folders: Dict[str, Path]) -> None:
    scale = mrcfile.read(str(next(iter(folders.values())) / "scale.mrc"))
    print("\nLocal scale of each part (median), against its true occupancy:")
    for part, occupancy in zip(simulated.parts, simulated.occupancies):
        print(f"  true {occupancy:.2f}   local scale {np.median(scale[part]):.2f}")
    for host, folder in folders.items():
        report = json.loads((folder / "report.json").read_text())
        files = ", ".join([*report["maps"][0]["outputs"].values(), "report.json"])
        print(f"\n{host}: {files}\n  in {folder}")


def _agree(folders: Dict[str, Path]) -> bool:
    """Whether every host made the same voxels."""
    first, *others = folders.values()
    for other in others:
        for name in MAPS:
            if not np.array_equal(mrcfile.read(str(first / f"{name}.mrc")), mrcfile.read(str(other / f"{name}.mrc"))):
                print(f"ERROR: {name}.mrc differs between the hosts")
                return False
        print("All maps are the same in both hosts, to the bit.")
    return True


if __name__ == "__main__":
    sys.exit(main())

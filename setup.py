# SPDX-License-Identifier: GPL-3.0-or-later
import re
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.egg_info import egg_info

HERE = Path(__file__).parent
# Read, not imported: an isolated build has neither numpy nor Scipion.
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "occupy_core/version.py").read_text(encoding="utf-8"), re.M)


class PluginFirst(egg_info):
    """Scipion's installer takes the first top-level package of an editable install for the plugin."""

    def run(self):
        super().run()
        path = Path(self.egg_info, "top_level.txt")
        names = path.read_text(encoding="utf-8").split()
        path.write_text("\n".join(sorted(names, key=lambda name: name != "occupy_scipion")) + "\n", encoding="utf-8")


setup(
    cmdclass={"egg_info": PluginFirst},
    name="scipion-em-occupy",
    version=VERSION.group(1),
    description="Local scale and occupancy of cryo-EM maps (OccuPy) in Scipion and RELION",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="GPL-3.0-or-later",
    author="The contributors of scipion-em-occupy",
    project_urls={"Paper of the method": "https://doi.org/10.1038/s41467-023-41478-1"},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(8, 14)),
        "Topic :: Scientific/Engineering :: Bio-Informatics",
        "Topic :: Scientific/Engineering :: Image Processing",
    ],
    keywords="scipion cryoem imageprocessing scipion-3.0 relion occupancy heterogeneity",
    python_requires=">=3.8",
    packages=find_packages(include=["occupy_core*", "occupy_scipion*", "relion_external*", "relion_files*"]),
    package_data={
        "occupy_core": ["py.typed"],
        "occupy_scipion": ["protocols.conf", "*.png", "templates/*.json.template"],
        "relion_external": ["templates/*.star", "templates/*/*/*.star", "templates/*/*/*/*.star"],
    },
    # Scipion is an extra: RELION users need none of it, and inside Scipion it is there already.
    # matplotlib draws logfile.pdf; contourpy, which comes with it, finds the outlines of regions.
    install_requires=[
        "numpy>=1.24",
        "scipy>=1.10",
        "mrcfile>=1.4",
        "starfile>=0.5",
        "matplotlib>=3.7",
        "contourpy>=1.0",
        # gemmi reads atomic models and computes their density: 3 MB, without requirements of its own. Jobs without a
        # model do not load it.
        "gemmi>=0.7",
    ],
    extras_require={
        "scipion": ["scipion-em>=3.11", "scipion-app>=3.8"],
        # scikit-image matches histograms (the setting hist_match).
        "histogram": ["scikit-image>=0.20"],
        # mkdocs builds the documentation as a site (`make docs`).
        "docs": ["mkdocs>=1.6"],
        # servalcat reads the groups that are written for it.
        # hypothesis draws maps and settings.
        "test": ["pytest>=7", "scikit-image>=0.20", "servalcat>=0.4", "hypothesis>=6.80", "pytest-xdist>=3"],
    },
    entry_points={
        "console_scripts": [
            "relion_external_occupy = relion_external.__main__:main",
            "relion_external_occupy_reconstruct = relion_external.loop.__main__:main",
        ],
        "pyworkflow.plugin": ["occupy_scipion = occupy_scipion"],
        "ccpem_pipeliner.jobs": ["occupy.map_analysis.local_scale = relion_external.forms.ccpem_pipeliner:OccupyJob"],
        "himena.plugin": ["OccuPy = relion_external.forms.himena_relion"],
    },
)

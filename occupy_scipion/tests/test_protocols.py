# SPDX-License-Identifier: GPL-3.0-or-later
"""A short test of the installed plugin, in a project of its own: a local scale, and a comparison of two maps."""

import mrcfile
import numpy as np
from pwem.protocols import ProtImportVolumes
from pyworkflow.tests import BaseTest, setupTestProject

from occupy_scipion.protocols import ProtOccupyCompareClasses, ProtOccupyLocalScale

_SIDE, _VOXEL_SIZE = 48, 4.0
_PART = (slice(20, 28), slice(20, 28), slice(30, 36))  # of the molecule, missing in half of the particles of class 2


class TestOccupy(BaseTest):
    """Two simulated maps of one molecule, of which a part is half as dense in the second."""

    @classmethod
    def setUpClass(cls):
        """Make the maps and import them."""
        setupTestProject(cls)
        noise = np.random.default_rng(0)
        for number, occupancy in ((1, 1.0), (2, 0.5)):
            values = np.zeros((_SIDE,) * 3, np.float32)
            values[14:34, 14:34, 14:30] = noise.uniform(0.5, 1.5, (20, 20, 16))
            values[_PART] = occupancy * noise.uniform(0.5, 1.5, (8, 8, 6))
            values += noise.normal(0, 0.1, values.shape).astype(np.float32)
            with mrcfile.new(cls.proj.getTmpPath(f"class{number}.mrc"), overwrite=True) as file:
                file.set_data(values)
                file.voxel_size = _VOXEL_SIZE

    def _imported(self, pattern):
        protocol = self.newProtocol(
            ProtImportVolumes, filesPath=self.proj.getTmpPath(pattern), samplingRate=_VOXEL_SIZE
        )
        self.launchProtocol(protocol)
        return protocol

    def test_local_scale(self):
        """The scale is lower where a part is less occupied, and lies from 0 to 1."""
        volume = self._imported("class2.mrc").outputVolume
        protocol = self.newProtocol(ProtOccupyLocalScale, inputVolumes=volume, preset=1, numberOfThreads=1)
        self.launchProtocol(protocol)
        scale = mrcfile.read(protocol.scaleMap.getFileName())
        self.assertEqual(protocol.scaleMap.getDim(), (_SIDE,) * 3)
        self.assertTrue(0 <= scale.min() and scale.max() <= 1)
        self.assertLess(np.median(scale[_PART]), 0.8 * np.median(scale[14:34, 14:34, 14:28]))

    def test_compare_classes(self):
        """The part that differs has a mask of its own."""
        volumes = self._imported("class*.mrc").outputVolumes
        protocol = self.newProtocol(ProtOccupyCompareClasses, inputVolumes=volumes, numberOfThreads=1)
        self.launchProtocol(protocol)
        mask = mrcfile.read(protocol.regionMask1.getFileName())
        self.assertGreater(mask[_PART].mean(), 0.7)
        self.assertLess(mask[14:34, 14:34, 14:26].mean(), 0.2)

# SPDX-License-Identifier: GPL-3.0-or-later
"""What no program can do without: reading a map, one float32 transform of it, writing the outputs.

`python floor.py MAP OUTPUTS FOLDER THREADS`, a process of its own that loads numpy and scipy.fft and nothing else;
prints the seconds of each as JSON.
"""

import json
import os
import sys
import time

import numpy as np
import scipy.fft

path, outputs, folder, threads = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
spent = {}
begun = time.perf_counter()
side = int(np.fromfile(path, dtype="<i4", count=1)[0])
values = np.fromfile(path, dtype="<f4", offset=1024).reshape(side, side, side)
spent["reading"] = time.perf_counter() - begun
begun = time.perf_counter()
scipy.fft.rfftn(values, workers=threads)
spent["transform"] = time.perf_counter() - begun
begun = time.perf_counter()
for number in range(outputs):
    values.tofile(os.path.join(folder, f"{number}.raw"))
spent["writing"] = time.perf_counter() - begun
print(json.dumps({**spent, "floor": sum(spent.values())}))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the floor: the time for reading a map, one float32 transform and writing the outputs.

Every program needs these steps. `python floor.py MAP OUTPUTS FOLDER THREADS` runs as a separate process that loads
numpy and scipy.fft only, writes OUTPUTS files to FOLDER, and prints the seconds of each step as JSON.
"""

import json
import os
import sys
import time

import numpy as np
import scipy.fft

path, outputs, folder, threads = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
seconds = {}
start = time.perf_counter()
side = int(np.fromfile(path, dtype="<i4", count=1)[0])
values = np.fromfile(path, dtype="<f4", offset=1024).reshape(side, side, side)
seconds["reading"] = time.perf_counter() - start
start = time.perf_counter()
scipy.fft.rfftn(values, workers=threads)
seconds["transform"] = time.perf_counter() - start
start = time.perf_counter()
for number in range(outputs):
    values.tofile(os.path.join(folder, f"{number}.raw"))
seconds["writing"] = time.perf_counter() - start
print(json.dumps({**seconds, "floor": sum(seconds.values())}))

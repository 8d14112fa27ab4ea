# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that RELION calls for each class in each iteration: `relion_external_occupy_reconstruct`.

RELION's own program inverts the Fourier sums; this one weights the map that comes out. The maths is in
`occupy_core.weighting`. Whenever a map cannot be weighted, RELION gets the plain map.
"""

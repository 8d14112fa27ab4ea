# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions on arrays, independent of maps: slabs and threads, histograms, quantiles, neighbourhoods, smoothing."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Array helpers that know nothing of maps: slabs in threads, histograms, quantiles, neighbours, Gaussian smoothing."""

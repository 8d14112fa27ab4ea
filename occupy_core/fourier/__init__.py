# SPDX-License-Identifier: GPL-3.0-or-later
"""Fourier transforms of maps: filters, change of box, power in shells."""

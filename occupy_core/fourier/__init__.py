# SPDX-License-Identifier: GPL-3.0-or-later
"""Fourier transforms of maps: low-pass filter, change of box, power spectrum.

Two terms are used throughout: a *Fourier component* is one coefficient of a spectrum; a *Fourier pixel of the longest
side* is the unit of frequency, one cycle across the longest side of the box.
"""

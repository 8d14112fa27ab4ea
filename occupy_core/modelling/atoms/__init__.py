# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an atomic model and divide its atoms into the parts whose occupancy is asked for."""

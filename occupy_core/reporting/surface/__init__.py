# SPDX-License-Identifier: GPL-3.0-or-later
"""3D views of maps: the surface at a level, drawn with rays in numpy, without OpenGL."""

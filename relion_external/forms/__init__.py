# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms of the job in other programs that run RELION's jobs: CCP-EM Pipeliner (Doppio), and himena-relion.

Each module is loaded by its program, which is no requirement of this package.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
"""What RELION's files say, for both hosts: STAR tables, files that they name, the classes of an iteration."""

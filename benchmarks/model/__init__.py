# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the occupancies of a fitted model are from known ones: `make accuracy` writes docs/model.md."""

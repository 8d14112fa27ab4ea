# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the errors of the occupancies of fitted models (`make accuracy`), and write them into docs/model.md."""

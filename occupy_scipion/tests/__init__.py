# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests that Scipion finds in an installed plugin: scipion3 tests occupy_scipion.tests.test_protocols"""

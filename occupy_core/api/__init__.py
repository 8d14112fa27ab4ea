# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python interface: functions that take maps as arrays or paths and return small frozen records.

`occupy_core` exports the functions: `from occupy_core import local_scale, amplify, attenuate, sigmoid, compare`.
"""

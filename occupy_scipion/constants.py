# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that several modules of the plugin share."""

# Key of the paper in bibtex.py.
REFERENCE = "Forsberg2023"
URL = "https://doi.org/10.1038/s41467-023-41478-1"
LOGO = "occupy_logo.png"

JOB_FILE = "job.json"
# A set's maps carry their ids: map001_scale.mrc.
SET_PREFIX = "map{:03d}_"
# And classes theirs, as in RELION: class001_scale.mrc.
CLASS_PREFIX = "class{:03d}_"

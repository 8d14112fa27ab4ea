# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that several modules of the plugin use."""

# Key of the paper's entry in bibtex.py.
REFERENCE = "Forsberg2023"
URL = "https://doi.org/10.1038/s41467-023-41478-1"
LOGO = "occupy_logo.png"

# The job for the core, in the run's folder.
JOB_FILE = "job.json"  # the job that the report is of
NEXT_JOB_FILE = "next_job.json"  # a job that is running, or has not ended well
# Prefix of the output files of an item of a set, with the item's id: map001_scale.mrc.
SET_PREFIX = "map{:03d}_"
# Prefix of the output files of a class, with the class number, as in RELION: class001_scale.mrc.
CLASS_PREFIX = "class{:03d}_"

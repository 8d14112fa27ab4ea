# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits by which many volumes are compared. *Ours* means chosen by us; docs/ensembles.md shows what it gives."""

from __future__ import annotations

# Share of the volumes, and least number, that show molecule at a voxel: noise does in single volumes. Ours.
MIN_SHARE_OF_VOLUMES = 0.01

# Values: the volumes within the parts that vary are in memory at once for the decomposition, at every second, third ...
# voxel where there are more values. 64 MB.
MAX_MATRIX = 16_000_000

# Voxels of the molecule by which grey scales and noise are measured; for speed alone.
MAX_SAMPLED_VOXELS = 8000

# Relative density: a voxel belongs to the common part if it differs from its usual density by no more than this, but
# for noise, in this share of the volumes. Ours.
MAX_DIFFERENCE, COMMON_SHARE = 0.1, 0.9

# Noise of the steadiest voxels relative to their density, above which nothing is the same in all volumes. Ours.
MAX_COMMON_NOISE = 0.4

# Share of the clearly dense voxels: a smaller common part is not used. Ours.
MIN_COMMON_SHARE = 0.1

# Components: most that are kept. Standard deviation of a component relative to the largest that noise makes, from which
# on it counts. Ours.
MAX_COMPONENTS, EDGE_MARGIN = 20, 1.15

# Cosine between the changes of two voxels over the volumes (their correlation): above the first, two profiles are one;
# above the second, a voxel follows a profile where profiles are looked for; above the third, where parts are cut out.
# Ours.
SAME_PROFILE, EXPLAINED, FOLLOWS = 0.9, 0.85, 0.7

# Distance between the middles of two halves of a profile's voxels, in standard deviations of a half, from which on they
# are two profiles. It is 2.7 for normally distributed directions, 3.5 for evenly distributed ones. Ours.
MIN_SEPARATION = 4.0

# Share of the length of a profile: a profile this near to a sum of others may be their blur. As for classes.
MAX_MIXTURE_REST = 0.35

# Volume of a part relative to the smallest of those whose profiles add up to its own: below, it is their blur. Ours.
MAX_BLUR_VOLUME = 0.25

# Share of the largest relative change of a part, above which a voxel belongs to it: its border with what stays. Ours.
BORDER_SHARE = 0.5

# Å^3: smaller parts are left out, as for classes, and smaller pieces of a part. Ours.
MIN_VOLUME, MIN_PIECE = 4000.0, 1000.0

# Share of the volumes in which a part is densest, and standard deviations of its noise by which it may be less dense
# than in their mean: the mean of all these volumes tells its density where it is there. Noise alone makes the densest
# tenth of equal volumes denser by 1.75. Ours.
TOP_SHARE, BELOW_TOP = 0.1, 3.0

# Standard deviations of an occupancy for other reasons than noise: of what counts as 1 (relative), of any occupancy.
# From simulated ensembles with the seeds 2001 to 2004 of their benchmark. Ours.
REFERENCE_ERROR, OTHER_ERROR = 0.02, 0.01

# Standard deviation of the occupancy over the pieces of a part, without that of noise: above, the pieces are said to
# differ in a volume. Ours.
UNEVEN = 0.1

# Å: parts nearer than this or than the edge of a cube of their volume, whose densities together stay the same, are one
# part that moves. Å: density that is blurred out of a part, or that a small motion moves out of it, is this near. Ours.
TOUCHING, REACH_OF_PART = 12.0, 10.0

# Variance over the volumes of the density of touching parts together, relative to the sum of the variances of each:
# below, density is only moved. It is 1 for parts that come and go independently. Ours.
MAX_MOVED_VARIANCE = 0.3

# Volumes by which it is told whether the noise is a mixture of a few components, and `Variation.independence`, below
# which volumes are said to depend on each other. 0.6 and more in simulated independent volumes, 0.00 in mixtures of up
# to 19 components. Ours.
TOLD_BY, MIN_INDEPENDENCE = 40, 0.3

# Root mean square displacement relative to the low-pass, below which motions may be missed: 3 Å at 8 Å in simulated
# ensembles (docs/ensembles.md); that it grows in proportion to the low-pass is assumed. For a sentence alone.
SEEN_MOTION = 0.375

# Occupancies (0..1): volumes of one cluster differ by at most this in every part. Most clusters. Ours.
CLUSTER_WIDTH, MAX_CLUSTERS = 0.5, 12

# Share of exceptions that a rule on two parts may have. Ours.
MAX_EXCEPTIONS = 0.05

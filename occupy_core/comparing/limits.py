# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits by which classes are compared, with their origin.

Limits of geometry (how parts are cut out and grown) stand where they are used, in `regions.py`, `patterns.py` and
`label_smoothing.py`. *Ours* means chosen by us; docs/classes.md shows what it gives on classifications by RELION and in
simulations.
"""

from __future__ import annotations

# Å, full widths at half maximum of the Gaussian smoothings under which differences are detected: a large part that
# differs little shows only under a wide smoothing, a small part only under a narrow one. Ours.
DETECTION_WIDTHS = (12.0, 20.0, 30.0)

# Density in a smoothed map relative to that of the molecule (its 95th percentile, or its median where it is fully
# occupied): noise and poses are measured where a map is denser; a voxel below this in every map is no molecule. Ours.
MIN_RELATIVE_DENSITY = 0.25

# The same for voxels whose density is clear enough for a ratio to it, and to tell where a mask cuts a molecule. Ours.
RELIABLE_DENSITY = 0.4

# Å: density is mixed with what lies this near, as in the kernel of the estimate (docs/accuracy.md). Solvent and new
# patterns keep this distance, and borders move by no more at once. Ours.
MIXING_REACH = 8.0

# Å: what lies this near to a part or a molecule may hold density that is blurred out of it. Ours.
BLUR_REACH = 20.0

# Voxels: statistics of fewer mean nothing. Ours.
MIN_VOXELS = 30

# Keeps quotients and logarithms finite.
TINY = 1e-30

# Voxels: fits take every second, third ... voxel where there are more; neighbours say the same. The fit of a pose has
# more unknowns than that of the noise. For speed alone.
MAX_FITTED_VOXELS, MAX_VOXELS_OF_NOISE = 10_000, 5_000

# Standard deviations of its noise that a difference exceeds, at voxels where parts are looked for and as the mean over
# a region that is reported. Ours: the regions that noise makes all the same are found unsure.
CANDIDATE_SIGMAS = 4.0

# Probability with which noise alone makes a sure region anywhere in the molecule and between any two classes
# (Bonferroni's correction), and the factor by which the noise may be underestimated, for regions and for intervals. In
# 90 classifications of identical particles by RELION noise reached 0.83 of what a factor of 1.4 asks for; in 144
# simulated sets of equal classes 2 exceeded it. A factor of 1.2 finds 142 instead of 138 of 150 separated differences,
# but also a false region beside them, and three times as many in the simulated sets. Ours.
FALSE_ALARM, NOISE_MARGIN = 1e-3, 1.4

# Share of the molecule in which two classes differ by noise alone (0..1), above which their difference tells the noise
# of both. It was 0.93 and more where small classes of RELION made false regions; in simulated classes that lack a large
# part it was 0.3 to 0.7 under the widest smoothing. Ours.
MIN_SAME_SHARE = 0.9

# The noise of a pair of classes inside the molecule is at most this many times what the noises of the two classes give.
# In classifications of identical particles by RELION the pairs differed by up to 1.3. Ours.
EXCESS_MARGIN = 1.5

# Occupancy (0..1) that a region exceeds in the class where it is strongest, and difference in occupancy between two
# classes that it exceeds; weaker regions are not reported. Ours.
MIN_OCCUPANCY, MIN_DIFFERENCE = 0.25, 0.15

# Standard deviations: half width of an interval that holds 90 % of a normal distribution.
INTERVAL_SIGMAS = 1.645

# Particles: a class of fewer is left out. A reconstruction at a tenth of the particle's diameter needs pi times 10
# views (Crowther, DeRosier & Klug, Proc. R. Soc. A 317 (1970), 319), a few more as they are not evenly spread.
MIN_PARTICLES = 50

# Density of the common part relative to the median over the large classes (0..1): a class below it holds other
# particles (junk) or badly aligned ones, and is left out. In classifications by RELION, classes of 0.61 to 0.72 misread
# occupancies by 0.25 to 0.42. Ours.
MIN_GREY_FACTOR = 0.75

# Standard deviations of an occupancy for other reasons than noise. REFERENCE_ERROR, of what counts as 1 (relative):
# parts differ in their density. MIXED_ERROR, of an occupancy of a half, and less of others: particles belong to a class
# for a part only. OTHER_ERROR, of any occupancy: the surroundings of a part. Ours, from classifications by RELION.
REFERENCE_ERROR, MIXED_ERROR, OTHER_ERROR = 0.04, 0.07, 0.02

# Full width at half maximum of the Gaussian that stands for the blur of a low-pass, relative to the low-pass. Ours.
BLUR_OF_LOWPASS = 0.5

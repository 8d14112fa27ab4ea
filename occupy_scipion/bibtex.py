# SPDX-License-Identifier: GPL-3.0-or-later
"""
@article{Forsberg2023,
  title   = {A robust normalized local filter to estimate compositional heterogeneity directly from cryo-EM maps},
  author  = {Forsberg, Bj{\\"o}rn O. and Shah, Pranav N. M. and Burt, Alister},
  journal = {Nature Communications},
  volume  = {14},
  year    = {2023},
  doi     = {https://doi.org/10.1038/s41467-023-41478-1}
}
"""

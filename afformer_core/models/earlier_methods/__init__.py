# SPDX-License-Identifier: Apache-2.0
"""Earlier methods of the paper's Tables 1 and 2, implemented anew as decoders over our encoders.

None of their code or weights is here. Backbone, losses, action head and the last two
deconvolutions are the same as for every other model, so that a row differs from the others only in
how it reads the demonstration.
"""

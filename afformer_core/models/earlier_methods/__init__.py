# SPDX-License-Identifier: Apache-2.0
"""Earlier methods of the paper's Tables 1 and 2, reimplemented as decoders for our encoders.

They contain no original code or weights. Backbone, losses, action head and the last two
deconvolutions are the same as in every other model, so that rows differ only in how the model uses
the demonstration.
"""

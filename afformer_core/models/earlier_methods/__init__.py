# SPDX-License-Identifier: Apache-2.0
"""Earlier methods of the paper's Tables 1 and 2, built anew as decoders on our encoders.

None of their code or weights is here. The backbone, the losses, the action head and the last two
deconvolutions are those of every other model, so that a row differs from the others in how it
reads the demonstration alone.
"""

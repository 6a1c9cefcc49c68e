# SPDX-License-Identifier: Apache-2.0
"""HOI4D: tasks with objects of 16 categories, in egocentric view."""

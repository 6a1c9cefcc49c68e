# SPDX-License-Identifier: Apache-2.0
"""Features of demonstrations at rest, and copies in the form in which they are used."""

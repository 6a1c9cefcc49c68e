# SPDX-License-Identifier: Apache-2.0
"""The site of the documentation: generated pages, and hooks of MkDocs that add them."""

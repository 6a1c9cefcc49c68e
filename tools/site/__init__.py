# SPDX-License-Identifier: Apache-2.0
"""The site of the documentation: pages that are generated, and hooks of MkDocs that add them."""

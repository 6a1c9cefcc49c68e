# SPDX-License-Identifier: Apache-2.0
"""Claims: numbers of README and pages, compared with the results that they come from."""

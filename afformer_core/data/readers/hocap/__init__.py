# SPDX-License-Identifier: Apache-2.0
"""HO-Cap: hands that carry objects on a table, in view of eight cameras, with poses of both."""

# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: servers (server), a registry client (registry), sockets (raw), content (content)."""

"""Attribution methods: ways to get effects of regions on tokens, one file each, behind one registry."""

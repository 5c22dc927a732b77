"""Chores of whoever runs Midstage: backing up, restoring, upgrading, forgetting in time. Above the processes, no HTTP."""

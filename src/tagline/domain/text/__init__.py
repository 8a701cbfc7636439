"""Small truths about text that every subject needs: times, durations, near misses, shell words, addresses without
secrets.
"""

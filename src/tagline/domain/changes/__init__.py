"""A pull or merge request and what it asks: labels, touches, approvals, policy, and the one decision of plan and
promote.
"""
